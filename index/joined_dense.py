"""The passage vectors of all shards that are open, searched as those of one store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.dense import DenseStore, Rows, Vectors
from index.shard_records import ShardRecords


@dataclass(frozen=True)
class DensePart:
    """One shard's vectors, from row ``first`` of the whole on, and the records of the same rows."""

    store: DenseStore
    records: ShardRecords
    first: int

    def search(self, query: Vectors, k: int, allowed: Rows | None) -> list[tuple[int, float]]:
        """Search as a vector store does, for rows that may be shown; numbered as in the whole."""
        own = self._allowed(allowed)
        found = self._checked(self.store.search(query, k, own), own)
        if len(found) < min(k, self.store.size if own is None else len(own)):
            # Rows were found that must not be: what they pushed out comes after them.
            found = self._checked(self.store.search(query, self.store.size, own), own)[:k]
        return [(row + self.first, cosine) for row, cosine in found] if self.first else found

    def _allowed(self, allowed: Rows | None) -> Rows | None:
        """Return the own rows that may be found, as the store numbers them; None for all."""
        shown = self.records.rows_shown()
        if allowed is None:
            return shown
        own = allowed - self.first
        own = own[(own >= 0) & (own < self.store.size)]
        return own if shown is None else np.intersect1d(own, shown)

    def _checked(
        self, found: list[tuple[int, float]], allowed: Rows | None
    ) -> list[tuple[int, float]]:
        """Drop what a faulty store may find: rows not there, not to be shown or not asked for."""
        rows = np.array([row for row, _ in found], np.int64)
        right = self.records.shows(rows)
        if allowed is not None:
            right &= np.isin(rows, allowed)
        return [hit for hit, kept in zip(found, right.tolist(), strict=True) if kept]


class JoinedDense:
    """The vectors of several shards, numbered on from one to the next: a vector store itself."""

    def __init__(self, parts: Sequence[DensePart], dimension: int) -> None:
        self._parts = tuple(parts)
        self._dimension = dimension

    @property
    def size(self) -> int:
        """How many passages there are that may be shown."""
        return sum(part.records.passages_shown for part in self._parts)

    def search(
        self, query: Vectors, k: int, allowed: Rows | None = None
    ) -> list[tuple[int, float]]:
        """Return up to ``k`` (row, cosine), best first, ties by row; only ``allowed`` rows."""
        if len(self._parts) == 1:
            return self._parts[0].search(query, k, allowed)
        found = [hit for part in self._parts for hit in part.search(query, k, allowed)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def vectors(self, rows: Rows) -> Vectors:
        """Return the stored vectors of these rows, shape (len(rows), dimension)."""
        if len(self._parts) == 1:
            return self._parts[0].store.vectors(rows)
        vectors = np.zeros((len(rows), self._dimension), np.float32)
        for part in self._parts:
            own = (rows >= part.first) & (rows < part.first + part.store.size)
            if own.any():
                vectors[own] = part.store.vectors(rows[own] - part.first)
        return vectors
