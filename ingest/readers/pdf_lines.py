"""Lines of a PDF page, put together from the fragments that pypdf reports."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from pypdf import PageObject

from ingest.structure import Line

_BOLD = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)
# An average Latin letter is about half its font size wide; only gaps well beyond that count.
_LETTER_WIDTH = 0.5
_CELL_GAP = 1.5
_BULLETS = "•▪◦‣·●○■□➢–-o\u007f\uf0a7\uf0b7\uf0d8"


@dataclass(frozen=True)
class _Fragment:
    """Text drawn in one go; x and y in points from the lower left corner."""

    text: str
    x: float
    y: float
    size: float
    bold: bool


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
        if row and abs(row[-1].y - fragment.y) > 0.4 * max(fragment.size, 1):
            lines.append(_line(row))
            row = []
        row.append(fragment)
    if row:
        lines.append(_line(row))
    return lines


def paragraph_lines(placed: Sequence[PlacedLine]) -> list[Line]:
    """Mark where paragraphs start, by vertical space and indentation, and which are rows."""
    leading = _leading(placed)
    rows = _row_numbers(placed)
    lines: list[Line] = []
    for n, line in enumerate(placed):
        before = placed[n - 1] if n else None
        starts = before is None or not 0 < before.y - line.y <= 1.35 * leading
        cells = tuple(text for _, text in line.cells) if n in rows else ()
        lines.append(Line(line.text, starts, cells, round(line.size, 1), line.bold))
    return lines


def _fragments(page: PageObject) -> list[_Fragment]:
    found: list[_Fragment] = []

    def visit(text: str, cm: Any, tm: Any, font: Any, size: float) -> None:
        if not text.strip():
            if text and found and "\n" not in text:
                found[-1] = _Fragment(found[-1].text + " ", *_rest(found[-1]))
            return
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        scale = abs(tm[3] * cm[3]) or abs(tm[1] * cm[2]) or 1.0
        name = str(font.get("/BaseFont", "")) if font else ""
        for n, part in enumerate(text.strip("\n").split("\n")):
            if part.strip():
                # What follows on this baseline stands apart.
                drawn = part + " " * text.endswith("\n")
                # Later lines of one fragment have no place of their own: put them below it.
                found.append(
                    _Fragment(
                        drawn, x, y - n * size * scale, size * scale, bool(_BOLD.search(name))
                    )
                )

    page.extract_text(visitor_text=visit)
    return found


def _rest(fragment: _Fragment) -> tuple[float, float, float, bool]:
    return fragment.x, fragment.y, fragment.size, fragment.bold


def _line(row: Sequence[_Fragment]) -> PlacedLine:
    cells: list[tuple[float, str]] = []
    end = 0.0
    for fragment in row:
        text = fragment.text
        gap = fragment.x - end
        if cells and gap < _CELL_GAP * fragment.size:
            cells[-1] = (cells[-1][0], cells[-1][1] + text)
        else:
            cells.append((fragment.x, text))
        end = max(end, fragment.x + _LETTER_WIDTH * fragment.size * len(text))
    largest = max(row, key=lambda fragment: len(fragment.text))
    bold = all(fragment.bold for fragment in row)
    text = " ".join(text.strip() for _, text in cells)
    return PlacedLine(text, row[0].x, row[0].y, largest.size, bold, tuple(cells))


def _leading(placed: Sequence[PlacedLine]) -> float:
    """Return the usual distance between the lines of a paragraph, in points."""
    steps = [a.y - b.y for a, b in itertools.pairwise(placed)]
    near = [step for step, line in zip(steps, placed, strict=False) if 0 < step < 2 * line.size]
    return median(near) if near else 14.0


def _row_numbers(placed: Sequence[PlacedLine]) -> set[int]:
    """Return which lines are table rows: neighbours whose cells start at the same places."""
    rows: set[int] = set()
    for n, (one, two) in enumerate(itertools.pairwise(placed)):
        shared = [x for x in _starts(one) if any(abs(x - other) < 3 for other in _starts(two))]  # noqa: PLR2004
        if len(shared) > 1 and len(one.cells) > 1 and len(two.cells) > 1:
            rows |= {n, n + 1}
    return rows


def _starts(line: PlacedLine) -> Iterator[float]:
    if line.cells and line.cells[0][1].strip() not in set(_BULLETS):
        yield from (x for x, _ in line.cells)
