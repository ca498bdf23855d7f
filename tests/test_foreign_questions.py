"""The foreign questions: the same number in each of the six languages, and where theirs stand."""

from __future__ import annotations

import numpy as np

from index.foreign_questions import foreign_questions, question_places, question_vectors
from index.language import UN_LANGUAGES


def test_they_stand_in_all_six_languages() -> None:
    questions = foreign_questions()
    assert set(questions) == set(UN_LANGUAGES)
    assert len({len(in_language) for in_language in questions.values()}) == 1


def test_the_vectors_of_a_language_are_those_of_its_questions() -> None:
    vectors = question_vectors(lambda text: np.array([len(text)], np.float32))
    for language, questions in foreign_questions().items():
        lengths = vectors[question_places(language), 0].tolist()
        assert lengths == [len(question) for question in questions]
    assert question_places("xx") == []
