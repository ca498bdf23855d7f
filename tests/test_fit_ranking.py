"""The fit of the ranking recovers what makes a sentence right."""

from __future__ import annotations

import numpy as np

from assistant.ranking import FITTED
from eval.fit_ranking import Choice, fit


def _choices() -> list[Choice]:
    """The right one of five is mostly that with the highest cosine; other features are noise."""
    rng = np.random.default_rng(1)
    choices = []
    for n in range(200):
        features = rng.normal(size=(5, len(FITTED)))
        scores = 3 * features[:, FITTED.index("cosine")] + rng.gumbel(size=5)
        choices.append(Choice(str(n), "en", features, np.arange(5) == scores.argmax()))
    return choices


def test_the_feature_that_decides_has_the_weight() -> None:
    weights = dict(zip(FITTED, fit(_choices(), {}), strict=True))
    assert 1.5 < weights.pop("cosine") < 4
    assert max(map(abs, weights.values())) < 0.5


def test_what_is_held_keeps_its_value() -> None:
    weights = dict(zip(FITTED, fit(_choices(), {"own": 2.5}), strict=True))
    assert weights["own"] == 2.5
