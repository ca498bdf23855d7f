"""A live bar per stage on stderr, with rate and time left; silent where it is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ingest.stages import STAGES
from ingest.stages import Progress as Report


class _Rate(ProgressColumn):
    """Items per second, in the unit of the stage."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {STAGES[task.description.lower()]}/s" if speed else "")


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Give a function that shows how far a stage has come; a stage appears when it begins."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        tasks = {
            name: progress.add_task(name.capitalize(), total=None, visible=False, start=False)
            for name in STAGES
        }

        def report(stage: str, done: int, total: int) -> None:
            progress.start_task(tasks[stage])
            progress.update(tasks[stage], completed=done, total=total, visible=total > 0)

        yield report
