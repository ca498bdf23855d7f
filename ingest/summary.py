"""What a sync did, as a table for people and as JSON for scripts."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from index.repairs import index_command
from ingest.sync import SyncReport


def summary_json(report: SyncReport, *, dry_run: bool) -> dict[str, Any]:
    """Return the report as the JSON object of ``sync --json``."""
    plan = report.plan
    return {
        "generation": report.generation,
        "published": report.published,
        "dry_run": dry_run,
        "added": plan.added,
        "changed": plan.changed,
        "moved": [{"path": m.path, "from": m.origin} for m in plan.moved],
        "removed": plan.removed,
        "described": plan.described,
        "audiences": [asdict(change) for change in plan.audiences],
        "duplicates": [{"path": d.path, "of": d.of} for d in plan.duplicates],
        "uncatalogued": plan.uncatalogued,
        "missing": plan.missing,
        "default_audience": {"name": plan.catalogue.default_audience, "files": plan.defaulted},
        "quarantined": [{"path": q.path, "reason": q.reason} for q in report.quarantined],
        "counts": report.counts,
        "embedded": report.embedded,
        "carried_over": report.carried_over,
        "held_back": report.held_back,
        "lost_golden_questions": report.lost,
        "warnings": report.warnings,
        "stages": [
            {"name": s.name, "items": s.items, "seconds": s.seconds, "rate": s.rate}
            for s in report.stages
        ],
        "peak_memory_mb": {
            "sync": _peak_memory_mb(),
            "reader": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        },
    }


def _peak_memory_mb() -> int:
    """Return the most memory that this process has had; getrusage counts the parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024


def print_summary(report: SyncReport, index: Path, *, dry_run: bool) -> None:
    """Print each difference on a line, then a table, then what needs attention."""
    _print_differences(report)
    if dry_run:
        sys.stdout.write(f"Would be done: {_changes(report)}. Nothing was written.\n")
    elif report.held_back:
        _print_table(report)
        _print_held_back(report, index)
    elif not report.published:
        sys.stdout.write(f"Nothing changed. Generation {report.generation} stays published.\n")
    else:
        _print_table(report)
        sys.stdout.write(f"Published generation {report.generation}: {_changes(report)}.\n")
    for path in report.plan.uncatalogued:
        sys.stdout.write(f"Not in the catalogue: {path}\n")
    for file in report.quarantined:
        sys.stdout.write(f"Quarantined: {file.path}: {file.reason}\n")


def _print_differences(report: SyncReport) -> None:
    plan = report.plan
    for word, paths in (
        ("+", _read(plan.added, report)),
        ("~", _read(plan.changed, report)),
        ("x", _unread(report)),
        ("-", plan.removed),
        ("i", [f"{path} (catalogue entry)" for path in plan.described]),
        (">", [f"{m.origin} -> {m.path}" for m in plan.moved]),
        ("!", [f"{c.path} was for {c.before}, is for {c.now}" for c in plan.audiences]),
        ("=", [f"{d.path} (the same content as {d.of})" for d in plan.duplicates]),
    ):
        sys.stdout.write("".join(f"{word} {path}\n" for path in paths))


def _read(paths: Sequence[str], report: SyncReport) -> list[str]:
    """Return those that could be read; before they are, in a dry run, that is all of them."""
    quarantined = {file.path for file in report.quarantined}
    return [path for path in paths if path not in quarantined]


def _unread(report: SyncReport) -> list[str]:
    """Return the files that this sync tried to read and could not."""
    tried = {*report.plan.added, *report.plan.changed}
    return [file.path for file in report.quarantined if file.path in tried]


def _changes(report: SyncReport) -> str:
    plan = report.plan
    return ", ".join(
        f"{len(paths)} {what}"
        for what, paths in (
            ("added", _read(plan.added, report)),
            ("changed", _read(plan.changed, report)),
            ("quarantined", _unread(report)),
            ("moved", plan.moved),
            ("removed", plan.removed),
            ("redescribed", plan.described),
            ("duplicate", plan.duplicates),
        )
    )


def _print_table(report: SyncReport) -> None:
    table = Table(title="What is in the index", title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for what, count in report.counts.items():
        table.add_row(what, f"{count:,}")
    table.add_row("vectors embedded", f"{report.embedded:,}")
    table.add_row("vectors carried over", f"{report.carried_over:,}")
    for stage in report.stages:
        table.add_row(f"{stage.name}, seconds", f"{stage.seconds:.1f}")
    Console(file=sys.stdout).print(table)


def _print_held_back(report: SyncReport, index: Path) -> None:
    rollback = index_command(f"rollback {report.held_back}", index)
    sys.stdout.write(
        f"Generation {report.held_back} is built but not published, as it does not answer these "
        f"golden questions any more. Generation {report.generation} stays published.\n"
    )
    sys.stdout.write("".join(f"  {question}\n" for question in report.lost))
    sys.stdout.write(
        f"Look at its answers: python -m assistant ask … --index {index} --generation "
        f"{report.held_back}. Publish it all the same: {rollback}, or change the questions "
        "that it need not answer and run the command again.\n"
    )
