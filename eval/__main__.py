"""``python -m eval``: benchmarks of answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus.command_line import add_json, add_settings, print_json, run, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cases = commands.add_parser("run", help="ask every case, and report what was answered")
    cases.set_defaults(command=_run)
    cases.add_argument("--cases", nargs="+", type=Path, required=True, metavar="FILE")
    cases.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the records")
    add_settings(cases, "index")
    add_json(cases)
    return run(parser, arguments)


def _run(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress

    from eval.run import run_cases

    settings = settings_of(arguments).values
    console = Console(stderr=True)
    with Progress(console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Asking", total=None)
        summary = run_cases(
            arguments.cases,
            settings,
            arguments.out,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if arguments.json:
        print_json(summary)
    else:
        _print(summary)
    return 0


def _print(summary: dict[str, Any]) -> None:
    names = ("turns", "all_facts", "facts_in_first_sentence", "refused")
    sys.stdout.write(f"{'':<28}{'turns':>7}{'all facts':>12}{'in first':>12}{'refused':>12}\n")
    rows = {"answerable": summary["answerable"], "unanswerable": summary["unanswerable"]}
    for name, figures in {**rows, **summary["slices"]}.items():
        cells = [figures.get(key, "") for key in names]
        row = "".join(
            f"{c:>12.3f}" if isinstance(c, float) else f"{c:>{7 if n == 0 else 12}}"
            for n, c in enumerate(cells)
        )
        sys.stdout.write(f"{name:<28}{row}\n")
    latency = summary["latency_ms"]
    sys.stdout.write(f"answers that break an invariant: {summary['broken_invariants']}\n")
    sys.stdout.write(f"latency p50 {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms\n")


if __name__ == "__main__":
    sys.exit(main())
