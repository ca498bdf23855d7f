"""Whether the documents answer a question, as a probability and a threshold.

A logistic regression over what the question demands and what the nearest sentences state
(``assistant.rules.decision_features``, ``assistant.rules.probing``). Its coefficients stand in
``decision.toml``, with what they were fitted on; ``python -m eval fit-decision`` fits them.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from assistant.reading import Lacking
from assistant.retrieval import Query
from assistant.rules.correction import correcting_sentence, first_lacking
from assistant.rules.decision_features import features
from assistant.rules.evidence import Reading, read_evidence
from assistant.rules.probing import probe
from assistant.rules.selection import Candidate
from assistant.rules.subject import MOST, Subject, gate
from index.analysis import terms
from index.dense import Vectors
from index.generations import Generation

# The table for an embedder that nobody has calibrated: it goes by the question's words alone.
_BY_WORDS_ALONE = "words"
# What the terms of the turns before the last count beside its own. At 1 a place was refused that
# was asked for after two turns on a sibling, at .25 the capital of France was given after two.
_BEFORE = 0.5


@dataclass(frozen=True)
class Calibration:
    """Coefficients fitted for one embedder, as cosines differ between embedders.

    ``threshold`` is the probability from which a question is answered; ``subject`` tells whether
    it is on the documents' subject, and is None where only words can be gone by.
    """

    weights: Mapping[str, float]
    intercept: float
    threshold: float
    subject: Subject | None

    def probability(self, found: Mapping[str, float]) -> float:
        """Return the probability, 0..1, that the documents answer the question."""
        on_subject = self.on_subject(found)
        known = {**found, "subject": on_subject}
        logit = self.intercept + sum(w * known[name] for name, w in self.weights.items())
        return (gate(on_subject) if self.subject else 1.0) * _logistic(logit)

    def on_subject(self, found: Mapping[str, float]) -> float:
        """Return the logit of being on the subject; the most where that cannot be told."""
        return self.subject.logit(found) if self.subject else MOST


@dataclass(frozen=True)
class Decision:
    """``confidence`` is the probability, 0..1, that the text answers the question.

    Where it is not answered, ``lacking`` says which demand is not met, when that is known, and
    ``correction`` is the sentence that a false presupposition runs against.
    """

    answerable: bool
    confidence: float
    lacking: Lacking | None = None
    correction: Candidate | None = None
    features: Mapping[str, float] = field(default_factory=dict)


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def is_calibrated(embedder: str) -> bool:
    """Tell whether cosines of this embedder can be judged."""
    return embedder in _tables()


def decide(
    query: Query,
    ranked: Sequence[Candidate],
    chosen: Sequence[Candidate],
    weights: Mapping[str, float],
    generation: Generation,
    embed: Callable[[str], Vectors],
) -> Decision:
    """Decide whether to answer with the chosen sentences; ``embed`` embeds a question.

    A question of function words alone ("Who?") asks for nothing that could be answered.
    """
    if not ranked or not chosen or not weights:
        return Decision(False, 0.0)
    reading, found = decision_features(query, ranked, chosen, weights, generation, embed)
    calibration = _calibration(generation)
    confidence = calibration.probability(found)
    if confidence >= calibration.threshold:
        return Decision(True, round(confidence, 4), features=found)
    lacking = first_lacking(reading, ranked, generation.records.passage_counts(weights))
    correction = correcting_sentence(reading, ranked, calibration.on_subject(found))
    return Decision(False, round(confidence, 4), lacking, correction, found)


def decision_features(
    query: Query,
    ranked: Sequence[Candidate],
    chosen: Sequence[Candidate],
    weights: Mapping[str, float],
    generation: Generation,
    embed: Callable[[str], Vectors],
) -> tuple[Reading, dict[str, float]]:
    """Return what the evidence is, and the features that the decision weighs, by name."""
    weights = _of_the_last_turn(query, weights)
    reading = read_evidence(query.asked, query.language, ranked, chosen, weights)
    counts = generation.records.passage_counts(weights)
    later_turn = query.asked != query.text
    found = features(reading, ranked, counts, generation.noise, later_turn=later_turn)
    return reading, found | probe(query, reading, ranked, generation, embed)


def _of_the_last_turn(query: Query, weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights of terms with those halved that only the turns before the last hold."""
    own = frozenset(terms(query.asked, query.language))
    return {term: w if term in own else w * _BEFORE for term, w in weights.items()}


def _calibration(generation: Generation) -> Calibration:
    """Return the table for the embedder; without tokens only words can be gone by."""
    by_words = _tables()[_BY_WORDS_ALONE]
    if generation.tokens is None:
        return by_words
    return _tables().get(generation.manifest.embedder.source, by_words)


@lru_cache(maxsize=1)
def _tables() -> dict[str, Calibration]:
    text = files("assistant.rules").joinpath("decision.toml").read_text(encoding="utf-8")
    return {
        name: Calibration(
            table["weights"],
            table["intercept"],
            table["threshold"],
            Subject(**table["subject"]) if "subject" in table else None,
        )
        for name, table in tomllib.loads(text).items()
    }
