"""Abstention: are those questions refused that the documents do not answer, and only those?

A refusal is the positive outcome. ``confidence`` ranks the turns for AUROC and risk-coverage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.facts import all_facts
from eval.records import Record


def answered(record: Record) -> float:
    """Return 1 where the turn has an answer, else 0."""
    return float(record.answer["status"] == "answered")


def precision(records: Sequence[Record]) -> float | None:
    """Return (refused and unanswerable) / (refused)."""
    refused = [record for record in records if record.refused]
    return sum(not record.answerable for record in refused) / len(refused) if refused else None


def recall(records: Sequence[Record]) -> float | None:
    """Return (refused and unanswerable) / (unanswerable)."""
    unanswerable = [record for record in records if not record.answerable]
    if not unanswerable:
        return None
    return sum(record.refused for record in unanswerable) / len(unanswerable)


def f1(records: Sequence[Record]) -> float | None:
    """Return the harmonic mean of precision and recall; 0 where nothing rightly is refused."""
    p, r = precision(records), recall(records)
    if r is None:
        return None
    return 2 * p * r / (p + r) if p and r else 0.0


def auroc(records: Sequence[Record]) -> float | None:
    """Return the probability that an answerable turn has the higher confidence, ties half.

    The Mann-Whitney U statistic over the number of pairs (Hanley and McNeil 1982).
    """
    yes = np.array([r.answer["confidence"] for r in records if r.answerable], np.float64)
    no = np.array([r.answer["confidence"] for r in records if not r.answerable], np.float64)
    if not len(yes) or not len(no):
        return None
    differences = yes[:, None] - no[None, :]
    return float(((differences > 0) + 0.5 * (differences == 0)).mean())


def risk_coverage(records: Sequence[Record]) -> list[tuple[float, float]]:
    """Return (coverage, risk) for every threshold of confidence, coverage rising.

    Coverage is the share of turns with at least that confidence, risk the share of wrong ones
    among them: not all facts, or an answer where none is in the documents (El-Yaniv and Wiener
    2010). A silent answer to an answerable question is wrong as well.
    """
    if not records:
        return []
    confidence = np.array([record.answer["confidence"] for record in records], np.float64)
    wrong = np.array([is_wrong(record) for record in records], np.float64)
    points = []
    for threshold in np.unique(confidence)[::-1]:
        kept = confidence >= threshold
        points.append((float(kept.mean()), float(wrong[kept].mean())))
    return points


def area_under_risk_coverage(records: Sequence[Record]) -> float | None:
    """Return the mean risk over all turns taken as thresholds; smaller is better.

    (1 / n) times the sum over turns of the risk at that turn's confidence, ties sharing one
    point (Geifman and El-Yaniv 2017).
    """
    points = risk_coverage(records)
    if not points:
        return None
    coverages = np.diff([0.0, *(coverage for coverage, _ in points)])
    return float(sum(step * risk for step, (_, risk) in zip(coverages, points, strict=True)))


def is_wrong(record: Record) -> bool:
    """Tell whether an answerable turn lacks a fact, or an unanswerable one has an answer."""
    if record.answerable:
        return all_facts(record) != 1
    return bool(record.answer["status"] == "answered")
