"""A sentence that may be quoted, with what was read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.answer import Hit
from corpus.documents import Sentence


@dataclass(frozen=True)
class ScoredSentence:
    """A sentence of a passage that was read.

    ``score`` is the probability, 0..1, that it answers, ``logit`` its logit; ``contradicts`` the
    logit that it contradicts what the question takes for granted. ``rows`` are the sentence rows
    that it stands for: its own, ``row``, and those of its translations. ``answer`` are the words
    that answer, as start and end in its text; ``features`` what the score was made of, by name.
    """

    sentence: Sentence
    hit: Hit
    row: int
    rows: tuple[int, ...]
    score: float
    logit: float
    contradicts: float
    answer: tuple[int, int] | None
    features: Mapping[str, float]
