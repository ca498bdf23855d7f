"""BM25 as FTS5 counts it, over several databases as over one that holds them all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

# The constants of FTS5's bm25(), and the least weight that it gives to a term.
_K1, _B = 1.2, 0.75
_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True)
class Statistics:
    """What BM25 must know of a collection of ``passages`` with ``tokens`` terms in all.

    ``counts`` has in how many of the passages each term of the question stands.
    """

    passages: int
    tokens: int
    counts: Mapping[str, int]

    @cached_property
    def weights(self) -> dict[str, float]:
        """The inverse document frequency of each term of the question."""
        return {
            term: max(math.log((self.passages - n + 0.5) / (n + 0.5)), _LEAST_WEIGHT)
            for term, n in self.counts.items()
        }

    @cached_property
    def mean_length(self) -> float:
        """How many terms a passage has on average."""
        return self.tokens / max(self.passages, 1)


def score(terms: Sequence[str], statistics: Statistics) -> float:
    """Return the BM25 score of a passage with these terms: positive, FTS5's with its sign turned.

    ``terms`` are those of the title and the passage, repeated as often as they stand there.
    """
    found = Counter(terms)
    relative = len(terms) / (statistics.mean_length or 1.0)
    norm = _K1 * (1 - _B + _B * relative)
    return sum(
        weight * found[term] * (_K1 + 1) / (found[term] + norm)
        for term, weight in statistics.weights.items()
        if found[term]
    )
