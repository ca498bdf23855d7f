"""The reader: which sentences of a passage answer a question, which contradict it, by which words.

A multilingual cross-encoder over question and passage, on the CPU. Its weights come with the
product (``reader.npz``); ``python -m eval fit-reader`` makes them. All passages of a question are
read together; a passage that is too long is read in windows, of which the highest logits count.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from index.encoder_graph import LEFT_OUT, compiled_graph
from index.packaged_files import Embeddings, packaged_folder, packaged_tokenizer, read_embeddings
from index.reader_files import GRAPH_FILE, READER_FILE, fingerprint, reader_folder
from index.reader_input import (
    PADDING,
    InputTokenizer,
    SentenceTokens,
    passage_offset,
    whole_input,
)
from index.reader_windows import Piece, Window, windows

# The logits of what is not there: a sentence without a token.
ABSENT = -30.0
# Windows read in one go, each at least so long in proportion to the longest of them.
_TOGETHER, _LENGTH_SHARE = 16, 0.75
# Most tokens of the words that answer.
_SPAN_TOKENS = 48
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PassageInput:
    """A passage to be read: ``head`` is its title and headings, joined by " > "; may be empty."""

    head: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class SentenceReading:
    """Logits that a sentence answers, and that it contradicts what the question takes for granted.

    ``span`` has where the words that answer best start and end in the sentence, None where it has
    no word; ``span_score`` is their logit less that of no words answering: above 0, rather these.
    """

    answers: float
    contradicts: float
    span: tuple[int, int] | None
    span_score: float


@dataclass(frozen=True)
class PassageReading:
    """The logit that a passage answers, its sentences in their order, and its best words.

    ``span`` has the number of a sentence, and where in it the words start and end.
    """

    answers: float
    sentences: tuple[SentenceReading, ...]
    span: tuple[int, int, int] | None
    span_score: float


NO_READING = SentenceReading(ABSENT, ABSENT, None, ABSENT)


class _Text(NamedTuple):
    """A window as token ids, and where in them its pieces lie."""

    window: Window
    ids: list[int]
    extents: list[tuple[int, int]]


class Reader:
    """Reads passages for a question. Threads may share it; they take turns."""

    def __init__(
        self, tokenizer: InputTokenizer, embeddings: Embeddings, request: Any, fingerprint: str
    ) -> None:
        self.fingerprint = fingerprint
        self._tokenizer = tokenizer
        self._embeddings = embeddings
        self._request = request
        self._lock = threading.Lock()

    def read(self, question: str, passages: Sequence[PassageInput]) -> list[PassageReading]:
        """Return a reading of each passage, in their order.

        Turns before the question stand before it, joined by ``reader_input.TURNS``. How the
        passages are ordered changes nothing but the last digits.
        """
        with self._lock:
            asked = self._tokenizer.question(question)
            sentences = [list(map(self._tokenizer.sentence, p.sentences)) for p in passages]
            texts = [
                _text(asked, head, window, sentences[number])
                for number, passage in enumerate(passages)
                for head in [self._tokenizer.head(passage.head)]
                for window in windows(number, len(head), sentences[number])
            ]
            found = [_Found(tokens) for tokens in sentences]
            for batch in _batches(texts):
                self._infer(batch, found)
        return [collected.reading() for collected in found]

    def _infer(self, texts: Sequence[_Text], found: Sequence[_Found]) -> None:
        """Read some windows, and enter what was read of their passages."""
        longest = max(len(text.ids) for text in texts)
        ids = np.full((len(texts), longest), PADDING, np.int64)
        mask = np.full((len(texts), 1, 1, longest), LEFT_OUT, np.float32)
        most = max(1, *(len(text.extents) for text in texts))
        means = np.zeros((len(texts), most, longest), np.float32)
        for number, text in enumerate(texts):
            ids[number, : len(text.ids)] = text.ids
            mask[number, ..., : len(text.ids)] = 0
            for piece, (first, end) in enumerate(text.extents):
                means[number, piece, first:end] = 1 / (end - first)
        given = {"embedded": self._embeddings.of(ids), "mask": mask, "means": means}
        result = self._request.infer(given)
        for number, text in enumerate(texts):
            found[text.window.passage].enter(
                text,
                result["sentences"][number],
                result["span"][number],
                float(result["passage"][number, 0]),
            )


class _Found:
    """What has been read of a passage so far."""

    def __init__(self, sentences: Sequence[SentenceTokens]) -> None:
        self._tokens = sentences
        self._passage = -np.inf
        self._sentences = [NO_READING] * len(sentences)

    def enter(self, text: _Text, logits: Floats, span: Floats, passage: float) -> None:
        """Enter a window: logits (pieces, 2) and (tokens, 2), and that of the passage."""
        self._passage = max(self._passage, passage)
        nothing = float(span[0].sum())
        for number, (piece, (first, end)) in enumerate(
            zip(text.window.pieces, text.extents, strict=True)
        ):
            words, score = self._words(piece, span[first:end])
            before = self._sentences[piece.sentence]
            better = before.span is None or score - nothing > before.span_score
            self._sentences[piece.sentence] = SentenceReading(
                max(before.answers, float(logits[number, 0])),
                max(before.contradicts, float(logits[number, 1])),
                words if better else before.span,
                score - nothing if better else before.span_score,
            )

    def _words(self, piece: Piece, span: Floats) -> tuple[tuple[int, int] | None, float]:
        """Return the best words of a piece by the logits of where they start and end.

        None where what is best has no letter, as it is the case of marks that are left out.
        """
        pairs = span[:, 0, None] + span[None, :, 1]
        count = len(span)
        places = np.arange(count)
        length = places[None] - places[:, None]
        pairs = np.where((length >= 0) & (length < _SPAN_TOKENS), pairs, -np.inf)
        start, last = divmod(int(pairs.argmax()), count)
        own = self._tokens[piece.sentence].places
        words = (own[piece.first + start][0], own[piece.first + last][1])
        return words if words[0] < words[1] else None, float(pairs[start, last])

    def reading(self) -> PassageReading:
        """Return what has been read of the whole passage."""
        with_words = [n for n, sentence in enumerate(self._sentences) if sentence.span]
        best = max(with_words, key=lambda n: self._sentences[n].span_score, default=None)
        if best is None:
            return PassageReading(self._passage, tuple(self._sentences), None, ABSENT)
        chosen = self._sentences[best]
        assert chosen.span is not None
        return PassageReading(
            self._passage, tuple(self._sentences), (best, *chosen.span), chosen.span_score
        )


def _text(
    question: list[int], head: list[int], window: Window, sentences: Sequence[SentenceTokens]
) -> _Text:
    passage = list(head)
    extents = []
    for piece in window.pieces:
        first = passage_offset(question) + len(passage)
        passage += sentences[piece.sentence].ids[piece.first : piece.end]
        extents.append((first, first + piece.length))
    return _Text(window, whole_input(question, passage), extents)


def _batches(texts: Sequence[_Text]) -> list[list[_Text]]:
    """Put windows of about one length together, so that little is filled up."""
    found: list[list[_Text]] = []
    for text in sorted(texts, key=lambda text: -len(text.ids)):
        fits = found and len(found[-1]) < _TOGETHER
        if fits and len(text.ids) >= _LENGTH_SHARE * len(found[-1][0].ids):
            found[-1].append(text)
        else:
            found.append([text])
    return found


def load_reader(cache: Path, *, exact: bool = False, file: Path = READER_FILE) -> Reader:
    """Open the reader, or return it where the process has it; its files are made on first use.

    With ``exact`` it computes in 32-bit floats, otherwise in those that OpenVINO takes for this
    CPU: bfloat16 where it has them. Raises AssistantError when the packaged encoder is missing.
    """
    folder = reader_folder(cache, file)
    with _LOADING:
        reader = _LOADED.get((folder, exact))
        if reader is None:
            packaged = packaged_folder(cache)
            reader = Reader(
                InputTokenizer(packaged_tokenizer(packaged)),
                read_embeddings(packaged),
                compiled_graph(folder / GRAPH_FILE, exact=exact),
                fingerprint(file),
            )
            _LOADED[folder, exact] = reader
    return reader


# The readers in use, by their files and precision; one that nobody uses any more is let go.
_LOADED: WeakValueDictionary[tuple[Path, bool], Reader] = WeakValueDictionary()
_LOADING = threading.Lock()
