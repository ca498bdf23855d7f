"""Which documents of a shard may be shown, and which passage rows are theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.dense import Rows
from index.records import IndexedDocument


class Shown:
    """The documents that may be shown: their ``ids``, and how many ``passages`` they have.

    ``rows`` are those of the passages, ascending; None where nothing is ``hidden``.
    """

    def __init__(self, documents: Sequence[IndexedDocument], *, hidden: bool) -> None:
        extents = sorted((d.first, d.end) for d in documents if d.first < d.end)
        self._starts, self._ends = np.array(extents, np.int64).reshape(-1, 2).T
        self.ids = frozenset(d.document.id for d in documents)
        self.passages = sum(end - first for first, end in extents)
        self.rows: Rows | None = None
        if hidden:
            parts = [np.arange(first, end, dtype=np.int64) for first, end in extents]
            self.rows = np.concatenate([np.zeros(0, np.int64), *parts])

    def holds(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell of each passage row whether it belongs to a document that may be shown."""
        if len(self._starts) == 0:
            return np.zeros(len(rows), np.bool_)
        places = np.searchsorted(self._starts, rows, side="right") - 1
        held: NDArray[np.bool_] = (places >= 0) & (rows < self._ends[places])
        return held
