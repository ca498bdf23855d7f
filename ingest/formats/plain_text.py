"""Plain text: one line per paragraph, or lines wrapped at a width."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from ingest.cleaning import without_bookmarks
from ingest.formats.decoding import read_text
from ingest.reading import Reading, ReadPage
from ingest.structure import Line, blocks_of, is_bulleted

# A text is taken as wrapped when lines that go on below keep to this width.
_WRAP_WIDTH = 100
_NARROWEST_WRAP = 50
_WRAPPED_SHARE = 0.6
_CELLS = re.compile(r"\s*\|\s*|\t+| {3,}")


def read(path: Path) -> Reading:
    """Read a text file; a form feed starts a new page, and without one there are no pages."""
    text = without_bookmarks(read_text(path))
    parts = text.split("\f")
    pages = tuple(ReadPage(tuple(blocks_of(_lines(part.splitlines())))) for part in parts)
    return Reading(pages, paged=len(parts) > 1)


def _lines(texts: Sequence[str]) -> list[Line]:
    wrapped = _is_wrapped(texts)
    lines: list[Line] = []
    blank = True
    for n, text in enumerate(texts):
        if not text.strip():
            blank = True
            continue
        cells = _cells(texts, n)
        lines.append(Line(text.strip(), starts=blank or not wrapped, cells=cells))
        blank = False
    return lines


def _is_wrapped(texts: Sequence[str]) -> bool:
    """Tell whether paragraphs run over several lines: most lines that others follow are filled."""
    followed = [
        len(text)
        for text, after in itertools.pairwise(texts)
        # Where a list item begins, the line before ends at any width.
        if text.strip() and after.strip() and not is_bulleted(after)
    ]
    if not followed or max(map(len, texts)) > _WRAP_WIDTH:
        return False
    width = max(followed)
    if width < _NARROWEST_WRAP:
        return False
    filled = [length for length in followed if length > 0.7 * width]
    return len(filled) >= _WRAPPED_SHARE * len(followed)


def _cells(texts: Sequence[str], n: int) -> tuple[str, ...]:
    """Return the columns of a line in a table: one of several lines with as many columns."""
    if is_bulleted(texts[n]):
        return ()
    cells = _split_cells(texts[n])
    around = [texts[m] for m in (n - 1, n + 1, n - 2, n + 2) if 0 <= m < len(texts)]
    same = any(len(_split_cells(text)) == len(cells) for text in around)
    return cells if len(cells) > 1 and same else ()


def _split_cells(text: str) -> tuple[str, ...]:
    return tuple(cell for cell in _CELLS.split(text.strip().strip("|")) if cell.strip(" -:=+"))
