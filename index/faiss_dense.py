"""Vectors in a flat FAISS index: exact inner-product search over unit vectors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import faiss
import numpy as np

from corpus.errors import DamagedIndexError
from index.dense import Rows, Vectors


class FaissDense:
    """A flat index; row numbers are FAISS ids, as nothing is ever deleted from it."""

    def __init__(self, index: faiss.IndexFlat) -> None:
        self._index = index

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, query: Vectors, k: int, allowed: Rows | None = None
    ) -> list[tuple[int, float]]:
        k = min(k, self.size if allowed is None else len(allowed))
        if k == 0:
            return []
        parameters = None
        if allowed is not None:
            parameters = _only(allowed)
        scores, rows = self._index.search(query.reshape(1, -1), k, params=parameters)
        found = [(int(r), float(s)) for r, s in zip(rows[0], scores[0], strict=True) if r >= 0]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def vectors(self, rows: Rows) -> Vectors:
        if len(rows) == 0:
            return np.zeros((0, self._index.d), dtype=np.float32)
        return np.asarray(self._index.reconstruct_batch(rows), dtype=np.float32)


def write(path: Path, blocks: Iterable[Vectors], dimension: int) -> None:
    """Write a flat index of the vectors, in their order. Raises OSError when it cannot."""
    index = faiss.IndexFlatIP(dimension)
    for block in blocks:
        index.add(np.ascontiguousarray(block, dtype=np.float32))
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise OSError(f"{path} cannot be written; is the disk full? ({reason})") from error


def open(path: Path, dimension: int) -> FaissDense:  # noqa: A001 - the interface's name
    """Open an index that ``write`` made.

    The file is mapped, not read, so that opening takes the same time for any size. Raises
    DamagedIndexError when it is missing, damaged, or of another kind or dimension.
    """
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise DamagedIndexError(_damaged(path)) from error
    if not isinstance(index, faiss.IndexFlat) or index.d != dimension:
        raise DamagedIndexError(_damaged(path))
    return FaissDense(index)


def _only(allowed: Rows) -> faiss.SearchParameters:
    # FAISS takes these by keyword, which its annotations do not say.
    return faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))  # type: ignore[call-arg]


def _damaged(path: Path) -> str:
    return f"{path} is missing or damaged."
