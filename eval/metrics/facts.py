"""Facts: does an answer state what a right answer holds, and do its quotes bear it out?

A fact is given as alternatives between ``|``. It counts only where a sentence of the answer states
it and a quote cited by that sentence holds it, and only within the first MAX_WORDS words: pasting
pages does not pay.
"""

from __future__ import annotations

from collections.abc import Sequence

from corpus.text import fold
from eval.facts import holds_fact
from eval.invariants import MAX_WORDS, sentences_with_markers
from eval.records import Record


def all_facts(record: Record) -> float | None:
    """Return 1 where every fact is stated and cited, else 0. Answerable turns only."""
    share = mean_fact_recall(record)
    return None if share is None else float(share == 1)


def mean_fact_recall(record: Record) -> float | None:
    """Return (facts stated and cited) / (facts asked for). Answerable turns only."""
    return _recall(record, _cited_sentences(record))


def facts_in_first_sentence(record: Record) -> float | None:
    """Return 1 where the first sentence alone states and cites every fact, else 0."""
    share = _recall(record, _cited_sentences(record)[:1])
    return None if share is None else float(share == 1)


def quotes_of_use(records: Sequence[Record]) -> float | None:
    """Return (quotes that overlap the evidence or hold a fact) / (quotes), of answerable turns."""
    of_use = [
        _is_of_use(quote["text"], record)
        for record in records
        if record.answerable
        for quote in record.answer["quotes"]
    ]
    return sum(of_use) / len(of_use) if of_use else None


def _is_of_use(text: str, record: Record) -> bool:
    folded = fold(text)
    overlaps = (folded in part or part in folded for part in map(fold, record.expected.evidence))
    return any(overlaps) or any(holds_fact(text, fact) for fact in record.expected.answer_facts)


def nothing_forbidden(record: Record) -> float | None:
    """Return 1 where the answer holds none of the facts that it must not hold, else 0."""
    forbidden = record.expected.must_not
    if not forbidden:
        return None
    return float(not any(holds_fact(record.text, fact) for fact in forbidden))


def _recall(record: Record, sentences: list[tuple[str, str]]) -> float | None:
    facts = record.expected.answer_facts
    if not facts:
        return None
    found = [
        any(holds_fact(text, fact) and holds_fact(quotes, fact) for text, quotes in sentences)
        for fact in facts
    ]
    return sum(found) / len(facts)


def _cited_sentences(record: Record) -> list[tuple[str, str]]:
    """Return each sentence within the limit of words, with the quotes that it cites."""
    quotes = {citation["marker"]: str(citation["quote"]) for citation in record.citations}
    sentences = []
    left = MAX_WORDS
    for text, markers in sentences_with_markers(record.text):
        words = text.split()
        within = text if len(words) <= left else " ".join(words[: max(left, 0)])
        sentences.append((within, "\n".join(quotes.get(marker, "") for marker in markers)))
        left -= len(words)
    return sentences
