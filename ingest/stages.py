"""The stages of a sync: how far each has come, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Called with a stage's name, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]

# Name → what is counted in it, in the order in which they come.
STAGES = {
    "compare": "files",
    "read": "files",
    "embed": "texts",
    "write": "passages",
    "verify": "passages",
    "golden questions": "generations",
}


@dataclass(frozen=True)
class Stage:
    """A stage that is over: how many ``items`` it went through, in how many seconds."""

    name: str
    items: int
    seconds: float

    @property
    def rate(self) -> float | None:
        """Items per second; None where too little time passed to tell."""
        return self.items / self.seconds if self.seconds > 0 else None


class Stages:
    """Passes progress on, and keeps the time of each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._total = self._done = 0
        self._name = ""
        self._since = time.monotonic()
        self.finished: list[Stage] = []

    def begin(self, name: str, total: int) -> None:
        """Begin a stage of so many items; what passed since the last one counts to it."""
        self._name, self._total, self._done = name, total, 0
        self._progress(name, 0, total)

    def advance(self, items: int) -> None:
        """Count some more items of the stage as done."""
        self._done += items
        self._progress(self._name, self._done, self._total)

    def done(self, name: str, items: int) -> None:
        """End a stage, begun or not."""
        now = time.monotonic()
        self._progress(name, items, items)
        self.finished.append(Stage(name, items, round(now - self._since, 3)))
        self._since = now
