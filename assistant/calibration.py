"""From the reader's logits to probabilities: that a sentence answers, and that there is an answer.

Two logistic regressions whose coefficients stand in ``calibration.toml``, with what they were
fitted on and the risk that was accepted; ``python -m eval calibrate`` fits them.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from corpus.errors import UsageError

# What is known of a sentence, and of a question with all that was read for it, by name.
SENTENCE_FEATURES = ("answers", "passage", "span", "rank")
# A year, figure or designation that is missing, and evidence in another language, were tried too:
# they helped on the sample, to which all is fitted, and not on other documents.
QUESTION_FEATURES = ("best", "passage", "contradicts", "tokens_weakest")


@dataclass(frozen=True)
class Logistic:
    """A logistic regression: the coefficient of each feature by name, and the intercept."""

    weights: Mapping[str, float]
    intercept: float

    def logit(self, features: Mapping[str, float]) -> float:
        """Return the logit for features by name; one that is not there counts as 0."""
        return self.intercept + sum(w * features.get(name, 0.0) for name, w in self.weights.items())


@dataclass(frozen=True)
class Calibration:
    """What is read off the logits.

    A question is answered from the probability ``threshold`` on. A further sentence is quoted if
    its logit is at most ``margin`` below the best one's, and a sentence corrects a presupposition
    from the logit ``correction`` on. From the probability ``sure`` on, the first few passages are
    enough, and no more are read. ``reader`` is the fingerprint of the reader it was fitted for.
    """

    sentence: Logistic
    question: Logistic
    threshold: float
    margin: float
    correction: float
    sure: float
    reader: str


def probability(logit: float) -> float:
    """Return the probability, 0..1, of a logit."""
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def load_calibration(file: Path | None = None) -> Calibration:
    """Read a calibration; None stands for the one that comes with the product.

    Raises UsageError for a file that is none.
    """
    try:
        if file is None:
            text = files("assistant").joinpath("calibration.toml").read_text(encoding="utf-8")
        else:
            text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
        return Calibration(
            Logistic(values["sentence"]["weights"], values["sentence"]["intercept"]),
            Logistic(values["question"]["weights"], values["question"]["intercept"]),
            values["threshold"],
            values["margin"],
            values["correction"],
            values["sure"],
            values["reader"],
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{file} is no calibration ({error!r}). Make one: python -m eval calibrate --out FILE"
        ) from error
