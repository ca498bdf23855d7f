"""A live bar per stage on stderr; silent where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.vectors import Progress as Report

_STAGES = {"read": "Reading documents", "embed": "Embedding"}


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Give a function that shows how far a stage has come."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        tasks = {stage: progress.add_task(text, total=None) for stage, text in _STAGES.items()}

        def report(stage: str, done: int, total: int) -> None:
            progress.update(tasks[stage], completed=done, total=total)

        yield report
