"""Late interaction: each token of a question held against the tokens of what was found.

The mean over the question's tokens of the cosine of the nearest token (MaxSim: Khattab and Zaharia,
ColBERT, 2020) says how much of a question a text bears out, in whatever language it is written.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from index.tokens import TokenStore

# Which part of a question's tokens, those least borne out, the weakest are.
_WEAKEST = 3

Nearest = NDArray[np.float32]  # for each token of a question the cosine of the nearest one


def nearest_in_passages(
    question: Nearest, rows: Iterable[int], store: TokenStore
) -> dict[int, Nearest]:
    """Return for each passage how near its tokens come to each of the question's.

    ``question`` has unit vectors, shape (n, dimension). Headings count as part of a passage.
    """
    found = {}
    for row in rows:
        vectors = store.of(row).vectors
        cosines = question @ vectors.T
        found[row] = cosines.max(axis=1) if len(vectors) else np.zeros(len(question), np.float32)
    return found


def borne_out(nearest: Nearest) -> float:
    """Return the mean over the question's tokens."""
    return float(nearest.mean()) if len(nearest) else 0.0


def weakest(nearest: Nearest) -> float:
    """Return the mean over the third of the question's tokens that is borne out least."""
    return borne_out(np.sort(nearest)[: max(1, len(nearest) // _WEAKEST)])
