"""Foreign questions: asked of no index, so that they tell how near any question comes to a text."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

import numpy as np

from index.dense import Vectors


def question_vectors(embed_query: Callable[[str], Vectors]) -> Vectors:
    """Return the vectors of the foreign questions, shape (questions, dimension)."""
    return np.array([embed_query(question) for _, question in _questions()])


def question_places(language: str) -> list[int]:
    """Return which of the vectors are those of the questions in a language."""
    return [place for place, (asked_in, _) in enumerate(_questions()) if asked_in == language]


def questions_digest() -> str:
    """Return a digest of the foreign questions, by which stored vectors are known to be theirs."""
    return hashlib.sha256(repr(_questions()).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def foreign_questions() -> dict[str, list[str]]:
    """Return the foreign questions by language."""
    text = files("index").joinpath("foreign_questions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _questions() -> list[tuple[str, str]]:
    return [
        (lang, question)
        for lang, questions in foreign_questions().items()
        for question in questions
    ]
