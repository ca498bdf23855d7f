"""A quote with what stands around it on its page."""

from __future__ import annotations

import re
from dataclasses import dataclass

# About two lines of text on either side let a reader see how a quote is meant.
REACH = 160
_ELLIPSIS = "…"


@dataclass(frozen=True)
class Surroundings:
    """The text before a quote, the quote, and the text after it; cuts are marked by ``…``."""

    before: str
    quote: str
    after: str


def surroundings(page: str, start: int, end: int, reach: int = REACH) -> Surroundings:
    """Return what stands up to ``reach`` characters around a quote, cut between words."""
    before, after = page[max(start - reach, 0) : start], page[end : end + reach]
    if start > reach:
        before = _ELLIPSIS + re.sub(r"^\S*\s+", "", before)
    if end + reach < len(page):
        after = re.sub(r"\s+\S*$", "", after) + _ELLIPSIS
    return Surroundings(before, page[start:end], after)
