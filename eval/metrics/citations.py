"""Citations: verbatim, at the right place, and bearing out what they are cited for.

Recall and precision are those of ALCE (Gao et al. 2023, "Enabling Large Language Models to Generate
Text with Citations", section 3) with a deterministic test of support in place of their language
model: a text supports a sentence when it holds every word and every number of it, after folding.
"""

from __future__ import annotations

import re

from corpus.text import fold
from eval.invariants import sentences_with_markers
from eval.records import Record

_WORD = re.compile(r"\w+")


def validity(record: Record) -> float | None:
    """Return 1 where the answer breaks none of the invariants 1 to 3, else 0."""
    return float(not record.broken_invariants) if record.text else None


def document_accuracy(record: Record) -> float | None:
    """Return 1 where the first citation is of a document that the case names, else 0."""
    if not record.expected.document or not record.citations:
        return None
    return float(record.citations[0]["document_id"] in {d for d, _ in record.expected.places})


def page_accuracy(record: Record) -> float | None:
    """Return 1 where the first citation is of a document and page that the case names, else 0."""
    if not record.expected.page or not record.citations:
        return None
    first = record.citations[0]
    place = (first["document_id"], first["page"])
    return float(place in record.expected.places)


def recall(record: Record) -> float | None:
    """Return the share of sentences that their quotes, taken together, support."""
    sentences = _sentences(record)
    if not sentences:
        return None
    return sum(_supports(quotes, text) for text, quotes in sentences) / len(sentences)


def precision(record: Record) -> float | None:
    """Return the share of citations that are relevant.

    A citation of a supported sentence is relevant when it supports the sentence by itself, or
    when the others do not support it without it. One of an unsupported sentence is not.
    """
    verdicts = [
        _supports(quotes, text) and (_supports([quote], text) or not _supports(others, text))
        for text, quotes in _sentences(record)
        for n, quote in enumerate(quotes)
        for others in [quotes[:n] + quotes[n + 1 :]]
    ]
    return sum(verdicts) / len(verdicts) if verdicts else None


def _sentences(record: Record) -> list[tuple[str, list[str]]]:
    quotes = {citation["marker"]: str(citation["quote"]) for citation in record.citations}
    return [
        (text, [quotes[marker] for marker in markers if marker in quotes])
        for text, markers in sentences_with_markers(record.text)
    ]


def _supports(quotes: list[str], sentence: str) -> bool:
    held = {word for quote in quotes for word in _WORD.findall(fold(quote))}
    return set(_WORD.findall(fold(sentence))) <= held
