"""The answer and its parts, as people and scripts receive them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Document, Passage


class Status(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    NOT_IN_DOCUMENTS = "not_in_documents"
    NEEDS_CLARIFICATION = "needs_clarification"
    WITHHELD_UNVERIFIED = "withheld_unverified"
    MODEL_FAILED = "model_failed"
    FAILED = "failed"


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
class Citation:
    """A quote and its place. ``quote`` is the stored page's text from ``start`` to ``end``.

    ``page`` is None where the format has no pages; offsets then count in the whole text.
    """

    marker: int
    document_id: str
    title: str
    number: str | None
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
    """One answer; the fields are those of the contract, in its order."""

    question: str
    standalone_question: str
    language: str
    status: Status
    text: str = ""
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

    def to_json(self) -> dict[str, Any]:
        """Return the answer as one JSON object, in the contract's shape."""
        shallow = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return shallow | {
            "status": str(self.status),
            "coverage": asdict(self.coverage) if self.coverage else None,
            "citations": [asdict(citation) for citation in self.citations],
            "nearest": [hit.to_json() for hit in self.nearest],
            "retrieved": [hit.to_short_json() for hit in self.retrieved],
        }
