"""Word overlap with a reference answer, as SQuAD defines it (Rajpurkar et al. 2016, section 6.1).

Both are lowercased, and punctuation, the English articles and superfluous space are taken away.
Markers are no part of an answer.
"""

from __future__ import annotations

import re
import string
from collections import Counter

from eval.invariants import sentences_with_markers
from eval.records import Record

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(record: Record) -> float | None:
    """Return 1 where answer and reference are the same after normalisation, else 0."""
    if not record.expected.answer:
        return None
    return float(_normalised(_plain(record)) == _normalised(record.expected.answer))


def token_f1(record: Record) -> float | None:
    """Return 2PR / (P + R) over the bags of tokens of answer and reference.

    P = shared / tokens of the answer, R = shared / tokens of the reference.
    """
    if not record.expected.answer:
        return None
    given = Counter(_normalised(_plain(record)).split())
    wanted = Counter(_normalised(record.expected.answer).split())
    shared = (given & wanted).total()
    if not shared:
        return float(given == wanted)
    precision, recall = shared / given.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def _plain(record: Record) -> str:
    return " ".join(text for text, _ in sentences_with_markers(record.text))


def _normalised(text: str) -> str:
    without_articles = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return " ".join(without_articles.split())
