"""What a comparison with peers found, as a table in Markdown and as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

# Measure → what stands above it, and how many digits behind the point.
MEASURES: dict[str, tuple[str, int]] = {
    "paragraphs_per_second": ("indexing, paragraphs/s", 1),
    "query_p50_ms": ("query p50, ms", 1),
    "query_p95_ms": ("query p95, ms", 1),
    "MRR@10": ("MRR@10", 3),
    "peak_memory_mb": ("memory, MB", 0),
}
_BETTER = {"paragraphs_per_second": "more", "MRR@10": "more"}
_WIDTH, _LABEL, _ROW, _TITLE, _GAP = 640, 110, 22, 26, 14
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.title{font-weight:bold}"
    ".bar{fill:#9aa5b1}.ours{fill:#1f6feb}"
)


def table(found: Mapping[str, Any]) -> str:
    """Return the medians over rounds of each system, then our ratios to each peer.

    A ratio is ours over the peer's: the median over rounds, with the least and the greatest.
    """
    systems = found["systems"]
    lines = [
        f"Medians over rounds: {found['rounds']}; paragraphs: {found['paragraphs']}; "
        f"questions: {found['questions']}",
        "",
        _line(["", *(title for title, _ in MEASURES.values())]),
        _line(["---"] * (len(MEASURES) + 1)),
    ]
    for name, row in systems.items():
        lines.append(_line([name, *(_shown(key, row[key]["median"]) for key in MEASURES)]))
    for peer, ratios in found["ratios"].items():
        cells = (_ratio(ratios[key]) if key in ratios else "" for key in MEASURES)
        lines.append(_line([f"ours / {peer}", *cells]))
    lines += ["", *(f"{name}: {_versions(row['versions'])}" for name, row in systems.items())]
    return "\n".join(lines) + "\n"


def chart(found: Mapping[str, Any]) -> str:
    """Draw the medians as an SVG file: for each measure a bar for each system, from 0."""
    parts = []
    y = 0
    for key, (title, _) in MEASURES.items():
        better = _BETTER.get(key, "less")
        heading = f"{title} ({better} is better)"
        parts.append(f'<text class="title" x="0" y="{y + 17}">{escape(heading)}</text>')
        y += _TITLE
        values = [(name, row[key]["median"]) for name, row in found["systems"].items()]
        parts.append(_bars(key, values, y))
        y += len(values) * _ROW + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img">'
        f'<style>{_STYLE}</style><rect width="{_WIDTH}" height="{y}" fill="#fff"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _bars(key: str, values: Sequence[tuple[str, float]], top: int) -> str:
    room = _WIDTH - _LABEL - 70
    most = max(value for _, value in values) or 1
    parts = []
    for number, (name, value) in enumerate(values):
        y = top + number * _ROW
        width = room * value / most
        kind = "bar ours" if name == "ours" else "bar"
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="{_LABEL}" y="{y + 2}" width="{width:.1f}" '
            f'height="{_ROW - 4}"/>'
            f'<text x="{_LABEL + width + 6:.1f}" y="{y + 15}">{_shown(key, value)}</text>'
        )
    return "".join(parts)


def _shown(key: str, value: float) -> str:
    return f"{value:,.{MEASURES[key][1]}f}"


def _ratio(ratio: Mapping[str, Any]) -> str:
    return f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['greatest']:.2f})"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{library} {number}" for library, number in versions.items())


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
