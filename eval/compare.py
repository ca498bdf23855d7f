"""Two runs on the same cases, compared turn by turn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UsageError
from eval.metrics import METRICS, Metric
from eval.metrics.facts import all_facts
from eval.records import Record, read_records
from eval.run import RECORDS_FILE, RUN_FILE
from eval.summary import cluster

PERMUTATIONS = 10_000
_SEED = 20250711


@dataclass(frozen=True)
class Comparison:
    """A metric of both runs over the turns where both have it.

    ``p`` is the two-sided value of the randomisation test, ``p_holm`` the same corrected for the
    number of metrics compared.
    """

    metric: str
    a: float
    b: float
    n: int
    p: float
    p_holm: float = 1.0


def compare_runs(a: Path, b: Path) -> dict[str, Any]:
    """Compare two runs on the same cases: every metric of turns, and the turns that differ.

    Raises UsageError for a folder without a run, and for runs on different questions.
    """
    runs = [_run(a), _run(b)]
    if runs[0][0]["cases_sha256"] != runs[1][0]["cases_sha256"]:
        raise UsageError(
            f"{a} and {b} are runs on different questions. Run both on the same cases."
        )
    first, second = ({(r.case_id, r.turn): r for r in records} for _, records in runs)
    pairs = [(first[key], second[key]) for key in first if key in second]
    found = [comparison for metric in METRICS if (comparison := _compared(metric, pairs))]
    return {
        "a": str(a),
        "b": str(b),
        "turns": len(pairs),
        "metrics": [asdict(comparison) for comparison in holm_corrected(found)],
        "differing": [
            _difference(first, second) for first, second in pairs if _difference(first, second)
        ],
    }


def randomisation_test(differences: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of paired differences under random swaps.

    (1 + swaps whose sum is at least as far from 0) / (1 + PERMUTATIONS): Fisher's randomisation
    test, by sampling (Smucker, Allan and Carterette 2007). One difference for each cluster.
    """
    observed = abs(differences.sum())
    signs = np.random.default_rng(_SEED).choice((-1.0, 1.0), (PERMUTATIONS, len(differences)))
    as_far = np.abs(signs @ differences) >= observed - 1e-12
    return float((1 + as_far.sum()) / (1 + PERMUTATIONS))


def holm_corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with Holm's step-down correction (Holm 1979), in their order."""
    by_p = sorted(range(len(found)), key=lambda n: found[n].p)
    corrected: dict[int, float] = {}
    highest = 0.0
    for rank, n in enumerate(by_p):
        highest = max(highest, min(1.0, (len(found) - rank) * found[n].p))
        corrected[n] = highest
    return [
        Comparison(
            comparison.metric,
            comparison.a,
            comparison.b,
            comparison.n,
            round(comparison.p, 4),
            round(corrected[n], 4),
        )
        for n, comparison in enumerate(found)
    ]


def _run(folder: Path) -> tuple[dict[str, Any], list[Record]]:
    try:
        made_on = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{folder} holds no run. Make one: python -m eval run --cases FILE --out {folder}"
        ) from error
    return made_on, read_records(folder / RECORDS_FILE)


def _compared(metric: Metric, pairs: Sequence[tuple[Record, Record]]) -> Comparison | None:
    if metric.of_turn is None:
        return None
    rows = [
        (cluster(first), x, y)
        for first, second in pairs
        for x, y in [(metric.of_turn(first), metric.of_turn(second))]
        if x is not None and y is not None
    ]
    if not rows:
        return None
    sums: dict[str, float] = {}
    for name, x, y in rows:
        sums[name] = sums.get(name, 0.0) + y - x
    a, b = (sum(x for _, x, _ in rows) / len(rows), sum(y for _, _, y in rows) / len(rows))
    p = randomisation_test(np.array(list(sums.values())))
    return Comparison(metric.name, round(a, 4), round(b, 4), len(rows), p)


def _difference(first: Record, second: Record) -> dict[str, Any] | None:
    """Return a turn that one run got right and the other wrong, with both answers."""
    scores = [_right(first), _right(second)]
    if scores[0] == scores[1]:
        return None
    return {
        "case": first.case_id,
        "turn": first.turn,
        "question": first.expected.question,
        "better": "b" if scores[1] else "a",
        "a": first.text or first.answer["notice"],
        "b": second.text or second.answer["notice"],
    }


def _right(record: Record) -> bool:
    return all_facts(record) == 1 if record.answerable else record.refused
