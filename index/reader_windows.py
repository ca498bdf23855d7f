"""A passage cut into windows that fit into the reader's input, so that every sentence is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.reader_input import PASSAGE_TOKENS, SentenceTokens

# Sentences at the end of a window that the next one begins with, where they fit.
_OVERLAP = 2


@dataclass(frozen=True)
class Piece:
    """Tokens of a sentence, from ``first`` to ``end``: all of them where it is not too long."""

    sentence: int
    first: int
    end: int

    @property
    def length(self) -> int:
        """Return the number of tokens."""
        return self.end - self.first


@dataclass(frozen=True)
class Window:
    """Pieces of sentences that are read together, behind the passage's head."""

    passage: int
    pieces: tuple[Piece, ...]


def windows(passage: int, head: int, sentences: Sequence[SentenceTokens]) -> list[Window]:
    """Cut a passage, whose head has so many tokens, into one window or several that overlap.

    Each token of a sentence is in one window at least, and there is always a window.
    """
    most = PASSAGE_TOKENS - head
    pieces = [
        Piece(number, first, min(first + most, len(sentence.ids)))
        for number, sentence in enumerate(sentences)
        for first in range(0, len(sentence.ids), most)
    ]
    found: list[Window] = []
    start = end = 0
    while end < len(pieces):
        start = _start(pieces, start, end, most)
        end = _end(pieces, start, most)
        found.append(Window(passage, tuple(pieces[start:end])))
    return found or [Window(passage, ())]


def _start(pieces: Sequence[Piece], before: int, end: int, most: int) -> int:
    """Return where a window starts that holds the piece ``end`` and some of those before it."""
    start = end
    length = pieces[end].length
    while start > before + 1 and end - start < _OVERLAP:
        length += pieces[start - 1].length
        if length > most:
            break
        start -= 1
    return start


def _end(pieces: Sequence[Piece], start: int, most: int) -> int:
    """Return the end of the longest window that starts with a piece."""
    end, length = start, 0
    while end < len(pieces) and length + pieces[end].length <= most:
        length += pieces[end].length
        end += 1
    return end
