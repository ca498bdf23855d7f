"""Confidence intervals by bootstrap over clusters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
RESAMPLES = 1000
_SEED = 20250711


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; ``n`` is the number of turns behind it."""

    value: float
    low: float
    high: float
    n: int


def interval_of_mean(clusters: Sequence[str], values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % percentile interval of a mean, resampling whole clusters.

    Turns about one document stand or fall together, so that documents are drawn, not turns
    (Cameron, Gelbach and Miller 2008). ``clusters`` names the cluster of each value. The draws
    are always the same. With a single cluster the values themselves are drawn.
    """
    rows = _clusters(clusters)
    sums = np.array([values[row].sum() for row in rows])
    sizes = np.array([len(row) for row in rows])
    drawn = _draws(len(rows))
    return _percentiles(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))


def interval_of(
    clusters: Sequence[str], statistic: Callable[[NDArray[np.int64]], float | None]
) -> tuple[float, float]:
    """Return the 95 % percentile interval of any statistic, as ``interval_of_mean`` does.

    ``statistic`` takes the rows that were drawn; draws for which it is None are left out.
    """
    rows = _clusters(clusters)
    values = [statistic(np.concatenate([rows[k] for k in draw])) for draw in _draws(len(rows))]
    return _percentiles(np.array([value for value in values if value is not None]))


def _clusters(names: Sequence[str]) -> list[NDArray[np.int64]]:
    unique, members = np.unique(np.array(names), return_inverse=True)
    if len(unique) == 1:
        return [np.array([row]) for row in range(len(names))]
    return [np.flatnonzero(members == k) for k in range(len(unique))]


def _draws(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, count, (RESAMPLES, count))


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
