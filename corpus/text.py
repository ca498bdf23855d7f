"""Folding of text for comparison. What is stored and quoted is never folded."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_HYPHENS = dict.fromkeys(
    map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-"
)
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u2032"), "'")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
# Words come up again and again; longer texts are not kept.
_LONGEST_WORD = 40
_TABLE = {**_HYPHENS, **_APOSTROPHES, **_INVISIBLE}


def fold(text: str) -> str:
    """Reduce text to what matters in a comparison.

    NFKC, case folding, one hyphen, one apostrophe, ASCII digits, single spaces. Lengths
    change, so offsets into the result do not point into the source.
    """
    return _folded_word(text) if len(text) <= _LONGEST_WORD else _folded(text)


@lru_cache(maxsize=50_000)
def _folded_word(text: str) -> str:
    return _folded(text)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_TABLE)
    if not folded.isascii():
        folded = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)
    return fold_space(folded)


def fold_space(text: str) -> str:
    """Replace every run of white space, no-break spaces included, by one U+0020."""
    return " ".join(text.split())
