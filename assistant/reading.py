"""The reader decides: which sentences of the passages found answer, and whether any does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from assistant.answer import Hit
from assistant.calibration import Calibration, probability
from assistant.interaction import weakest
from assistant.question import parts_of
from assistant.retrieval import Query
from assistant.scored import ScoredSentence
from assistant.values import missing, values_of
from assistant.versions import in_one_version
from corpus.documents import Document
from corpus.text import fold
from index.generations import Generation
from index.reader_input import TURNS
from index.reader_model import PassageInput, PassageReading
from index.records import SentenceRow

# How many of the best passages are read, and how many of them at once.
PASSAGES, AT_ONCE = 6, 3
# The most sentences that together answer.
MOST = 3
# Two sentences that have this share of their words in common say the same.
_ALIKE = 0.8
# ... and of two documents, this share: the same is said of another edition.
_OF_THE_SAME = 0.5
# Where so many items of a list answer, or the line that introduces it among so many, the list does.
_OF_A_LIST = 2
_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f ]\d+)*")


class ReadsPassages(Protocol):
    """A reader, such as ``index.reader_model.Reader``."""

    def read(self, question: str, passages: Sequence[PassageInput]) -> list[PassageReading]:
        """Return a reading of each passage, in their order."""
        ...


@dataclass(frozen=True)
class Lacking:
    """What no passage gives: ``kind`` names a phrase, ``value`` what was sought."""

    kind: str
    value: str


@dataclass(frozen=True)
class Reading:
    """How a question was read.

    ``sentences`` are all that may be quoted, best first, and ``chosen`` those that together answer,
    the most direct first. ``confidence`` is the probability, 0..1, that they do; ``answerable``
    whether that is enough. Where it is not, ``lacking`` says what is missing, if that is known, and
    ``contradicting`` is the sentence that runs against what the question takes for granted.
    ``unanswered`` are the parts of a question that nothing answers; ``features`` are those of the
    question, by name.
    """

    sentences: Sequence[ScoredSentence] = ()
    chosen: Sequence[ScoredSentence] = ()
    answerable: bool = False
    confidence: float = 0.0
    lacking: Lacking | None = None
    contradicting: ScoredSentence | None = None
    unanswered: Sequence[str] = ()
    features: Mapping[str, float] = field(default_factory=dict)


def read(
    query: Query,
    hits: Sequence[Hit],
    generation: Generation,
    reader: ReadsPassages,
    calibration: Calibration,
) -> Reading:
    """Read the best passages for a question, and for each of its parts where it has several."""
    question = _QuestionReader(query, generation, reader, calibration)
    # A later turn may be whole by itself: it is read after the one before, and alone.
    readings = [question.read_best(text, hits) for text in query.readable]
    whole = max(readings, key=question.confidence)
    scored = in_one_version(query.language, whole.ranked, generation)
    if not scored:
        return Reading()
    read_parts = {
        part: question.read(TURNS.join((query.asked, part)), hits[: len(whole.passages)])
        for part in parts_of(query.asked)
    }
    answered = {
        part: read.ranked[0]
        for part, read in read_parts.items()
        if question.confidence(read) >= calibration.threshold
    }
    lacking = question.lacking(whole)
    confidence = question.confidence(whole)
    against = max(scored, key=lambda sentence: sentence.contradicts)
    near = [s for s in scored if s.logit >= scored[0].logit - calibration.margin]
    chosen = _unlike([*answered.values(), *near])
    return Reading(
        scored,
        _newest_first(_with_list(chosen, scored)),
        confidence >= calibration.threshold,
        round(confidence, 4),
        next((Lacking(kind, value) for kind, value in lacking.items()), None),
        against if against.contradicts >= calibration.correction else None,
        [part for part in read_parts if part not in answered],
        question.features(whole),
    )


@dataclass(frozen=True)
class _ReadPassage:
    """A passage as it was read: where it was found, its reading, and its scored sentences."""

    hit: Hit
    reading: PassageReading
    sentences: list[ScoredSentence]


@dataclass(frozen=True)
class _ReadPassages:
    """The passages that were read for a question or a part of it, in the order of retrieval."""

    passages: list[_ReadPassage]

    @cached_property
    def ranked(self) -> list[ScoredSentence]:
        """The sentences of all passages, best first, ties by row."""
        everything = [sentence for read in self.passages for sentence in read.sentences]
        return sorted(everything, key=lambda sentence: (-sentence.logit, sentence.row))

    def beside(self, others: _ReadPassages) -> _ReadPassages:
        """Return these passages and further ones."""
        return _ReadPassages([*self.passages, *others.passages])


def question_features(
    sentences: Sequence[Mapping[str, float]], tokens_weakest: float
) -> dict[str, float]:
    """Return the features of a question by name, from those of its sentences, best first.

    ``tokens_weakest`` is the most that any passage bears out of the question's weakest tokens.
    """
    return {
        "best": max(read["answers"] + read["passage"] / 2 for read in sentences),
        "passage": max(read["passage"] for read in sentences),
        "contradicts": sentences[0]["contradicts"],
        "tokens_weakest": tokens_weakest,
    }


class _QuestionReader:
    """Reads passages for a question, and says what the readings come to."""

    def __init__(
        self,
        query: Query,
        generation: Generation,
        reader: ReadsPassages,
        calibration: Calibration,
    ) -> None:
        self._query = query
        self._generation = generation
        self._reader = reader
        self._calibration = calibration
        self._asked = values_of(query.asked)

    def read(self, text: str, hits: Sequence[Hit], first_rank: int = 0) -> _ReadPassages:
        """Read the passages that were found for a text that is asked."""
        stored = _stored(hits, self._generation)
        inputs = [
            PassageInput(head_of(hit), [row.sentence.text for row in rows])
            for hit, rows in zip(hits, stored, strict=True)
        ]
        readings = self._reader.read(text, inputs) if inputs else []
        return _ReadPassages(
            [
                _ReadPassage(hit, reading, self._scored(rank, hit, rows, reading))
                for rank, (hit, rows, reading) in enumerate(
                    zip(hits, stored, readings, strict=True), first_rank
                )
            ]
        )

    def read_best(self, text: str, hits: Sequence[Hit]) -> _ReadPassages:
        """Read the first few passages, and the others only where those leave it in doubt."""
        whole = self.read(text, hits[:AT_ONCE])
        if self.confidence(whole) >= self._calibration.sure:
            return whole
        return whole.beside(self.read(text, hits[AT_ONCE:PASSAGES], AT_ONCE))

    def _scored(
        self, rank: int, hit: Hit, rows: Sequence[SentenceRow], reading: PassageReading
    ) -> list[ScoredSentence]:
        """Return the sentences of a passage that may be quoted, scored by what was read."""
        found = []
        for row, read_as in zip(rows, reading.sentences, strict=True):
            if row.sentence.kind == "header":
                continue
            features = {
                "answers": read_as.answers,
                "passage": reading.answers,
                "span": read_as.span_score,
                "contradicts": read_as.contradicts,
                "rank": float(rank),
            }
            logit = self._calibration.sentence.logit(features)
            found.append(
                ScoredSentence(
                    sentence=row.sentence,
                    hit=hit,
                    row=row.row,
                    rows=(row.row,),
                    score=probability(logit),
                    logit=logit,
                    contradicts=read_as.contradicts,
                    answer=read_as.span if read_as.span_score > 0 else None,
                    features=features,
                )
            )
        return found

    def features(self, whole: _ReadPassages) -> dict[str, float]:
        """Return what is known of the question as a whole, by name."""
        nearest = [read.hit.nearest for read in whole.passages if read.hit.nearest is not None]
        return question_features(
            [sentence.features for sentence in whole.ranked],
            max(map(weakest, nearest), default=0.0),
        )

    def confidence(self, whole: _ReadPassages) -> float:
        """Return the probability, 0..1, that the passages answer the question."""
        if not whole.ranked:
            return 0.0
        return probability(self._calibration.question.logit(self.features(whole)))

    def lacking(self, whole: _ReadPassages) -> dict[str, str]:
        """Return the values of the question that no passage that was read names, by kind."""
        if self._asked.is_empty:
            return {}
        text = "\n".join(
            part
            for read in whole.passages
            for part in (head_of(read.hit), _described(read.hit.document), read.hit.passage.text)
        )
        return missing(self._asked, values_of(text), fold(text))


def _stored(hits: Sequence[Hit], generation: Generation) -> list[list[SentenceRow]]:
    """Return the sentences of each passage in reading order, headers of tables among them."""
    inside: dict[int, list[SentenceRow]] = {hit.row: [] for hit in hits}
    for sentence in generation.records.sentences(inside):
        inside[sentence.passage].append(sentence)
    return [inside[hit.row] for hit in hits]


def head_of(hit: Hit) -> str:
    """Return what places a passage: its document's title, then its headings."""
    return " > ".join(dict.fromkeys((hit.document.title, *hit.passage.section)))


