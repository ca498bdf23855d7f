"""Is a word of the question borne out by meaning, where no evidence holds the word itself?

The question is embedded again without the word. Where a sentence says the same in other words, it
is then less near than before; where none says anything of the kind, the sentences come nearer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from assistant.retrieval import Query
from assistant.rules.evidence import Reading
from assistant.rules.selection import Candidate
from index.analysis import terms
from index.dense import Vectors
from index.generations import Generation

_WORD = re.compile(r"[\u3400-\u9fff]{2}|[^\W_\u3400-\u9fff]+")


def probe(
    query: Query,
    reading: Reading,
    ranked: Sequence[Candidate],
    generation: Generation,
    embed: Callable[[str], Vectors],
) -> dict[str, float]:
    """Return how the greatest cosine changes without the word that is borne out least.

    ``probe_nearest`` is the change, ``probe_nearer`` what of it is positive; both are 0 where the
    evidence holds every word. It costs an encoding of the question, 15 to 25 ms.
    """
    place = _least_borne_out(query, reading, ranked)
    if place is None:
        return {"probe_nearest": 0.0, "probe_nearer": 0.0}
    start, end = place
    vectors = generation.sentence_vectors(np.array([one.row for one in ranked], np.int64))
    after = vectors @ embed(f"{query.text[:start]}{query.text[end:]}".strip())
    change = float(after.max()) - max(one.cosine for one in ranked)
    return {"probe_nearest": change, "probe_nearer": max(change, 0.0)}


def _least_borne_out(
    query: Query, reading: Reading, ranked: Sequence[Candidate]
) -> tuple[int, int] | None:
    """Return where the word stands that the best evidence lacks and no passage comes near to.

    Near by its tokens; of words that are equally far, and where there are no tokens, the rarest.
    """
    near, weights = reading.evidence[0].near, reading.weights
    held = {one.hit.row: one.borne_out.nearest_around for one in ranked if one.borne_out}
    tokens = np.array([one for one in held.values() if one is not None])
    found = []
    for match in _WORD.finditer(query.text):
        own = weights.keys() & set(terms(match.group(), reading.language))
        if own and not own <= near:
            rarity = max(weights[term] for term in own)
            found.append((_nearness(match.span(), query, tokens), -rarity, match.span()))
    return min(found)[2] if found else None


def _nearness(place: tuple[int, int], query: Query, nearest: Vectors) -> float:
    """Return the most that any passage bears out of a word: the mean over the word's tokens.

    ``nearest`` has for each passage the cosines of the question's tokens; 0 without any.
    """
    if query.tokens is None or not len(nearest):
        return 0.0
    ends = len(query.text) - query.tokens.from_end
    inside = (ends > place[0]) & (ends <= place[1])
    return float(nearest[:, inside].mean(axis=1).max()) if inside.any() else 0.0
