"""What happened to a document on the way to an answer: ``python -m assistant why``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from assistant.answer import Hit, Status
from assistant.engine import Engine
from assistant.question import checked_question
from assistant.trace import Trace
from corpus.text import fold_space
from index.filters import filter_value
from index.generations import Generation
from index.records import IndexedDocument
from index.repairs import index_command

# As many of those that stood before it are named.
OUTSCORED_BY = 3


class Outcome(StrEnum):
    """How far a document came."""

    NOT_INDEXED = "not_indexed"
    QUARANTINED = "quarantined"
    FILTERED_OUT = "filtered_out"
    GAVE_WAY = "gave_way"
    OUTSCORED = "outscored"
    NOT_QUOTED = "not_quoted"
    REFUSED = "refused"
    QUOTED = "quoted"


@dataclass(frozen=True)
class Rival:
    """What stood before the document: a passage, or a sentence where those were compared."""

    rank: int
    document_id: str
    page: int | None
    section: tuple[str, ...]
    score: float
    text: str


@dataclass(frozen=True)
class Explanation:
    """What happened to a document, in words and in figures.

    ``rank`` is that of its best passage among those that the searches found, from 1;
    ``sentence_rank`` that of its best sentence among those of the passages that were read.
    """

    question: str
    document: str
    outcome: Outcome
    reason: str
    rank: int | None = None
    score: float | None = None
    sentence_rank: int | None = None
    outscored_by: list[Rival] = field(default_factory=list)
    status: str | None = None
    confidence: float | None = None
    generation: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as one JSON object."""
        return asdict(self) | {"outcome": str(self.outcome)}


def explain(
    engine: Engine, question: str, expected: str, filters: Mapping[str, str] | None = None
) -> Explanation:
    """Say what happened to a document, given by its id or path, when a question is asked.

    Raises UsageError for a question that cannot be asked, and for an unknown filter.
    """
    text = checked_question(question)
    generation = engine.generation
    found = _document(generation, expected)
    if found is None:
        return _not_indexed(generation, text, expected)
    document = found.document
    about = Explanation(text, document.id, Outcome.FILTERED_OUT, "", generation=generation.id)
    searched = engine.documents(filters)
    if document.id not in {other.document.id for other in searched}:
        return replace(about, reason=_filter_reason(found, filters or {}))
    return _traced(about, found, engine.trace(text, filters))


def _traced(about: Explanation, found: IndexedDocument, trace: Trace) -> Explanation:
    """Say how far a document came that could be found."""
    ranking = trace.retrieved.ranking
    places = (n for n, (row, _) in enumerate(ranking) if found.first <= row < found.end)
    place = next(places, None)
    about = replace(about, status=str(trace.finished.status), confidence=trace.finished.confidence)
    if place is None:
        return replace(
            about,
            outcome=Outcome.OUTSCORED,
            reason=f"None of its passages is among the {len(ranking)} that the searches found.",
            outscored_by=_rival_passages(trace.retrieved.hits),
        )
    about = replace(
        about,
        rank=place + 1,
        score=round(ranking[place][1], 4),
        outscored_by=_rival_passages(trace.retrieved.hits[:place]),
    )
    read = {hit.document.id for hit in trace.hits}
    version = trace.gave_way.get(about.document)
    if version and about.document not in read:
        return replace(
            about,
            outcome=Outcome.GAVE_WAY,
            reason=f"It gave way to {version}, its version in the question's language, which says "
            "the same.",
        )
    if about.document not in read:
        return replace(
            about,
            outcome=Outcome.OUTSCORED,
            reason=f"Its best passage is ranked {place + 1} of {len(ranking)}; the first "
            f"{len(trace.hits)} are read for quotes.",
        )
    return _judged(about, trace)


def _judged(about: Explanation, trace: Trace) -> Explanation:
    """Say what became of a document that was read."""
    answer, scored = trace.finished, trace.reading.sentences
    places = (n for n, s in enumerate(scored, 1) if s.hit.document.id == about.document)
    place = next(places, None)
    about = replace(about, sentence_rank=place)
    if answer.status is not Status.ANSWERED:
        return replace(
            about,
            outcome=Outcome.REFUSED,
            reason=f"Its best passage is ranked {about.rank}, but the question was not answered "
            f"({answer.status}, confidence {answer.confidence}).",
        )
    markers = [c.marker for c in answer.citations if c.document_id == about.document]
    if markers:
        listed = ", ".join(f"[{marker}]" for marker in markers)
        return replace(about, outcome=Outcome.QUOTED, reason=f"It is quoted: {listed}.")
    before = scored[: (place or 1) - 1]
    return replace(
        about,
        outcome=Outcome.NOT_QUOTED,
        reason=f"Its best passage is ranked {about.rank}, and its best sentence {place} of "
        f"{len(scored)}; others were quoted.",
        outscored_by=[
            _rival(n, sentence.hit, sentence.score, sentence.sentence.text)
            for n, sentence in enumerate(before[:OUTSCORED_BY], 1)
        ],
    )


def _document(generation: Generation, expected: str) -> IndexedDocument | None:
    records = generation.records
    by_path = (found for found in records.documents() if found.document.path == expected)
    return records.document(expected) or next(by_path, None)


def _not_indexed(generation: Generation, question: str, expected: str) -> Explanation:
    for file in generation.records.quarantined():
        if expected in {file.path, file.path.rsplit(".", 1)[0]}:
            reason = f"Its file could not be read: {file.reason}"
            return Explanation(
                question, expected, Outcome.QUARANTINED, reason, generation=generation.id
            )
    for copy in generation.records.duplicates():
        if expected in {copy.path, copy.path.rsplit(".", 1)[0]}:
            reason = f"Its file has the same content as {copy.of}, as which it is indexed."
            return Explanation(
                question, expected, Outcome.NOT_INDEXED, reason, generation=generation.id
            )
    listing = index_command("list", generation.folder.parent.parent)
    reason = f"No document of this id or path is in the index. List them: {listing}"
    return Explanation(question, expected, Outcome.NOT_INDEXED, reason, generation=generation.id)


def _filter_reason(found: IndexedDocument, filters: Mapping[str, str]) -> str:
    own = {key: filter_value(found.document, key) for key in filters}
    parts = [
        f"{key} is {own[key] or 'not given'}, wanted is {value}"
        for key, value in filters.items()
        if own[key] != value
    ]
    return f"The filters leave it out: {'; '.join(parts)}."


def _rival_passages(hits: Sequence[Hit]) -> list[Rival]:
    best = hits[:OUTSCORED_BY]
    return [_rival(n, hit, hit.score, hit.passage.text) for n, hit in enumerate(best, 1)]


def _rival(rank: int, hit: Hit, score: float, text: str) -> Rival:
    page = hit.passage.first_page if hit.document.paged else None
    shown = fold_space(text)[:160]
    return Rival(rank, hit.document.id, page, hit.passage.section, round(score, 4), shown)
