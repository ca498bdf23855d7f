"""Removing the debris that conversions leave in a text. What the document says stays."""

from __future__ import annotations

import re

_BOOKMARK = re.compile(r"\[bookmark:[^\]]*\]")
# Controls, soft hyphens, zero-width characters and byte-order marks; directional marks stay,
# as they are part of how Arabic text is written.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]"
)
_BLANKS = re.compile(r"[ \t\r\n\f\v\u0085\u2028\u2029]+")
# No-break spaces are kept inside a text ("11 000"), but mean nothing at its ends.
_ENDS = " \t\r\n\u00a0\u202f\u2007"
_ONLY_DEBRIS = re.compile(r"[\s<>_=*~.·\-–—|\u00a0]*")


def without_bookmarks(text: str) -> str:
    """Return a text without the bookmark marks of a conversion, which may stand before a dash."""
    return _BOOKMARK.sub("", text)


def clean(text: str) -> str:
    """Return one block of text without debris, on one line, with single spaces.

    No-break spaces and no-break hyphens are kept, as quotes show what the document has. A
    text of nothing but rules, dots or stray brackets becomes empty.
    """
    text = _INVISIBLE.sub("", without_bookmarks(text))
    text = _BLANKS.sub(" ", text).strip(_ENDS)
    return "" if _ONLY_DEBRIS.fullmatch(text) else text
