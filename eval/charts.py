"""Charts as SVG that a page can hold in itself."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _ROW, _LABEL = 900, 24, 330
_SQUARE = 320
_MARGIN = 40


def bars(rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Draw shares from 0 to 1, one bar for each (label, value, low, high of its interval)."""
    width = _WIDTH - _LABEL - 60
    parts = []
    for number, (label, value, low, high) in enumerate(rows):
        y = number * _ROW
        middle = y + _ROW / 2
        parts.append(
            f'<text x="{_LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
            f'<rect class="bar" x="{_LABEL}" y="{y + 4}" width="{width * value:.1f}" '
            f'height="{_ROW - 8}"/>'
            f'<line class="range" x1="{_LABEL + width * low:.1f}" x2="{_LABEL + width * high:.1f}" '
            f'y1="{middle}" y2="{middle}"/>'
            f'<text x="{_WIDTH - 50}" y="{middle + 4}">{value:.3f}</text>'
        )
    height = max(len(rows), 1) * _ROW
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(parts)}</svg>'


def curve(points: Sequence[tuple[float, float]], across: str, up: str) -> str:
    """Draw points (x, y), both from 0 to 1, as one line, with the names of the axes."""
    end = _MARGIN + _SQUARE
    path = " ".join(
        f"{_MARGIN + _SQUARE * x:.1f},{_MARGIN / 2 + _SQUARE * (1 - y):.1f}" for x, y in points
    )
    bottom = _MARGIN / 2 + _SQUARE
    axes = (
        f'<line class="axis" x1="{_MARGIN}" y1="{bottom}" x2="{end}" y2="{bottom}"/>'
        f'<line class="axis" x1="{_MARGIN}" y1="{_MARGIN / 2}" x2="{_MARGIN}" y2="{bottom}"/>'
    )
    ticks = "".join(
        f'<text x="{_MARGIN + _SQUARE * share}" y="{bottom + 16}" text-anchor="middle">{share:g}'
        f'</text><text x="{_MARGIN - 6}" y="{bottom - _SQUARE * share + 4}" text-anchor="end">'
        f"{share:g}</text>"
        for share in (0, 0.5, 1)
    )
    names = (
        f'<text x="{_MARGIN + _SQUARE / 2}" y="{bottom + 32}" text-anchor="middle">{escape(across)}'
        f'</text><text x="{_MARGIN + 8}" y="{_MARGIN / 2 + 4}">{escape(up)}</text>'
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 40}" role="img">{axes}{ticks}{names}'
        f'<polyline class="curve" points="{path}"/></svg>'
    )
