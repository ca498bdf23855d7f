"""Is a question on the documents' subject at all? By meaning, whatever its words.

A logistic regression over how near the nearest sentence comes above the noise of the index, how
much of the question the best sentences and passages bear out token by token, beside how many tokens
there are, and whether the question shares an abbreviation with the index. Its coefficients stand in
``decision.toml``, of questions in the language of the evidence and in another one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

FEATURES = (
    *("above_noise", "tokens", "tokens_weakest", "tokens_passage"),
    *("log_tokens", "acronym_known"),
)
INTERCEPT = "intercept"
# Beyond this logit a question is on the subject; more says no more about whether it is answered.
MOST, LEAST = 0.5, -4.0
# A question off the subject is refused whatever its details: slope and middle of a logistic gate
# over the logit. Of questions off the subject .99 are refused and of paraphrases .15, with a middle
# of -0.4 .99 and .20.
_SLOPE, _MIDDLE = 4.0, -1.5


@dataclass(frozen=True)
class Subject:
    """The coefficients by feature and ``intercept``, for evidence in the same language or not."""

    same_language: Mapping[str, float]
    other_language: Mapping[str, float]

    def logit(self, found: Mapping[str, float]) -> float:
        """Return the logit of being on the subject, from LEAST to MOST, of features by name."""
        weights = self.other_language if found["foreign"] else self.same_language
        raw = weights[INTERCEPT] + sum(weights[name] * found[name] for name in FEATURES)
        return max(LEAST, min(MOST, raw))


def gate(logit: float) -> float:
    """Return by how much, 0..1, a question of this logit is on the documents' subject."""
    return 1 / (1 + math.exp(-_SLOPE * (logit - _MIDDLE)))
