"""The noise of an index: how near its sentences come to questions that it cannot answer.

Cosines of one embedder lie higher the more sentences there are to come near, and higher or lower
with their subject. What counts is how far the nearest sentence stands out from what any question
would find, so that this is measured once for each generation.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

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


def highest_noise(noises: Sequence[Noise]) -> Noise:
    """Return the noise of several collections together: for each language the highest of theirs.

    The sentence that is nearest among all is the nearest of one of them.
    """
    together = Noise({}, {})
    for noise in noises:
        for table, own in (
            (together.same_language, noise.same_language),
            (together.other_language, noise.other_language),
        ):
            table.update({tag: max(value, table.get(tag, value)) for tag, value in own.items()})
    return together


def measure_noise(questions: Vectors, blocks: Iterable[Vectors], languages: Sequence[str]) -> Noise:
    """Measure the noise of sentences from the vectors that ``question_vectors`` gave.

    ``blocks`` have the sentences' vectors, shape (n, dimension) each, and ``languages`` has the
    languages of all of them, in the same order.
    """
    asked_in = np.array([language for language, _ in _questions()])
    nearest = {same: np.full(len(asked_in), -np.inf) for same in (True, False)}
    tags, row = np.array(languages), 0
    for block in blocks:
        cosines = block @ questions.T
        spoken = tags[row : row + len(block)]
        row += len(block)
        for language in foreign_questions():
            asked, same = asked_in == language, spoken == language
            for kind, rows in ((True, same), (False, ~same)):
                if rows.any():
                    best = cosines[rows][:, asked].max(axis=0)
                    nearest[kind][asked] = np.maximum(nearest[kind][asked], best)
    return Noise(_by_language(nearest[True], asked_in), _by_language(nearest[False], asked_in))


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
    """Return the questions that the noise is measured with, by language."""
    text = files("index").joinpath("foreign_questions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _questions() -> list[tuple[str, str]]:
    return [(lang, question) for lang, some in foreign_questions().items() for question in some]


def _by_language(nearest: NDArray[np.float64], asked_in: NDArray[np.str_]) -> dict[str, float]:
    return {
        language: _mean(nearest[asked_in == language].tolist())
        for language in foreign_questions()
        if np.isfinite(nearest[asked_in == language]).all()
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0
