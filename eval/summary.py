"""The figures of a run: every metric with its interval, over all turns and by slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from eval.intervals import Estimate, interval_of, interval_of_mean
from eval.metrics import METRICS, Metric
from eval.records import Record

_BY_TURN = [metric for metric in METRICS if metric.of_turn]


def summarise(records: Sequence[Record]) -> dict[str, Any]:
    """Return the figures over all turns, and for each kind of turn, language and document."""
    slices: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        slices["answerable" if record.answerable else "unanswerable"].append(record)
        if record.turn > 1:
            slices["later turns"].append(record)
        slices[f"type {record.kind}"].append(record)
        slices[f"language {record.language}"].append(record)
        if record.expected.document:
            slices[f"document {record.expected.document}"].append(record)
    return {
        "turns": len(records),
        "all": _measure(records, METRICS),
        "slices": {name: _measure(part, _BY_TURN) for name, part in sorted(slices.items())},
    }


def estimate(metric: Metric, records: Sequence[Record]) -> Estimate | None:
    """Return a metric over these turns, or None where it is not defined."""
    if metric.of_turn:
        measured = [(record, metric.of_turn(record)) for record in records]
        kept = [(cluster(record), value) for record, value in measured if value is not None]
        if not kept:
            return None
        values = np.array([value for _, value in kept])
        interval = interval_of_mean([name for name, _ in kept], values)
        return _rounded(float(values.mean()), interval, len(kept))
    pooled = metric.pooled
    assert pooled is not None
    whole = pooled(records)
    if whole is None:
        return None
    names = [cluster(record) for record in records]
    interval = interval_of(names, lambda drawn: pooled([records[n] for n in drawn]))
    return _rounded(whole, interval, len(records))


def cluster(record: Record) -> str:
    """Return what turns are drawn together by: the case's document, or else the case."""
    return record.expected.document or f"case {record.case_id}"


def _measure(records: Sequence[Record], metrics: Sequence[Metric]) -> dict[str, Any]:
    found = {metric.name: estimate(metric, records) for metric in metrics}
    return {name: asdict(figure) for name, figure in found.items() if figure}


def _rounded(value: float, interval: tuple[float, float], n: int) -> Estimate:
    low, high = interval
    return Estimate(round(value, 4), round(low, 4), round(high, 4), n)
