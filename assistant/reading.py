"""What a reader makes of a question and the passages found: scored sentences, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assistant.answer import Hit
from corpus.documents import Sentence


@dataclass(frozen=True, kw_only=True)
class ScoredSentence:
    """A sentence that may be quoted, and how probably it answers.

    ``score`` orders the sentences of one question, 0..1. ``rows`` are the sentence rows it is made
    of, ``row`` the first; ``parts`` are the sentences of a list that is scored as a whole.
    ``answer`` are the words that answer, as start and end in its text.
    """

    sentence: Sentence
    hit: Hit
    row: int
    rows: tuple[int, ...]
    score: float
    parts: tuple[Sentence, ...] = ()
    answer: tuple[int, int] | None = None


@dataclass(frozen=True)
class Lacking:
    """What no passage gives: ``kind`` names a phrase, ``value`` what was sought."""

    kind: str
    value: str = ""


@dataclass(frozen=True)
class Reading:
    """How a question was read.

    ``sentences`` are all that may be quoted, best first, and ``chosen`` those that together answer,
    the most direct first. ``confidence`` is the probability, 0..1, that they do; ``answerable``
    whether that is enough. Where it is not, ``lacking`` says what is missing, if that is known, and
    ``contradicting`` is the sentence that runs against what the question takes for granted.
    """

    sentences: Sequence[ScoredSentence] = ()
    chosen: Sequence[ScoredSentence] = ()
    answerable: bool = False
    confidence: float = 0.0
    lacking: Lacking | None = None
    contradicting: ScoredSentence | None = None
    features: Mapping[str, float] = field(default_factory=dict)
