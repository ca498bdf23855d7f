"""The interface of a vector store, and the table of those there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


class DenseStore(Protocol):
    """Unit vectors by row number, searched by cosine."""

    @property
    def size(self) -> int:
        """How many vectors there are."""
        ...

    def search(
        self, query: Vectors, k: int, allowed: Rows | None = None
    ) -> list[tuple[int, float]]:
        """Return up to ``k`` (row, cosine), best first, ties by row; only ``allowed`` rows."""
        ...

    def vectors(self, rows: Rows) -> Vectors:
        """Return the stored vectors of these rows, shape (len(rows), dimension)."""
        ...


class DenseStoreKind(Protocol):
    """How one kind of store is written and opened; a module has these two functions."""

    def write(self, path: Path, blocks: Iterable[Vectors], dimension: int) -> None:
        """Write vectors, given in blocks of shape (n, dimension), to a file.

        Raises OSError when the file cannot be written.
        """
        ...

    def open(self, path: Path, dimension: int) -> DenseStore:
        """Open such a file; raises DamagedIndexError when it is damaged."""
        ...


def _module(name: str) -> Callable[[], DenseStoreKind]:
    return lambda: import_module(name)


STORES: dict[str, Callable[[], DenseStoreKind]] = {"faiss": _module("index.faiss_dense")}
