"""The report of a run: one HTML page that needs nothing else, and a summary in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from eval.charts import bars, curve
from eval.latency import PERCENTILES
from eval.metrics.abstention import is_wrong, risk_coverage
from eval.records import Record

REPORT_FILE = "report.html"
MARKDOWN_FILE = "summary.md"
_LARGEST_SLICES = 30


def write_report(
    out: Path,
    records: Sequence[Record],
    made_on: Mapping[str, Any],
    summary: Mapping[str, Any],
    measured: Mapping[str, Any],
) -> None:
    """Write both into the folder of a run: failures first, then figures, charts and settings.

    ``summary`` has the figures over all turns and by slice, ``measured`` latency and memory.
    """
    source = files("eval").joinpath("report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
    page = template.render(
        made_on=made_on,
        turns=len(records),
        failures=[record for record in records if is_wrong(record)],
        all=summary["all"],
        slices_chart=Markup(bars(_slices(summary))),  # noqa: S704 (bars escapes its labels)
        risk_chart=Markup(curve(risk_coverage(records), "coverage", "risk")),  # noqa: S704
        percentiles=[f"p{percent}" for percent in PERCENTILES],
        latency=measured["latency_ms"],
        memory=measured["peak_memory_mb"],
    )
    (out / REPORT_FILE).write_text(page, encoding="utf-8")
    (out / MARKDOWN_FILE).write_text(_markdown(made_on, summary, len(records)), encoding="utf-8")


def _slices(summary: Mapping[str, Any]) -> list[tuple[str, float, float, float]]:
    """Return the slices that have the measure, the types and languages before the documents."""
    rows = [
        (f"{name} ({figure['n']})", figure["value"], figure["low"], figure["high"])
        for name, figures in summary["slices"].items()
        if (figure := figures.get("all facts"))
    ]
    return sorted(rows, key=lambda row: row[0].startswith("document"))[:_LARGEST_SLICES]


def _markdown(made_on: Mapping[str, Any], summary: Mapping[str, Any], turns: int) -> str:
    seal = made_on["cases_sha256"][:16]
    lines = [
        f"# Run on {made_on['generation']}",
        "",
        f"{turns} turns from {', '.join(made_on['cases'])} (SHA-256 {seal}).",
        "",
        "| measure | value | 95 % interval | turns |",
        "|---|---|---|---|",
    ]
    for name, figure in summary["all"].items():
        interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
        lines.append(f"| {name} | {figure['value']:.3f} | {interval} | {figure['n']} |")
    return "\n".join(lines) + "\n"
