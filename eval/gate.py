"""The benchmark gate: has a run lost more than its baseline's intervals allow?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.errors import UsageError
from eval.metrics import METRICS
from eval.run import SUMMARY_FILE

HEADLINES = tuple(metric.name for metric in METRICS if metric.headline)


def read_summary(run: Path) -> dict[str, Any]:
    """Return the summary of a finished run. Raises UsageError where there is none."""
    try:
        summary: dict[str, Any] = json.loads((run / SUMMARY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{run} holds no finished run. Make one: python -m eval run --cases FILE --out {run}"
        ) from error
    return summary


def write_baseline(run: Path, baseline: Path) -> None:
    """Make a run the baseline that later runs are compared with."""
    summary = read_summary(run)
    kept = {name: summary["all"][name] for name in HEADLINES if name in summary["all"]}
    value = {"cases_sha256": summary["cases_sha256"], "turns": summary["turns"], "all": kept}
    baseline.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def dropped(run: Path, baseline: Path) -> list[str]:
    """Return what is lost, one line each: headline figures below their baseline's interval.

    Raises UsageError where the run is on other questions than the baseline.
    """
    summary = read_summary(run)
    try:
        held = json.loads(baseline.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"The baseline {baseline} cannot be read ({error}).") from error
    if held["cases_sha256"] != summary["cases_sha256"]:
        raise UsageError(
            f"{baseline} was made on other questions. Look at the run, and if it is right make it "
            f"the baseline: python -m eval gate {run} --baseline {baseline} --accept"
        )
    lost = []
    for name, figure in held["all"].items():
        value = summary["all"][name]["value"]
        if value < figure["low"]:
            lost.append(
                f"{name}: {value:.3f}, under {figure['low']:.3f} (was {figure['value']:.3f})"
            )
    return lost
