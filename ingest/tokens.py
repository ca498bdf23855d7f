"""The tokens of a new generation's passages: carried over with the vectors, or the model's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np

from index.dense import Rows
from index.embedder import Embedder
from index.tokens import Centres, Codes, Tokens, TokenStore, packed, width, write_tokens
from ingest.foreign import read_foreign_questions
from ingest.waiting import WaitingArrays

_WAITING = "tokens.new"


class TokenColumn:
    """The tokens of all passages; there are none where the model has no vectors of tokens.

    What they are centred on is kept from one generation to the next, as stored tokens are.
    Raises OSError when the disk is full.
    """

    def __init__(self, previous: TokenStore | None) -> None:
        self._previous = previous
        self._centres: Centres | None = previous.centres if previous else None
        self._waiting: WaitingArrays | None = None

    @contextmanager
    def collecting(self, folder: Path, embedder: Embedder) -> Iterator[None]:
        """Take tokens of new passages by ``add``, which wait in a file in this folder."""
        self._centres = self._centres or read_foreign_questions(embedder).centres
        if self._centres is None:
            yield
            return
        size = width(len(self._centres.passages))
        self._waiting = WaitingArrays(folder / _WAITING, np.uint8, size)
        with self._waiting.collecting():
            yield

    def add(self, row: int, tokens: Tokens | None) -> None:
        """Put the tokens of a passage aside until they are written."""
        if tokens is not None and self._centres is not None and self._waiting is not None:
            self._waiting.put(row, packed(tokens, self._centres.passages))

    def write(self, folder: Path, origin: Rows) -> None:
        """Write the tokens of all passages; ``origin`` has the previous row of each, or -1."""
        rows = list(enumerate(origin.tolist()))
        counts = [self._count(row, previous) for row, previous in rows]
        with self._waiting.reading() if self._waiting else nullcontext():
            if self._centres is not None:
                write_tokens(folder, counts, self._parts(rows), self._centres)

    def _count(self, row: int, previous: int) -> int:
        if previous >= 0 and self._previous:
            return self._previous.count(previous)
        return self._waiting.count(row) if self._waiting else 0

    def _parts(self, rows: Sequence[tuple[int, int]]) -> Iterator[Codes]:
        for row, previous in rows:
            if previous >= 0 and self._previous:
                yield self._previous.stored(previous)
            elif self._waiting and self._waiting.count(row):
                yield self._waiting.get(row)
