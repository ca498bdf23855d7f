"""Retrieval as far as the cases know it: is the evidence among the passages retrieved?"""

from __future__ import annotations

from eval.records import Record


def recall_at(k: int, record: Record) -> float | None:
    """Return (evidence held by one of the first k passages) / (evidence of the case)."""
    ranks = record.evidence_ranks
    if not ranks:
        return None
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)
