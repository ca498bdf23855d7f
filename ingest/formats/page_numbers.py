"""Running heads and printed page numbers, recognised by what repeats from page to page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from corpus.text import fold
from ingest.formats.pdf_lines import PlacedLine

# Heads and feet stand among this many lines at the top and at the bottom of a page.
_EDGE_LINES = 3
_ROMAN = r"[ivxlc]{1,7}"
_PAGE_NUMBER = re.compile(
    rf"(?:page|p\.?|página|pág\.?|стр\.?|страница|صفحة|第)?\s*[-–—(]*\s*(\d{{1,4}}|{_ROMAN})\s*[-–—)]*"
    r"\s*(?:页)?\s*(?:(?:/|of|de|sur|из|من)\s*\d{1,4})?",
    re.IGNORECASE,
)


def printed_numbers(pages: Sequence[Sequence[PlacedLine]]) -> list[str | None]:
    """Return the number that each page itself bears, or None.

    A line of digits or Roman numerals at the edge is one; so is a number within a head or
    foot that counts up with the pages.
    """
    steps: Counter[tuple[str, int, int]] = Counter()
    found: dict[int, list[tuple[tuple[str, int, int], str]]] = defaultdict(list)
    for index, lines in enumerate(pages):
        for line in edge_lines(lines):
            for place, number in enumerate(re.findall(r"\d{1,4}", fold(line.text))):
                key = (_pattern(line), place, int(number) - index)
                steps[key] += 1
                found[index].append((key, number))
    printed: list[str | None] = []
    for index, lines in enumerate(pages):
        counting = [(steps[key], number) for key, number in found[index] if steps[key] > 1]
        alone = [
            m[1] for line in edge_lines(lines) if (m := _PAGE_NUMBER.fullmatch(line.text.strip()))
        ]
        printed.append(max(counting)[1] if counting else (alone[0] if alone else None))
    return printed


def without_running_lines(pages: Sequence[Sequence[PlacedLine]]) -> list[list[PlacedLine]]:
    """Return the pages without heads, feet and page numbers."""
    seen: Counter[str] = Counter()
    for lines in pages:
        seen.update({_pattern(line) for line in edge_lines(lines)})
    needed = max(2, len(pages) // 3)
    kept = []
    for lines in pages:
        edge = {id(line) for line in edge_lines(lines)}
        kept.append(
            [
                line
                for line in lines
                if id(line) not in edge
                or not (seen[_pattern(line)] >= needed or _PAGE_NUMBER.fullmatch(line.text.strip()))
            ]
        )
    return kept


def edge_lines(lines: Sequence[PlacedLine]) -> list[PlacedLine]:
    """Return the lines nearest to the top and to the bottom of a page."""
    by_height = sorted(lines, key=lambda line: -line.y)
    if len(by_height) <= 2 * _EDGE_LINES:
        return by_height
    return by_height[:_EDGE_LINES] + by_height[-_EDGE_LINES:]


def _pattern(line: PlacedLine) -> str:
    """Return what stays the same in a head from page to page: its place and its words."""
    words = re.sub(r"\d+", "#", fold(line.text))
    return f"{round(line.y / 6)} {words}"
