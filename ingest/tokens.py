"""The tokens of a new generation's passages: carried over with the vectors, or as the model gives.

Tokens of many passages do not fit into memory, so that new ones wait in a file beside the
generation that is built, in the order in which the model gave them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np

from index.dense import Rows
from index.embedder import Embedder
from index.tokens import Centres, Codes, Tokens, TokenStore, packed, width, write_tokens
from ingest.foreign import read_foreign_questions

_WAITING = "tokens.new"


class TokenColumn:
    """The tokens of all passages; there are none where the model has no vectors of tokens.

    What they are centred on is kept from one generation to the next, as stored tokens are.
    Raises OSError when the disk is full.
    """

    def __init__(self, previous: TokenStore | None) -> None:
        self._previous = previous
        self._centres: Centres | None = previous.centres if previous else None
        self._waiting: Path | None = None
        self._file: BinaryIO | None = None
        self._places: dict[int, tuple[int, int]] = {}  # row → its first byte, its tokens

    @contextmanager
    def collecting(self, folder: Path, embedder: Embedder) -> Iterator[None]:
        """Take tokens of new passages by ``add``, which wait in a file in this folder."""
        self._centres = self._centres or read_foreign_questions(embedder).centres
        self._waiting = folder / _WAITING
        with self._waiting.open("wb") as self._file:
            yield

    def add(self, row: int, tokens: Tokens | None) -> None:
        """Put the tokens of a passage aside until they are written."""
        if tokens is None or self._centres is None or self._file is None:
            return
        codes = packed(tokens, self._centres.passages)
        self._places[row] = (self._file.tell(), len(codes))
        self._file.write(codes.data)

    def write(self, folder: Path, origin: Rows) -> None:
        """Write the tokens of all passages; ``origin`` has the previous row of each, or -1."""
        rows = list(enumerate(origin.tolist()))
        counts = [self._count(row, previous) for row, previous in rows]
        with self._waiting.open("rb") if self._waiting else nullcontext() as file:
            if self._centres is not None:
                write_tokens(folder, counts, self._parts(rows, file), self._centres)
        if self._waiting is not None:
            self._waiting.unlink()

    def _count(self, row: int, previous: int) -> int:
        if previous >= 0 and self._previous:
            return self._previous.count(previous)
        return self._places.get(row, (0, 0))[1]

    def _parts(self, rows: Sequence[tuple[int, int]], file: BinaryIO | None) -> Iterator[Codes]:
        for row, previous in rows:
            if previous >= 0 and self._previous:
                yield self._previous.stored(previous)
            elif row in self._places and file and self._centres:
                first, count = self._places[row]
                size = width(len(self._centres.passages))
                file.seek(first)
                yield np.frombuffer(file.read(count * size), np.uint8).reshape(count, size)
