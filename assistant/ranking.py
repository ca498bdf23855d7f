"""The second stage over sentences: a linear model whose coefficients stand in ``ranking.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from assistant.sentences import Featured

# Fitted by ``python -m eval fit-ranking``; the rest is what its texts do not have.
FITTED = (
    *("cosine", "passage_cosine", "passage", "own", "around", "letters", "letters_around"),
    *("tokens", "tokens_passage", "tokens_weakest"),
    *("head", "near", "number", "date", "name", "reason", "meaning", "purpose", "length", "short"),
)


def relative_scores(featured: Sequence[Featured], language: str) -> list[float]:
    """Return how likely each sentence is the answer beside the best one, which has 1.

    exp(s - the best s), where s is the linear model of the question's language and the sentence's.
    """
    linear = np.array(
        [linear_score(one.features, same=one.hit.document.language == language) for one in featured]
    )
    scores: list[float] = np.exp(linear - linear.max()).tolist()
    return scores


def linear_score(features: Mapping[str, float], *, same: bool) -> float:
    """Return the linear score of one sentence; ``same``: in the question's language."""
    weights = coefficients()["same_language" if same else "other_language"]
    return sum(weights.get(name, 0.0) * value for name, value in sorted(features.items()))


@lru_cache(maxsize=1)
def coefficients() -> dict[str, dict[str, float]]:
    """Return the coefficients by feature, for sentences in the question's language and others."""
    text = files("assistant").joinpath("ranking.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    fitted = ("same_language", "other_language")
    return {name: found[name] | found["everywhere"] for name in fitted}
