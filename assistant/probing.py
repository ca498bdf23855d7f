"""Is a word of the question borne out by meaning, where no evidence holds the word itself?

The question is embedded again without the word. Where the sentence says the same in other words,
it is then less near than before; where it says nothing of the kind, it comes nearer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.composer import Candidate
from assistant.evidence import Reading
from index.analysis import terms
from index.dense import Vectors
from index.generations import Generation

# Each costs an encoding of the question, 15 to 25 ms. With two or three the AUROC on the report was
# .770 and .765, with one .757, without any .726; by threshold, one refuses as many as two.
WORDS = 1
_WORD = re.compile(r"[\u3400-\u9fff]{2}|[^\W_\u3400-\u9fff]+")


@dataclass(frozen=True)
class Probe:
    """How the cosines change without a word: of the best sentence, and of the nearest."""

    word: str
    best: float
    nearest: float


def probe(
    question: str,
    reading: Reading,
    ranked: Sequence[Candidate],
    generation: Generation,
    embed: Callable[[str], Vectors],
) -> list[Probe]:
    """Leave out the rarest words that the best evidence does not hold, each by itself."""
    places = _lost_words(question, reading)
    if not places:
        return []
    rows = [one.row for one in ranked]
    vectors = generation.sentence_vectors(np.array(rows, np.int64))
    before = np.array([one.cosine for one in ranked], np.float32)
    best = rows.index(reading.evidence[0].candidate.row)
    found = []
    for start, end in places:
        after = vectors @ embed(f"{question[:start]}{question[end:]}".strip())
        change = float(after[best] - before[best])
        nearest = float(after.max() - before.max())
        found.append(Probe(question[start:end], change, nearest))
    return found


def probe_features(probes: Sequence[Probe]) -> dict[str, float]:
    """Return the changes as features; all are 0 where every word is held."""
    first = probes[0] if probes else Probe("", 0.0, 0.0)
    return {"probe_best": first.best, "probe_nearest": first.nearest}


def _lost_words(question: str, reading: Reading) -> list[tuple[int, int]]:
    """Return where the words stand that the best evidence lacks, the rarest first."""
    near, weights = reading.evidence[0].near, reading.weights
    found = []
    for match in _WORD.finditer(question):
        own = set(terms(match.group(), reading.language))
        if own and not own <= near:
            found.append((-_rarity(own, weights), match.span()))
    return [place for _, place in sorted(found)[:WORDS]]


def _rarity(own: set[str], weights: Mapping[str, float]) -> float:
    return max(weights.get(term, 0.0) for term in own)
