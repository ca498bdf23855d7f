"""Measures of a ranking: where among the paragraphs found do the right ones stand?

``ranking`` are the ids found, best first; ``relevant`` the right ones with their gains (> 0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def recall_at(k: int, ranking: Sequence[str], relevant: Mapping[str, float]) -> float:
    """Return (right ones among the first k) / (right ones)."""
    return sum(key in relevant for key in ranking[:k]) / len(relevant)


def reciprocal_rank(k: int, ranking: Sequence[str], relevant: Mapping[str, float]) -> float:
    """Return 1 / rank of the first right one among the first k, else 0; its mean is MRR@k."""
    ranks = (rank for rank, key in enumerate(ranking[:k], 1) if key in relevant)
    return 1 / next(ranks, math.inf)


def ndcg(k: int, ranking: Sequence[str], relevant: Mapping[str, float]) -> float:
    """Return DCG@k over that of the best ranking (Järvelin and Kekäläinen 2002).

    DCG@k = sum over ranks i from 1 to k of gain_i / log2(i + 1).
    """
    best = _dcg(sorted(relevant.values(), reverse=True)[:k])
    return _dcg([relevant.get(key, 0.0) for key in ranking[:k]]) / best


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
