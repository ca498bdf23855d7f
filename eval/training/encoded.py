"""Examples as token ids, and batches of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.training.examples import Example
from index.reader_input import PADDING, InputTokenizer, passage_offset, whole_input
from index.reader_windows import windows

NEITHER, ANSWERS, CONTRADICTS = 0, 1, 2
# Examples among which those of like length are put together.
_SORTED_TOGETHER = 4096
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """An example as the model reads it: ``labels`` has one for each sentence.

    ``sentence_of`` has for each token the number of its sentence, -1 for the others. ``span`` has
    the first and the last token of the words that answer: (0, 0) where nothing answers, and
    (-1, -1) where the words are not known. The others are those of ``Example``.
    """

    ids: NDArray[np.int32]
    sentence_of: NDArray[np.int16]
    labels: tuple[int, ...]
    span: tuple[int, int]
    weight: float = 1.0
    denials_known: bool = False
    kind: str = ""
    language: str = ""


@dataclass(frozen=True)
class Batch:
    """Several examples filled up to the longest: ids and sentence_of (examples, tokens)."""

    ids: Ints
    sentence_of: Ints
    there: NDArray[np.bool_]
    labels: Ints
    span: Ints
    weight: NDArray[np.float32]
    denials_known: NDArray[np.float32]


def encoded(examples: Sequence[Example], tokenizer: InputTokenizer) -> list[Encoded]:
    """Tokenise examples, of a passage that is too long the window with what is right.

    One whose right sentences are in no window together is left out.
    """
    passages: dict[tuple[str, tuple[str, ...]], list[_Passage]] = {}
    found = []
    for example in examples:
        key = (example.head, example.sentences)
        parts = passages.get(key) or passages.setdefault(key, _passages(*key, tokenizer))
        labelled = {*example.right, *example.contradicts}
        passage = max(parts, key=lambda part: len(labelled & set(part.sentence_of)))
        if set(example.right) <= set(passage.sentence_of):
            found.append(_encoded(example, passage, tokenizer.question(example.question)))
    return found


@dataclass(frozen=True)
class _Passage:
    ids: list[int]
    sentence_of: list[int]
    places: list[tuple[int, int]]


def _passages(head: str, sentences: Sequence[str], tokenizer: InputTokenizer) -> list[_Passage]:
    """Return the windows of a passage that the reader would read it in."""
    ids = tokenizer.head(head)
    tokens = [tokenizer.sentence(sentence) for sentence in sentences]
    found = []
    for window in windows(0, len(ids), tokens):
        passage = _Passage(list(ids), [-1] * len(ids), [(0, 0)] * len(ids))
        for piece in window.pieces:
            own = tokens[piece.sentence]
            passage.ids.extend(own.ids[piece.first : piece.end])
            passage.sentence_of.extend([piece.sentence] * piece.length)
            passage.places.extend(own.places[piece.first : piece.end])
        found.append(passage)
    return found


def _encoded(example: Example, passage: _Passage, question: list[int]) -> Encoded:
    offset = passage_offset(question)
    labels = [NEITHER] * len(example.sentences)
    for number in example.right:
        labels[number] = ANSWERS
    for number in example.contradicts:
        labels[number] = CONTRADICTS
    return Encoded(
        np.array(whole_input(question, passage.ids), np.int32),
        np.array([-1] * offset + passage.sentence_of + [-1], np.int16),
        tuple(labels),
        _span(example, passage, offset),
        example.weight,
        example.denials_known,
        example.kind,
        example.language,
    )


def _span(example: Example, passage: _Passage, offset: int) -> tuple[int, int]:
    if not example.right:
        return 0, 0
    if example.span is None:
        return -1, -1
    number, start, end = example.span
    tokens = [
        place
        for place, (inside, (first, last)) in enumerate(
            zip(passage.sentence_of, passage.places, strict=True)
        )
        if inside == number and last > start and first < end
    ]
    return (tokens[0] + offset, tokens[-1] + offset) if tokens else (-1, -1)


def batches(
    rows: Sequence[Encoded], tokens: int, chance: random.Random | None = None
) -> Iterator[list[Encoded]]:
    """Yield batches of about equally long examples, at most ``tokens`` each with what fills up.

    In the order of the rows; in one drawn by chance where that is given.
    """
    order = list(range(len(rows)))
    if chance:
        chance.shuffle(order)
    found: list[list[Encoded]] = []
    for first in range(0, len(order), _SORTED_TOGETHER):
        together = sorted(order[first : first + _SORTED_TOGETHER], key=lambda n: len(rows[n].ids))
        current: list[Encoded] = []
        for number in together:
            row = rows[number]
            if current and (len(current) + 1) * len(row.ids) > tokens:
                found.append(current)
                current = []
            current.append(row)
        found.append(current)
    if chance:
        chance.shuffle(found)
    yield from found


def batch_of(rows: Sequence[Encoded]) -> Batch:
    """Fill up some examples to one length."""
    longest = max(len(row.ids) for row in rows)
    sentences = max(len(row.labels) for row in rows)
    ids = np.full((len(rows), longest), PADDING, np.int64)
    sentence_of = np.full((len(rows), longest), -1, np.int64)
    labels = np.zeros((len(rows), sentences), np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = row.ids
        sentence_of[number, : len(row.ids)] = row.sentence_of
        labels[number, : len(row.labels)] = row.labels
    lengths = np.array([len(row.ids) for row in rows])
    return Batch(
        ids,
        sentence_of,
        np.arange(longest)[None] < lengths[:, None],
        labels,
        np.array([row.span for row in rows], np.int64),
        np.array([row.weight for row in rows], np.float32),
        np.array([row.denials_known for row in rows], np.float32),
    )
