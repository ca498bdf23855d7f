"""Latency: what each stage of an answer took, as percentiles."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

PERCENTILES = (50, 95, 99)


def stage_percentiles(timings: Path) -> dict[str, dict[str, float]]:
    """Return the percentiles of each stage in milliseconds, from a file of JSON lines."""
    spent: dict[str, list[float]] = defaultdict(list)
    for line in timings.read_text(encoding="utf-8").splitlines():
        for stage, milliseconds in json.loads(line).items():
            spent[stage].append(milliseconds)
    return {
        stage: {f"p{percent}": percentile(values, percent) for percent in PERCENTILES}
        for stage, values in spent.items()
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile: the value of rank ceil(percent / 100 * n)."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]
