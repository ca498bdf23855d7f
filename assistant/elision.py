"""Long sentences are shortened to the clauses that answer, and to no less than that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.answer_types import asked_kinds, stated_places
from assistant.retriever import Query
from index.analysis import analysed

# A sentence of more words is long, and is not cut to fewer than the least.
LONG, LEAST = 60, 25
# A sentence is cut only if it holds this share of the question's terms: where it says it in other
# words, nobody knows which clause does. Of the answerable questions of SQuAD 2.0 and XQuAD (en, es,
# ru, ar) whose sentence has more than 60 words, 25 of 98 are so cut, by 29 words on average, and
# none loses its answer; of more than 40 words, 110 of 584 are, and 1 does. At half of the terms 6
# of 188 do, and at .66 4 of 144; without the clauses beside, where no kind of answer is asked for,
# 7 of 147; if one of several numbers or dates is enough, 2 of 118.
_SHARE = 0.7
# What has more clauses is a table or a list that was read as a sentence.
_MOST_CLAUSES = 50
# What answers these runs over clauses.
_UNCUT = frozenset({"list", "reason", "purpose"})
# Of these, all that a sentence states are kept, as any may be the one that is asked for.
_ALL_KEPT = frozenset({"number", "date"})
_CLAUSE_END = re.compile(r"(?<=[,;:،；，])\s+|\s+(?=[–—]\s)")
_OPENING, _CLOSING = "([{«“", ")]}»”"
_MARKS = "\"'«»“”()[]{},;:،；，"
_YEAR = re.compile(r"(?:1[89]|20)\d\d\b")


@dataclass(frozen=True)
class Sought:
    """What a question seeks in a sentence: its language, its terms, and kinds of answer."""

    language: str
    terms: frozenset[str]
    kinds: frozenset[str]


@dataclass(frozen=True)
class _Clause:
    """A clause, its number of words, which terms of the question it has, and what it states."""

    text: str
    words: int
    terms: frozenset[str]
    kinds: frozenset[str]


def sought(query: Query, weights: Mapping[str, float]) -> Sought:
    """Return what a question seeks; ``weights`` has its terms."""
    kinds = asked_kinds(query.text, query.language)
    return Sought(query.language, frozenset(weights), kinds)


def shortened(text: str, language: str, asked: Sought) -> str:
    """Return the shortest run of a long sentence's clauses that holds all that is sought of it.

    That is every term of the question that the sentence has, and what it states of the kind that
    is asked for; where no kind is, the clauses beside them too. What is left out at either end is
    marked by ``…``. The text is on one line. A sentence in another language than the question's
    is returned as it is.
    """
    if len(text.split()) <= LONG or language != asked.language or asked.kinds & _UNCUT:
        return text
    clauses = [_clause(part, asked) for part in _parts(text)]
    held = _terms(clauses)
    if len(clauses) > _MOST_CLAUSES or not held or len(held) < _SHARE * len(asked.terms):
        return text
    first, end = _run(clauses, asked)
    middle = " ".join(clause.text for clause in clauses[first:end])
    return f"{'… ' if first else ''}{middle}{' …' if end < len(clauses) else ''}"


def _run(clauses: Sequence[_Clause], asked: Sought) -> tuple[int, int]:
    """Return first and end of the shortest run of clauses that has everything."""
    beside = 0 if asked.kinds else 1
    best = (0, len(clauses))
    for first in range(len(clauses)):
        for end in range(first + 1, len(clauses) + 1):
            wider = max(0, first - beside), min(len(clauses), end + beside)
            if _holds_all(clauses, first, end) and _words(clauses, wider) < _words(clauses, best):
                best = wider
    return best


def _holds_all(clauses: Sequence[_Clause], first: int, end: int) -> bool:
    run = clauses[first:end]
    rest = [*clauses[:first], *clauses[end:]]
    outside = frozenset[str]().union(*(clause.kinds for clause in rest))
    inside = frozenset[str]().union(*(clause.kinds for clause in run))
    return (
        _words(clauses, (first, end)) >= LEAST
        and _terms(run) == _terms(clauses)
        and not outside & _ALL_KEPT
        and outside <= inside
    )


def _words(clauses: Sequence[_Clause], run: tuple[int, int]) -> int:
    return sum(clause.words for clause in clauses[run[0] : run[1]])


def _terms(clauses: Sequence[_Clause]) -> frozenset[str]:
    return frozenset[str]().union(*(clause.terms for clause in clauses))


def _clause(text: str, asked: Sought) -> _Clause:
    words = tuple(analysed(text, asked.language))
    stated = (
        kind
        for kind in asked.kinds
        if stated_places(kind, words, text, asked.language, asked.terms)
    )
    terms = asked.terms & {term for term, _ in words}
    return _Clause(text, len(text.split()), terms, frozenset(stated))


def _parts(text: str) -> list[str]:
    """Cut a text at the ends of its clauses."""
    parts, start = [], 0
    for found in _CLAUSE_END.finditer(text):
        if _may_part(text[: found.start()], text[found.end() :]):
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


def _may_part(before: str, after: str) -> bool:
    """Tell whether a cut here goes through no parenthesis, quotation, number, date or name.

    Between two capitals there may be one name or two, as in a list of them.
    """
    is_open = sum(map(before.count, _OPENING)) > sum(map(before.count, _CLOSING))
    last = before.rsplit(maxsplit=1)[-1].strip(_MARKS)
    first = after.split(maxsplit=1)[0].strip(_MARKS)
    number = last[-1:].isdigit() and first[:1].isdigit()
    name = last[:1].isupper() and (first[:1].isupper() or bool(_YEAR.match(first)))
    return not (is_open or before.count('"') % 2 or number or name)
