"""The vectors of a new generation's sentences: what their passage's own encoding makes of them.

A passage is encoded once, and a sentence's vector is the mean of its tokens there (late chunking:
Günther et al. 2024). So it knows its neighbours and headings, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np

from index.dense import Rows, Vectors
from index.records_writer import NewPassage
from index.tokens import Tokens
from ingest.waiting import WaitingArrays

_WAITING = "sentences.new"


def sentence_vectors(
    ends: Sequence[tuple[int, int]], whole: Vectors, tokens: Tokens | None
) -> Vectors:
    """Return unit vectors of a passage's sentences, shape (sentences, dimension).

    ``ends`` are their ``sentence_ends``. ``whole`` is the passage's vector; it stands for a
    sentence without a token, as behind the end of what the model reads, and for all where the
    model has no vectors of tokens.
    """
    found = np.tile(whole, (len(ends), 1)).astype(np.float32)
    if tokens is None:
        return found
    for number, (start, end) in enumerate(ends):
        inside = (tokens.from_end >= end) & (tokens.from_end < start)
        if inside.any():
            mean = tokens.vectors[inside].mean(axis=0, dtype=np.float32)
            found[number] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return found


class SentenceColumn:
    """The vectors of all sentences; new ones wait in a file in the shard's folder.

    ``origin`` has for each row the previous one with the same text in the same passage, or -1.
    ``stored`` returns vectors of such rows. Raises OSError when the disk is full.
    """

    def __init__(self, origin: Rows, stored: Callable[[Rows], Vectors] | None) -> None:
        self._origin = origin
        self._stored = stored
        self._waiting: WaitingArrays | None = None

    @contextmanager
    def collecting(self, folder: Path, dimension: int) -> Iterator[None]:
        """Take vectors of new passages' sentences by ``add``."""
        self._waiting = WaitingArrays(folder / _WAITING, np.float16, dimension)
        with self._waiting.collecting():
            yield

    def add(self, passage: NewPassage, vectors: Vectors) -> None:
        """Put the vectors of a passage's sentences aside until they are written."""
        assert self._waiting is not None
        self._waiting.put(passage.first_sentence, vectors)

    def blocks(self, most: int) -> Iterator[Vectors]:
        """Yield the vectors of all sentences in the order of rows, at most ``most`` at a time.

        What waited is gone afterwards.
        """
        with self._waiting.reading() if self._waiting else nullcontext():
            row = 0
            while row < len(self._origin):
                count = self._waiting.count(row) if self._waiting else 0
                if count:
                    assert self._waiting is not None
                    yield self._waiting.get(row)
                else:
                    count = self._known_from(row, most)
                    assert self._stored is not None
                    yield self._stored(self._origin[row : row + count])
                row += count

    @property
    def count(self) -> int:
        """How many sentences there are."""
        return len(self._origin)

    def _known_from(self, row: int, most: int) -> int:
        """Return how many rows from this one on are carried over, at most so many."""
        new = np.flatnonzero(self._origin[row : row + most] < 0)
        return int(new[0]) if len(new) else min(most, len(self._origin) - row)
