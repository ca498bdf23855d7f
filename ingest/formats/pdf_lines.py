"""Lines of a PDF page, put together from the fragments that pypdf reports."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from pypdf import PageObject

from ingest.structure import Line

_BOLD = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)
# An average Latin letter is about half its font size wide; only gaps well beyond that count.
_LETTER_WIDTH = 0.5
_CELL_GAP = 1.5
# Text drawn apart on the same baseline is another cell at a smaller gap already.
_CELL_GAP_DRAWN_APART = 0.5
# A cell of a table is taken to have no more lines than this below its first.
_WRAPPED_LINES = 4
_WRAPPED_LEADING = 1.6
_SAME_BASELINE = 0.4
_SAME_COLUMN = 3
_LIST_NUMBER = re.compile(r"\(?\w{1,3}[.)]")
_BULLETS = "•▪◦‣·●○■□➢–-o\u007f\uf0a7\uf0b7\uf0d8"


@dataclass(frozen=True)
class _Fragment:
    """Text drawn in one go; x and y in points from the lower left corner."""

    text: str
    x: float
    y: float
    size: float
    bold: bool
    ends: bool  # what follows was drawn apart


@dataclass(frozen=True)
class PlacedLine:
    """A line with its baseline ``y``, its left edge ``x`` and the cells it consists of."""

    text: str
    x: float
    y: float
    size: float
    bold: bool
    cells: tuple[tuple[float, str], ...]


def placed_lines(page: PageObject) -> list[PlacedLine]:
    """Return a page's lines in the order in which they are drawn."""
    lines: list[PlacedLine] = []
    row: list[_Fragment] = []
    for fragment in _fragments(page):
        if row and abs(row[-1].y - fragment.y) > _SAME_BASELINE * max(fragment.size, 1):
            lines.append(_line(row))
            row = []
        row.append(fragment)
    if row:
        lines.append(_line(row))
    return _with_wrapped_cells(lines)


def paragraph_lines(placed: Sequence[PlacedLine]) -> list[Line]:
    """Mark where paragraphs start, by vertical space and indentation, and which are rows."""
    leading = _leading(placed)
    rows = _row_numbers(placed)
    lines: list[Line] = []
    for n, line in enumerate(placed):
        before = placed[n - 1] if n else None
        step = (before.y - line.y) / (line.size or 1) if before else 0.0
        starts = not 0 < step <= 1.3 * leading
        cells = tuple(text for _, text in line.cells) if n in rows else ()
        lines.append(Line(line.text, starts, cells, round(line.size, 1), line.bold))
    return lines


def _fragments(page: PageObject) -> list[_Fragment]:
    found: list[_Fragment] = []

    def visit(text: str, cm: Any, tm: Any, font: Any, size: float) -> None:
        if not text.strip():
            if text and found and "\n" not in text:
                found[-1] = replace(found[-1], text=found[-1].text + " ")
            return
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        scale = abs(tm[3] * cm[3]) or abs(tm[1] * cm[2]) or 1.0
        name = str(font.get("/BaseFont", "")) if font else ""
        for n, part in enumerate(text.strip("\n").split("\n")):
            if part.strip():
                # Later lines of one fragment have no place of their own: put them below it.
                place = (x, y - n * size * scale, size * scale)
                bold = bool(_BOLD.search(name))
                found.append(_Fragment(part, *place, bold, ends=text.endswith("\n")))

    page.extract_text(visitor_text=visit)
    return found


def _line(row: Sequence[_Fragment]) -> PlacedLine:
    cells: list[tuple[float, str]] = []
    end, apart = 0.0, False
    for fragment in row:
        needed = _CELL_GAP_DRAWN_APART if apart else _CELL_GAP
        if cells and fragment.x - end < needed * fragment.size:
            cells[-1] = (cells[-1][0], cells[-1][1] + " " * apart + fragment.text)
        else:
            cells.append((fragment.x, fragment.text))
        end = max(end, fragment.x + _LETTER_WIDTH * fragment.size * len(fragment.text))
        apart = fragment.ends
    largest = max(row, key=lambda fragment: len(fragment.text))
    bold = all(fragment.bold for fragment in row)
    text = " ".join(text.strip() for _, text in cells)
    return PlacedLine(text, row[0].x, row[0].y, largest.size, bold, tuple(cells))


