"""Abbreviations and what they stand for, as the documents themselves say: "Long Name (LN)"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.rules.memo import once_a_question
from corpus.text import fold
from index.analysis import terms

_IN_BRACKETS = re.compile(r"\(([A-Z][A-Za-z0-9&/-]{1,11})\)")
_SHORTEST_LONG_FORM = 2  # words
_WORD = re.compile(r"[^\W_]+")
# Digits that are read as words: "AI for Health (AI4H)".
_SPOKEN = str.maketrans({"2": "t", "4": "f"})


@dataclass(frozen=True)
class Acronym:
    """An abbreviation with the words that it stands for, as written, and the terms of both."""

    short: str
    long: str
    short_terms: frozenset[str]
    long_terms: frozenset[str]


@once_a_question
def acronyms(text: str, language: str) -> tuple[Acronym, ...]:
    """Return the abbreviations that a text explains, in reading order."""
    found = []
    for match in _IN_BRACKETS.finditer(text):
        before = text[: match.start()]
        if long := _long_form(match[1], before) or _long_form(_spoken(match[1]), before):
            short_terms, long_terms = terms(match[1], language), terms(long, language)
            if short_terms and len(long_terms) >= _SHORTEST_LONG_FORM:
                found.append(Acronym(match[1], long, frozenset(short_terms), frozenset(long_terms)))
    return tuple(found)


def both_ways(found: frozenset[str], known: Iterable[Acronym]) -> frozenset[str]:
    """Return a text's terms with what its abbreviations stand for, and the other way round."""
    more: set[str] = set()
    for one in known:
        if one.short_terms <= found:
            more |= one.long_terms
        elif one.long_terms <= found:
            more |= one.short_terms
    return found | more


def _spoken(short: str) -> str:
    return short.translate(_SPOKEN)


def _long_form(short: str, before: str) -> str | None:
    """Return the words before an abbreviation that its letters begin or run through.

    The letters are sought from the end; the first must begin a word (Schwartz and Hearst 2003).
    """
    letters = [c for c in fold(short) if c.isalnum()]
    if sum(c.isalpha() for c in letters) < len(letters) / 2:
        return None
    words = list(_WORD.finditer(before))[-min(len(letters) + 5, 2 * len(letters)) :]
    if not words:
        return None
    start = words[0].start()
    stretch = before[start:]
    folded = stretch.casefold()
    if len(folded) != len(stretch):
        return None
    place = len(folded)
    for n, letter in enumerate(reversed(letters)):
        place -= 1
        while place >= 0 and not (
            folded[place] == letter
            and (n < len(letters) - 1 or place == 0 or not folded[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
    return stretch[place:].strip() or None
