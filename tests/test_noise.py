"""The noise of an index: the mean cosine of what lies nearest to foreign questions."""

from __future__ import annotations

import numpy as np
import pytest

from index.dense import Vectors
from index.language import UN_LANGUAGES
from index.noise import foreign_questions, measure_noise, question_vectors


def _along(axis: int) -> Vectors:
    return np.array(np.eye(3)[axis], dtype=np.float32)


def test_it_is_the_mean_of_the_nearest_cosines_by_language() -> None:
    # The first Russian question points along the third axis, the other Russian ones along the
    # second, and all others along the first.
    first, *russian = foreign_questions()["ru"]
    others = len(russian)
    axes = {first: 2} | dict.fromkeys(russian, 1)
    sentences = np.array(
        [[0.6, 0, 0.8], [0.28, 0.96, 0], [0, 0.8, 0.6]], dtype=np.float32
    )  # English, English, Russian
    noise = measure_noise(
        question_vectors(lambda q: _along(axes.get(q, 0))),
        [sentences[:1], sentences[1:]],
        ["en", "en", "ru"],
    )
    assert noise.of("en", same=True) == pytest.approx(0.6)
    assert noise.of("ru", same=True) == pytest.approx((0.6 + others * 0.8) / (1 + others))
    assert noise.of("en", same=False) == pytest.approx(0)
    assert noise.of("ru", same=False) == pytest.approx((0.8 + others * 0.96) / (1 + others))
    assert noise.of("fr", same=False) == pytest.approx(0.6)
    # No sentence is French: the mean of what is known stands for it.
    assert "fr" not in noise.same_language
    known = (noise.of("en", same=True) + noise.of("ru", same=True)) / 2
    assert noise.of("fr", same=True) == pytest.approx(known)


def test_an_empty_index_has_none() -> None:
    noise = measure_noise(question_vectors(lambda _: _along(0)), [], [])
    assert noise.of("en", same=True) == noise.of("en", same=False) == 0.0


def test_foreign_questions_stand_in_all_six_languages() -> None:
    questions = foreign_questions()
    assert set(questions) == set(UN_LANGUAGES)
    assert len({len(one) for one in questions.values()}) == 1
