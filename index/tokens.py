"""Token vectors: what the model makes of each piece of a word, kept for late interaction.

A question is compared with a passage token by token: each of its tokens finds the token that comes
nearest, and the mean of those cosines says how much of the question is borne out there (MaxSim of
ColBERT: Khattab and Zaharia 2020). Unlike one vector for the whole, that tells *which* part of a
question a sentence answers, in any language that the model knows.

All tokens of one text lie close together. What they have in common is taken off first: the mean
token of everyday questions, by language for questions, of all for passages. A passage's tokens are
kept in two bits for each dimension, which costs .005 of the first sentences and a sixteenth of
the space; the figures are in docs/measurements.md.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import DamagedIndexError
from index.dense import Vectors

TOKENS_FILE = "tokens.npy"
ROWS_FILE = "token-rows.npy"
CENTRES_FILE = "token-centres.npy"

Codes = NDArray[np.uint8]
Places = NDArray[np.int64]

_PER_BYTE = 4
_PLACE_BYTES = 2
# A question looks at the same passages twice; unpacked, a passage of 160 tokens takes 250 KB.
_AT_HAND = 64
_FARTHEST = 2 ** (8 * _PLACE_BYTES) - 1
# Code to level: the sign, and whether the value is above the mean of its vector's magnitudes.
_LEVELS = np.array([-0.5, -1.5, 0.5, 1.5], np.float32)
_SHIFTS = np.array([0, 2, 4, 6], np.uint8)
_UNPACKED = _LEVELS[(np.arange(256, dtype=np.uint8)[:, None] >> _SHIFTS) & 3]


@dataclass(frozen=True)
class Tokens:
    """The tokens of one text, shape (n, dimension), as the model gives them.

    ``from_end`` has for each how many characters before the text's end it ends. Counted so,
    a passage's own text can be told from the headings that were embedded before it.
    """

    vectors: Vectors
    from_end: Places


@dataclass(frozen=True)
class Centres:
    """The mean token of passages, shape (dimension,), and of questions by language."""

    passages: Vectors
    questions: dict[str, Vectors]

    def of_questions(self, language: str) -> Vectors:
        """Return the mean token of questions in a language; that of all where it is not known."""
        if language in self.questions:
            return self.questions[language]
        mean: Vectors = np.mean(list(self.questions.values()), axis=0, dtype=np.float32)
        return mean


def centred(vectors: Vectors, centre: Vectors) -> Vectors:
    """Return vectors of unit length, shape (n, dimension), without what they have in common."""
    moved = vectors - centre
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    unit: Vectors = (moved / np.maximum(lengths, 1e-6)).astype(np.float32)
    return unit


def width(dimension: int) -> int:
    """Return how many bytes a token takes in the file."""
    return _PLACE_BYTES + -(-dimension // _PER_BYTE)


def packed(tokens: Tokens, centre: Vectors) -> Codes:
    """Return tokens as they are stored, shape (n, width): their places, and two bits a dimension.

    A token that lies more than 65,535 characters before the end counts as being there.
    """
    vectors = tokens.vectors - centre
    count, dimension = vectors.shape
    magnitudes = np.abs(vectors)
    far = magnitudes > magnitudes.mean(axis=1, keepdims=True)
    size = -(-dimension // _PER_BYTE)
    codes = np.zeros((count, size * _PER_BYTE), np.uint8)
    codes[:, :dimension] = 2 * (vectors > 0) + far
    bits = codes.reshape(count, size, _PER_BYTE) << _SHIFTS
    places = np.minimum(tokens.from_end, _FARTHEST).astype("<u2").view(np.uint8)
    return np.hstack([places.reshape(count, _PLACE_BYTES), bits.sum(axis=2, dtype=np.uint8)])


def unpacked(stored: Codes, dimension: int) -> Tokens:
    """Return stored tokens with unit vectors, shape (n, dimension)."""
    places = np.ascontiguousarray(stored[:, :_PLACE_BYTES]).view("<u2").reshape(-1)
    size = (width(dimension) - _PLACE_BYTES) * _PER_BYTE
    vectors = _UNPACKED[stored[:, _PLACE_BYTES:]].reshape(len(stored), size)[:, :dimension]
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return Tokens(unit.astype(np.float32), places.astype(np.int64))


class TokenStore:
    """The tokens of all passages of a shard, mapped from its files; see ``open_tokens``."""

    def __init__(self, codes: Codes, rows: Places, centres: Centres) -> None:
        self._codes = codes
        self._rows = rows
        self.centres = centres
        self._latest: OrderedDict[int, Tokens] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def passages(self) -> int:
        """How many passages there are tokens of."""
        return len(self._rows) - 1

    def count(self, row: int) -> int:
        """Return how many tokens a passage has."""
        return int(self._rows[row + 1] - self._rows[row])

    def stored(self, row: int) -> Codes:
        """Return a passage's tokens as they are stored."""
        return np.asarray(self._codes[self._rows[row] : self._rows[row + 1]])

    def of(self, row: int) -> Tokens:
        """Return a passage's tokens, with unit vectors; the latest are kept at hand."""
        with self._lock:
            if row in self._latest:
                self._latest.move_to_end(row)
                return self._latest[row]
        found = unpacked(self.stored(row), len(self.centres.passages))
        with self._lock:
            self._latest[row] = found
            if len(self._latest) > _AT_HAND:
                self._latest.popitem(last=False)
        return found

    def question(self, tokens: Tokens, language: str) -> Tokens:
        """Return a question's tokens with unit vectors that can be compared with a passage's."""
        return replace(tokens, vectors=centred(tokens.vectors, self.centres.of_questions(language)))


