"""The answer and its parts, as people and scripts receive them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Document, Passage


class Kind(StrEnum):
    """What a question asks for."""

    FACT = "fact"
    HELP = "help"


class Status(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    NOT_IN_DOCUMENTS = "not_in_documents"
    NEEDS_CLARIFICATION = "needs_clarification"
    WITHHELD_UNVERIFIED = "withheld_unverified"
    MODEL_FAILED = "model_failed"
    FAILED = "failed"


class Says(StrEnum):
    """What a quote has to do with the question."""

    ANSWERS = "answers"
    CONTRADICTS = "contradicts"


@dataclass(frozen=True)
class Hit:
    """A retrieved passage. ``score`` is the fused score, 0..1; ``found_by`` names the searches.

    ``cosine`` is that of question and passage; ``row`` the passage's row in its generation.
    ``nearest`` is how near its tokens come to each of the question's; None where that was not
    computed.
    """

    passage: Passage
    document: Document
    row: int
    score: float
    cosine: float
    found_by: tuple[str, ...]
    nearest: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the hit as ``search`` and ``nearest`` show it."""
        return {
            "passage_id": self.passage.id,
            "document_id": self.document.id,
            "title": self.document.title,
            "page": self.passage.first_page if self.document.paged else None,
            "section": list(self.passage.section),
            "text": self.passage.text,
            "score": round(self.score, 4),
            "found_by": list(self.found_by),
        }

    def to_short_json(self) -> dict[str, Any]:
        """Return the hit as an answer's ``retrieved`` lists it."""
        whole = self.to_json()
        keys = ("passage_id", "document_id", "page", "score", "found_by")
        return {key: whole[key] for key in keys}


@dataclass(frozen=True)
class Quote:
    """One sentence, list item or table row of an answer, as its page has it.

    It is whole, with white space folded, but for cuts marked by ``…``. ``marker`` is that of its
    first citation. ``header`` and ``cells`` are those of a row: the header's cells (None where the
    table has none) and its own. ``answer`` are the words of ``text`` that answer, as start and end
    in code points; None where that is not known.
    """

    marker: int
    text: str
    shape: str
    header: list[str] | None = None
    cells: list[str] | None = None
    answer: tuple[int, int] | None = None
    says: Says = Says.ANSWERS


@dataclass(frozen=True)
class Citation:
    """A quote and its place. ``quote`` is the stored page's text from ``start`` to ``end``.

    ``page`` is None where the format has no pages; offsets then count in the whole text.
    """

    marker: int
    document_id: str
    title: str
    number: str | None
    edition: str | None
    published: str | None
    language: str
    url: str | None
    path: str
    page: int | None
    printed_page: str | None
    section: list[str]
    passage_id: str
    quote: str
    start: int
    end: int


@dataclass(frozen=True)
class Coverage:
    """For a question over the whole corpus: how many documents matched of those searched."""

    matched: int
    searched: int
    document_ids: list[str]


@dataclass(frozen=True)
class Answer:
    """One answer; the fields are those of the contract, in its order.

    ``missing`` are the parts of the question that are not answered, in the asker's words, and
    ``more`` is how many sentences that answer too were left out for want of space.
    """

    question: str
    standalone_question: str
    language: str
    status: Status
    kind: Kind = Kind.FACT
    text: str = ""
    quotes: list[Quote] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    notice: str = ""
    confidence: float = 0.0
    coverage: Coverage | None = None
    citations: list[Citation] = field(default_factory=list)
    nearest: list[Hit] = field(default_factory=list)
    retrieved: list[Hit] = field(default_factory=list)
    generation: str = ""
    mode: str = "extractive"
    model: str | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)
    more: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the answer as one JSON object, in the contract's shape."""
        shallow = {name: getattr(self, name) for name in _CONTRACT}
        return shallow | {
            "kind": str(self.kind),
            "status": str(self.status),
            "quotes": [asdict(quote) | {"says": str(quote.says)} for quote in self.quotes],
            "coverage": asdict(self.coverage) if self.coverage else None,
            "citations": [asdict(citation) for citation in self.citations],
            "nearest": [hit.to_json() for hit in self.nearest],
            "retrieved": [hit.to_short_json() for hit in self.retrieved],
        }


def with_citations(
    quotes: Sequence[Quote], citations: Sequence[Citation]
) -> list[tuple[Quote, list[Citation]]]:
    """Return each quote with its citations: one for each page that it runs over."""
    starts = [quote.marker for quote in quotes]
    ends = [*starts[1:], len(citations) + 1]
    return [
        (quote, list(citations[start - 1 : end - 1]))
        for quote, start, end in zip(quotes, starts, ends, strict=False)
    ]


# The names of the contract, in its order.
_CONTRACT = (
    *("question", "standalone_question", "language", "kind", "status", "text", "quotes", "missing"),
    *("suggestions", "notice", "confidence", "coverage", "citations", "nearest", "retrieved"),
    *("generation", "mode", "model", "timings_ms", "more"),
)
