"""What happened to a document on the way to an answer: ``python -m assistant why``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from assistant.answer import Answer, Hit, Status
from assistant.composer import Candidate, candidates, shown_text
from assistant.query_engine import QueryEngine
from assistant.question import checked_question
from assistant.versions import askers_version, in_one_version
from index.filters import filter_value
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

    ``rank`` is that of its best passage among all that were searched, from 1; ``sentence_rank``
    that of its best sentence among those of the passages that were read for quotes.
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
    engine: QueryEngine,
    question: str,
    expected: str,
    filters: Mapping[str, str] | None = None,
) -> Explanation:
    """Say what happened to a document, given by its id or path, when a question is asked.

    Raises UsageError for a question that cannot be asked, and for an unknown filter.
    """
    text = checked_question(question)
    generation = engine.retriever.generation
    found = _document(engine, expected)
    if found is None:
        return _not_indexed(engine, text, expected)
    document = found.document
    about = Explanation(text, document.id, Outcome.FILTERED_OUT, "", generation=generation.id)
    if filters:
        searched = generation.records.select_documents(filters)
        if document.id not in {one.document.id for one in searched}:
            return replace(about, reason=_filter_reason(found, filters))
    query = engine.retriever.query(text, filters)
    everything = engine.retriever.search(query, max(generation.passages.size, 1))
    rank = next((n for n, h in enumerate(everything, 1) if h.document.id == document.id), None)
    if rank is None:
        return replace(
            about, outcome=Outcome.OUTSCORED, reason="It has no passage that could be found."
        )
    answer = engine.answer(text, filters)
    about = replace(
        about,
        rank=rank,
        score=round(everything[rank - 1].score, 4),
        outscored_by=_rival_passages(everything[: rank - 1]),
        status=str(answer.status),
        confidence=answer.confidence,
    )
    ranked = candidates(query, answer.retrieved, generation)
    ranked = in_one_version(query, ranked, generation)
    retrieved = {hit.document.id for hit in answer.retrieved}
    searched = engine.retriever.searched(query)
    own = askers_version(query, document, searched, generation.records.documents())
    quotable = {one.hit.document.id for one in ranked}
    if own and own.id in quotable and document.id not in quotable and rank <= len(answer.retrieved):
        return replace(
            about,
            outcome=Outcome.GAVE_WAY,
            reason=f"It gave way to {own.id}, its version in the question's language, which says "
            "the same.",
        )
    if document.id not in retrieved:
        searched_in = len(everything)
        return replace(
            about,
            outcome=Outcome.OUTSCORED,
            reason=f"Its best passage is ranked {rank} of {searched_in}; the first "
            f"{len(answer.retrieved)} are read for quotes.",
        )
    return _judged(about, answer, ranked)


def _judged(about: Explanation, answer: Answer, ranked: Sequence[Candidate]) -> Explanation:
    """Say what became of a document that was retrieved."""
    places = (n for n, one in enumerate(ranked, 1) if one.hit.document.id == about.document)
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
    before = ranked[: (place or 1) - 1]
    return replace(
        about,
        outcome=Outcome.NOT_QUOTED,
        reason=f"Its best passage is ranked {about.rank}, and its best sentence {place} of "
        f"{len(ranked)}; others were quoted.",
        outscored_by=[
            _rival(n, one.hit, one.score, one.sentence.text)
            for n, one in enumerate(before[:OUTSCORED_BY], 1)
        ],
    )


def _document(engine: QueryEngine, expected: str) -> IndexedDocument | None:
    records = engine.retriever.generation.records
    by_path = (one for one in records.documents() if one.document.path == expected)
    return records.document(expected) or next(by_path, None)


def _not_indexed(engine: QueryEngine, question: str, expected: str) -> Explanation:
    generation = engine.retriever.generation
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
    shown = shown_text(text)[:160]
    return Rival(rank, hit.document.id, page, hit.passage.section, round(score, 4), shown)