class JoinedTokens(TokenStore):
    """The tokens of several shards, numbered on from one to the next."""

    def __init__(self, stores: Sequence[TokenStore]) -> None:
        super().__init__(np.zeros((0, 0), np.uint8), np.zeros(1, np.int64), stores[0].centres)
        self._stores = stores
        self._firsts = list(accumulate((store.passages for store in stores), initial=0))

    @property
    def passages(self) -> int:
        return self._firsts[-1]

    def count(self, row: int) -> int:
        store, own = self._place(row)
        return store.count(own)

    def stored(self, row: int) -> Codes:
        store, own = self._place(row)
        return store.stored(own)

    def _place(self, row: int) -> tuple[TokenStore, int]:
        place = bisect_right(self._firsts, row) - 1
        return self._stores[place], row - self._firsts[place]


def write_tokens(
    folder: Path, counts: Sequence[int], parts: Iterable[Codes], centres: Centres
) -> None:
    """Write the tokens of all passages; ``counts`` has how many each has, in the order of rows."""
    rows = np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))]).astype(np.int64)
    shape = (int(rows[-1]), width(len(centres.passages)))
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with (folder / TOKENS_FILE).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part).data)
    languages = sorted(centres.questions)
    names = np.array(["", *languages])
    table = np.stack([centres.passages, *(centres.questions[name] for name in languages)])
    stored = np.zeros(len(names), [("language", "S8"), ("mean", "<f4", table.shape[1:])])
    stored["language"], stored["mean"] = names.astype("S8"), table
    for name, array in ((ROWS_FILE, rows), (CENTRES_FILE, stored)):
        with (folder / name).open("wb") as file:
            np.lib.format.write_array(file, array, allow_pickle=False)


def open_tokens(folder: Path, dimension: int) -> TokenStore | None:
    """Open the tokens in a shard's folder; None where its model gives none.

    Raises DamagedIndexError for files that do not fit each other.
    """
    if not (folder / CENTRES_FILE).exists():
        return None
    try:
        codes = np.load(folder / TOKENS_FILE, mmap_mode="r", allow_pickle=False)
        rows = np.load(folder / ROWS_FILE, allow_pickle=False)
        stored = np.load(folder / CENTRES_FILE, allow_pickle=False)
        means = dict(zip(map(bytes.decode, stored["language"]), stored["mean"], strict=True))
        centres = Centres(means.pop(""), means)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DamagedIndexError(
            f"{folder / TOKENS_FILE} is missing or damaged ({error})."
        ) from error
    if codes.shape != (rows[-1], width(dimension)) or len(centres.passages) != dimension:
        raise DamagedIndexError(f"{folder / TOKENS_FILE} and {ROWS_FILE} do not fit.")
    return TokenStore(codes, rows, centres)


def mean_token(texts: Iterator[Tokens] | Iterable[Tokens]) -> Vectors:
    """Return the mean of all tokens of some texts."""
    mean: Vectors = np.concatenate([tokens.vectors for tokens in texts]).mean(
        axis=0, dtype=np.float32
    )
    return mean
