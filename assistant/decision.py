"""Whether the documents answer a question, as a probability and a threshold.

A logistic regression over what the question demands and what the nearest sentences state
(``assistant.decision_features``, ``assistant.probing``). Its coefficients stand in
``decision.toml``, with what they were fitted on; ``python -m eval fit-decision`` fits them.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from assistant.composer import Candidate, Quoted
from assistant.correction import Lacking, correcting_sentence, first_lacking
from assistant.decision_features import features
from assistant.evidence import Reading, read_evidence
from assistant.probing import probe, probe_features
from assistant.retriever import Query
from index.dense import Vectors
from index.generations import Generation

# The table for an embedder that nobody has calibrated: it goes by the question's words alone.
_BY_WORDS_ALONE = "words"


# A question off the subject is refused whatever its details: slope and middle of a logistic gate
# over the logit of being on the subject. Without it 76 % of foreign questions are refused, with it
# 91 %; a lower middle (-1.2) gives 86 % and saves no answerable question of the development set.
SUBJECT_GATE = (4.0, -0.4)


@dataclass(frozen=True)
class Calibration:
    """Coefficients fitted for one embedder, as cosines differ between embedders.

    ``threshold`` is the probability from which a question is answered; ``gated`` says whether it
    must be on the documents' subject, which only cosines tell.
    """

    weights: Mapping[str, float]
    intercept: float
    threshold: float
    gated: bool

    def probability(self, found: Mapping[str, float]) -> float:
        """Return the probability, 0..1, that the documents answer the question."""
        logit = self.intercept + sum(w * found[name] for name, w in self.weights.items())
        gate = subject_gate(found["subject"]) if self.gated else 1.0
        return gate * _logistic(logit)


@dataclass(frozen=True)
class Decision:
    """``confidence`` is the probability, 0..1, that the text answers the question.

    Where it is not answered, ``lacking`` says which demand is not met, when that is known, and
    ``correction`` is the sentence that a false presupposition runs against.
    """

    answerable: bool
    confidence: float
    lacking: Lacking | None = None
    correction: Quoted | None = None


def subject_gate(subject: float) -> float:
    """Return by how much, 0..1, a question of this logit is on the documents' subject."""
    slope, middle = SUBJECT_GATE
    return _logistic(slope * (subject - middle))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def is_calibrated(embedder: str) -> bool:
    """Tell whether cosines of this embedder can be judged."""
    return embedder in _tables()


def decide(
    query: Query,
    ranked: Sequence[Candidate],
    quoted: Sequence[Quoted],
    weights: Mapping[str, float],
    generation: Generation,
    embed: Callable[[str], Vectors],
) -> Decision:
    """Decide whether to answer with these sentences; ``embed`` embeds a question.

    A question of function words alone ("Who?") asks for nothing that could be answered.
    """
    if not ranked or not quoted or not weights:
        return Decision(False, 0.0)
    reading, found = decision_features(query, ranked, quoted, weights, generation, embed)
    calibration = _calibration(generation.manifest.embedder.source)
    confidence = calibration.probability(found)
    if confidence >= calibration.threshold:
        return Decision(True, round(confidence, 4))
    lacking = first_lacking(reading, generation.records.passage_counts(weights))
    correction = correcting_sentence(reading, ranked, found["subject"])
    return Decision(False, round(confidence, 4), lacking, correction)


def decision_features(
    query: Query,
    ranked: Sequence[Candidate],
    quoted: Sequence[Quoted],
    weights: Mapping[str, float],
    generation: Generation,
    embed: Callable[[str], Vectors],
) -> tuple[Reading, dict[str, float]]:
    """Return what the evidence is, and the features that the decision weighs, by name."""
    reading = read_evidence(query.text, query.language, ranked, quoted, weights)
    counts = generation.records.passage_counts(weights)
    found = features(reading, ranked, counts, generation.manifest)
    probes = probe(query.text, reading, ranked, generation, embed)
    return reading, found | probe_features(probes)


def _calibration(embedder: str) -> Calibration:
    return _tables().get(embedder) or _tables()[_BY_WORDS_ALONE]


@lru_cache(maxsize=1)
def _tables() -> dict[str, Calibration]:
    text = files("assistant").joinpath("decision.toml").read_text(encoding="utf-8")
    return {
        name: Calibration(table["weights"], table["intercept"], table["threshold"], table["gated"])
        for name, table in tomllib.loads(text).items()
    }
