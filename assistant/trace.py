"""What each step of an answer took and gave: ``why``, the evaluation and the tests read it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assistant.answer import Answer, Hit
from assistant.compose import Draft
from assistant.reading import Reading
from assistant.retrieval import Query, Retrieved
from assistant.verify import Verified
from index.generations import Generation


@dataclass
class Trace:
    """One question on its way through the steps; each step fills in what it gives.

    ``turns`` are the questions of a conversation, of which the last is asked. ``hits`` are the
    passages that are read: those ``retrieved``, in the asker's language version, where
    ``gave_way`` names the documents that were replaced by their version.
    """

    turns: Sequence[str]
    standalone: str
    language: str
    query: Query
    generation: Generation
    retrieved: Retrieved = field(default_factory=lambda: Retrieved([], [], []))
    hits: list[Hit] = field(default_factory=list)
    gave_way: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)
    draft: Draft = field(default_factory=Draft)
    verified: Verified = field(default_factory=Verified)
    answer: Answer | None = None
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def finished(self) -> Answer:
        """The answer. Raises ValueError before the last step."""
        if self.answer is None:
            raise ValueError("The steps have not come to an answer.")
        return self.answer


class Clock:
    """Milliseconds since it was made, and since the last lap."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()

    def lap(self) -> float:
        """Return how long it is since the last lap, or since the start."""
        before, self._last = self._last, time.perf_counter()
        return round(1000 * (self._last - before), 2)

    def total(self) -> float:
        """Return how long it is since the start."""
        return round(1000 * (time.perf_counter() - self._start), 2)
