"""Late interaction: each token of a question held against the tokens of what was found.

The mean over the question's tokens of the cosine of the nearest token (MaxSim: Khattab and Zaharia,
ColBERT, 2020) says how much of a question a text bears out, in whatever language it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.answer import Hit
from index.records import SentenceRow
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


def nearest_in_sentences(
    question: Nearest,
    stored: Sequence[SentenceRow],
    hits: Mapping[int, Hit],
    store: TokenStore,
) -> dict[int, Nearest]:
    """Return for each sentence row how near its tokens come to each of the question's.

    Without those whose text is not in the passage as it was embedded, or was cut off there.
    """
    found: dict[int, Nearest] = {}
    passage, place = -1, 0
    cosines, ends = np.zeros((0, 0), np.float32), np.zeros(0, np.int64)
    for one in stored:
        text = hits[one.passage].passage.text
        if one.passage != passage:
            tokens = store.of(one.passage)
            passage, place = one.passage, 0
            cosines, ends = question @ tokens.vectors.T, len(text) - tokens.from_end
        start = text.find(one.sentence.text, place)
        if start < 0:
            continue
        place = start + len(one.sentence.text)
        inside = (ends > start) & (ends <= place)
        if inside.any():
            found[one.row] = cosines[:, inside].max(axis=1)
    return found


def borne_out(nearest: Nearest) -> float:
    """Return the mean over the question's tokens."""
    return float(nearest.mean()) if len(nearest) else 0.0


def weakest(nearest: Nearest) -> float:
    """Return the mean over the third of the question's tokens that is borne out least."""
    return borne_out(np.sort(nearest)[: max(1, len(nearest) // _WEAKEST)])
