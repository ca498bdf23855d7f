"""``python -m eval``: benchmarks of answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

    refusals = commands.add_parser("refusals", help="how often questions are refused")
    refusals.set_defaults(command=_refusals)
    refusals.add_argument("--cases", nargs="+", type=Path, default=[], metavar="FILE")
    refusals.add_argument(
        "--foreign", nargs="+", type=Path, default=[], metavar="FILE", help="SQuAD files"
    )
    refusals.add_argument("--limit", type=int, default=200, help="questions from each SQuAD file")
    add_settings(refusals, "index")
    add_json(refusals)
    return run(parser, arguments)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows on stderr how many questions have been asked."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Asking", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _refusals(arguments: argparse.Namespace) -> int:
    from eval.refusals import measure_refusals

    settings = settings_of(arguments).values
    with _progress() as progress:
        found = measure_refusals(
            arguments.cases, arguments.foreign, arguments.limit, settings, progress
        )
    if arguments.json:
        print_json(found)
        return 0
    for name, row in found["groups"].items():
        share = "" if row["refused"] is None else f"{row['refused']:.3f}"
        sys.stdout.write(f"{name:<36}{row['questions']:>6} questions, refused {share}\n")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from eval.run import run_cases

    settings = settings_of(arguments).values
    with _progress() as progress:
        summary = run_cases(arguments.cases, settings, arguments.out, progress)
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
    sys.stdout.write(f"answers that break an invariant: {summary['broken_invariants']}\n")
    for stage, spent in summary["latency_ms"].items():
        sys.stdout.write(f"{stage}: p50 {spent['p50']:.0f} ms, p95 {spent['p95']:.0f} ms\n")


if __name__ == "__main__":
    sys.exit(main())