def _described(document: Document) -> str:
    parts = (document.number, document.edition, document.published, document.title)
    return " ".join(part for part in parts if part)


def _unlike(sentences: Sequence[ScoredSentence]) -> list[ScoredSentence]:
    """Return the first few sentences of which none says what one before it says."""
    chosen: list[ScoredSentence] = []
    for sentence in sentences:
        if not any(_shared(sentence, other) > _ALIKE for other in chosen):
            chosen.append(sentence)
    return chosen[:MOST]


def _with_list(
    chosen: Sequence[ScoredSentence], scored: Sequence[ScoredSentence]
) -> list[ScoredSentence]:
    """Return the chosen sentences; where a list answers, all of it, as far as it fits.

    It does where two of its items are chosen, or one and the line that introduces it is next.
    """
    items = [s for s in chosen if s.sentence.kind == "item" and s.sentence.lead]
    lists = [(s.hit.row, s.sentence.lead) for s in items]
    introduced = [(s.hit.row, s.sentence.text) for s in scored[:_OF_A_LIST]]
    if not lists or (lists.count(lists[0]) < _OF_A_LIST and lists[0] not in introduced):
        return list(chosen)
    whole = [s for s in scored if (s.hit.row, s.sentence.lead) == lists[0]]
    whole = sorted((s for s in whole if s.sentence.kind == "item"), key=lambda s: s.row)
    return [*whole, *(s for s in chosen if s not in whole)]


def _newest_first(chosen: Sequence[ScoredSentence]) -> list[ScoredSentence]:
    """Return sentences of which those that give other values for the same, as the editions of a
    report do, are in the order of their documents' dates, the newest first."""
    if not chosen:
        return []
    same = [
        sentence
        for sentence in chosen
        if sentence is chosen[0]
        or (
            sentence.hit.document.id != chosen[0].hit.document.id
            and _shared(sentence, chosen[0], values=False) > _OF_THE_SAME
        )
    ]
    same.sort(key=lambda sentence: sentence.hit.document.published or "", reverse=True)
    return [*same, *(sentence for sentence in chosen if sentence not in same)]


def _shared(sentence: ScoredSentence, other: ScoredSentence, *, values: bool = True) -> float:
    """Return the share, 0..1, of the words of two sentences that are in both.

    0 where they give different values, unless ``values`` are left out of it.
    """
    texts = [fold(scored.sentence.text) for scored in (sentence, other)]
    numbers = [set(_NUMBER.findall(text)) for text in texts]
    if values and numbers[0] != numbers[1]:
        return 0.0
    words, others = (set(_NUMBER.sub(" ", text).split()) for text in texts)
    return len(words & others) / (len(words | others) or 1)
