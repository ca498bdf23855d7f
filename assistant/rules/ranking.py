"""The second stage over sentences: a linear model whose coefficients stand in ``ranking.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from assistant.rules.sentences import Featured

# Fitted by ``python -m eval fit-ranking``; the rest is what its texts do not have.
FITTED = (
    *("cosine", "passage_cosine", "passage", "own", "around", "letters", "letters_around"),
    *("tokens", "tokens_passage", "tokens_weakest"),
    *("head", "near", "number", "counted", "date", "name", "reason", "meaning", "purpose"),
    *("length", "short"),
)

_LANGUAGES = ("same_language", "other_language")


def relative_scores(featured: Sequence[Featured], language: str) -> list[float]:
    """Return how likely each sentence is the answer beside the best one, which has 1.

    exp(s - the best s), where s is the linear model of the question's language and the sentence's.
    Features are taken from their mean over all the sentences first: else a model of which the
    coefficients are greater would put its language first.
    """
    names = sorted({name for one in featured for name in one.features})
    values = np.array([[one.features.get(name, 0.0) for name in names] for one in featured])
    same = np.array([one.hit.document.language == language for one in featured])
    values -= values.mean(axis=0)
    weights = {
        name: np.array([table.get(one, 0.0) for one in names])
        for name, table in coefficients().items()
    }
    linear = np.where(same, values @ weights["same_language"], values @ weights["other_language"])
    scores: list[float] = np.exp(linear - linear.max()).tolist()
    return scores


@lru_cache(maxsize=1)
def coefficients() -> dict[str, dict[str, float]]:
    """Return the coefficients by feature, for sentences in the question's language and others."""
    tables = ranking_tables()
    found = {name: tables[name] | tables["everywhere"] for name in _LANGUAGES}
    found["same_language"] |= tables["in_documents"]
    return found


@lru_cache(maxsize=1)
def ranking_tables() -> dict[str, dict[str, float]]:
    """Return the tables of ``ranking.toml``: what each was fitted on stands there."""
    text = files("assistant.rules").joinpath("ranking.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    return found
