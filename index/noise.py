"""The noise of an index: how near its sentences come to questions that it cannot answer.

Cosines of one embedder lie higher the more sentences there are to come near, and higher or lower
with their subject. What counts is how far the nearest sentence stands out from what any question
would find, so that this is measured once for each generation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from index.dense import Vectors


@dataclass(frozen=True)
class Noise:
    """Mean cosine of the sentence nearest to a foreign question, by the question's language.

    Among sentences in the question's own language, and among those in other languages. A
    language is left out where the index has no such sentence.
    """

    same_language: dict[str, float]
    other_language: dict[str, float]

    def of(self, language: str, *, same: bool) -> float:
        """Return the noise for questions in a language; the mean where that is not known."""
        table = self.same_language if same else self.other_language
        return table.get(language, _mean(list(table.values())))


def measure_noise(
    embed_query: Callable[[str], Vectors], sentences: Vectors, languages: Sequence[str]
) -> Noise:
    """Measure the noise of sentence vectors, shape (n, dimension), in these n languages."""
    tags = np.array(languages)
    same: dict[str, float] = {}
    other: dict[str, float] = {}
    for language, questions in foreign_questions().items():
        cosines = np.array([sentences @ embed_query(question) for question in questions])
        for table, rows in ((same, tags == language), (other, tags != language)):
            if rows.any():
                table[language] = _mean(cosines[:, rows].max(axis=1).tolist())
    return Noise(same, other)


@lru_cache(maxsize=1)
def foreign_questions() -> dict[str, list[str]]:
    """Return the questions that the noise is measured with, by language."""
    text = files("index").joinpath("foreign_questions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0