def _with_wrapped_cells(lines: Sequence[PlacedLine]) -> list[PlacedLine]:
    """Put table rows together whose cells run over several lines.

    Such a row is drawn cell by cell: the pen goes down within a cell and comes back up to the
    row's first baseline for the next one. What the last cell has below that baseline follows.
    """
    rows: list[PlacedLine] = []
    bottom = math.inf  # baseline of the last line that was put into the last row
    for line in lines:
        top = _row_returned_to(rows, line) if line.y > bottom else None
        if top is not None:
            whole = rows[top]
            for below in rows[top + 1 :]:
                whole = _wrapped(whole, below)
            rows[top:] = [_joined(whole, (*whole.cells, *line.cells))]
        elif rows and _goes_on_in_cell(rows[-1], line, bottom):
            rows[-1] = _wrapped(rows[-1], line)
        else:
            rows.append(line)
        bottom = line.y
    return rows


def _row_returned_to(rows: Sequence[PlacedLine], line: PlacedLine) -> int | None:
    """Return the index of the row whose next cell this line is, or None."""
    for index in range(len(rows) - 1, max(len(rows) - 2 - _WRAPPED_LINES, -1), -1):
        row = rows[index]
        if abs(row.y - line.y) <= _SAME_BASELINE * max(line.size, 1):
            below = rows[index + 1 :]
            fits = all(line.y < row.y and _cell_at(row, line) is not None for line in below)
            return index if fits and line.x > row.cells[-1][0] else None
    return None


def _goes_on_in_cell(row: PlacedLine, line: PlacedLine, bottom: float) -> bool:
    """Tell whether a line is the wrapped rest of one of a row's later cells."""
    close = 0 < bottom - line.y <= _WRAPPED_LEADING * line.size
    first = row.cells[0][1].strip()
    is_item = first in set(_BULLETS) or _LIST_NUMBER.fullmatch(first)
    return len(row.cells) > 1 and not is_item and close and bool(_cell_at(row, line))


def _cell_at(row: PlacedLine, line: PlacedLine) -> int | None:
    """Return which of the row's cells starts where this line of a single cell does."""
    places = [n for n, (x, _) in enumerate(row.cells) if abs(x - line.x) < _SAME_COLUMN]
    return places[0] if places and len(line.cells) == 1 else None


def _wrapped(row: PlacedLine, line: PlacedLine) -> PlacedLine:
    place = _cell_at(row, line)
    cells = tuple(
        (x, f"{text.rstrip()} {line.text}" if n == place else text)
        for n, (x, text) in enumerate(row.cells)
    )
    return _joined(row, cells)


def _joined(row: PlacedLine, cells: tuple[tuple[float, str], ...]) -> PlacedLine:
    return replace(row, text=" ".join(text.strip() for _, text in cells), cells=cells)


def _leading(placed: Sequence[PlacedLine]) -> float:
    """Return the smallest distance between lines on the page, as a multiple of the font size."""
    steps = [(a.y - b.y) / b.size for a, b in pairwise(placed) if b.size]
    return min((step for step in steps if 0.9 <= step < 2), default=1.2)  # noqa: PLR2004


def _row_numbers(placed: Sequence[PlacedLine]) -> set[int]:
    """Return which lines are table rows: neighbours whose cells start at the same places."""
    rows: set[int] = set()
    for n, (upper, lower) in enumerate(pairwise(placed)):
        shared = [
            x
            for x in _starts(upper)
            if any(abs(x - other) < _SAME_COLUMN for other in _starts(lower))
        ]
        if len(shared) > 1 and len(upper.cells) > 1 and len(lower.cells) > 1:
            rows |= {n, n + 1}
    return rows


def _starts(line: PlacedLine) -> Iterator[float]:
    """Yield where the cells of a line start; a list's bullet or number makes no column."""
    first = line.cells[0][1].strip()
    if first not in set(_BULLETS) and not _LIST_NUMBER.fullmatch(first):
        yield from (x for x, _ in line.cells)
