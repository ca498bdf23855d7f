"""The calibration: fitted on what was read, written, read back, and drawn on to other documents."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant import open_engine
from assistant.calibration import Calibration, load_calibration, probability
from corpus.errors import UsageError
from corpus.settings import Settings
from eval import calibrate as module
from eval.calibrate import Asked, ReadSentence, calibrate, written
from eval.check import check_cases
from eval.training.card_corpus import write_corpus
from eval.training.cards import read_cards, repository_cards
from ingest.sync import sync
from tests.conftest import no_progress


def _asked(answerable: bool, chance: random.Random, group: str) -> Asked:
    """Return a turn whose right sentence has a high logit, and which is refused by a low one."""
    best = chance.gauss(2.0 if answerable else -2.0, 1.5)
    sentences = [
        ReadSentence(
            {"answers": logit, "passage": best, "span": logit, "contradicts": -5.0, "rank": rank},
            -5.0, right, right,
        )
        for logit, rank, right in ((best, 0.0, answerable), (best - 4, 1.0, False),
                                   (best - 5, 4.0, False))
    ]  # fmt: skip
    return Asked("made", group, answerable, {"tokens_weakest": 0.5}, sentences)


def test_what_is_fitted_tells_answerable_questions_from_others() -> None:
    chance = random.Random(1)
    asked = [_asked(n % 2 == 0, chance, f"document {n % 7}") for n in range(200)]
    fitted, figures = module._fitted(asked, 0.06, 0.97)
    row = figures["made"]
    assert row["AUROC"] > 0.9
    assert row["falsely refused"] <= 0.07
    assert row["refused"] > 0.5
    assert fitted.sentence.weights["answers"] > 0
    right, wrong = (
        fitted.sentence.logit({"answers": value, "span": value, "passage": value})
        for value in (3.0, -6.0)
    )
    assert probability(right) > 0.5 > probability(wrong)
    assert fitted.sure < 1, "the first passages are enough where they hold the answer"


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    before = load_calibration()
    figures = {"x": {"answerable": 1, "falsely refused": 0.0, "unanswerable": 0, "refused": None,
                     "AUROC": None}}  # fmt: skip
    (tmp_path / "own.toml").write_text(written(before, figures, 0.06), "utf-8")
    assert load_calibration(tmp_path / "own.toml") == before


def test_staff_draw_the_calibration_on_to_their_own_documents(
    real_settings: Settings, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.jsonl"
    known = [("How many gardens does Meadow count?", "210", "in 210 gardens"),
             ("Where was Meadow founded?", "Ghent", "founded in Ghent"),
             ("What is the budget for 2025?", "4.2", "The budget for 2025"),
             ("How many summits are measured?", "64", "on 64 summits")]  # fmt: skip
    rows = [{"id": q, "question": q, "answer_facts": [f], "evidence": e} for q, f, e in known]
    rows += [{"id": q, "question": q} for q in ("Who wrote Hamlet?", "Who pays the gardens?",
             "How tall is the tower?")]  # fmt: skip
    cases.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    fitted, figures = calibrate(
        [[real_settings.index, cases]], 0.06, 0.97, real_settings, tmp_path, no_progress
    )
    assert figures[real_settings.index.name]["answerable"] == len(known)
    before = load_calibration()
    assert fitted.sentence == before.sentence
    ratio = {
        round(fitted.question.weights[name] / weight, 2)
        for name, weight in before.question.weights.items()
        if abs(weight) > 0.1
    }
    assert len(ratio) == 1, "one slope for all"
    (tmp_path / "own.toml").write_text(written(fitted, figures, 0.06), "utf-8")
    own = open_engine(replace(real_settings, calibration=tmp_path / "own.toml"))
    assert own.calibration.threshold == fitted.threshold


def test_fewer_sentences_are_quoted_the_less_must_be_kept() -> None:
    chance = random.Random(3)
    asked = [_with_second(chance, f"document {n % 5}") for n in range(300)]
    others = [_asked(False, chance, f"document {n % 5}") for n in range(100)]
    fitted = [module._fitted([*asked, *others], 0.06, kept)[0] for kept in (0.5, 0.9, 0.999)]
    quoted = []
    for calibration in fitted:
        count = kept = 0
        for found in asked:
            logits = [calibration.sentence.logit(read.features) for read in found.sentences]
            best = max(logits)
            chosen = [
                read
                for read, logit in zip(found.sentences, logits, strict=True)
                if logit == best or best - logit <= calibration.margin
            ]
            count += len(chosen)
            kept += any(read.is_of_use for read in chosen)
        quoted.append((count, kept))
    assert [kept / 300 >= share for (_, kept), share in zip(quoted, (0.5, 0.9, 0.999), strict=True)]
    assert quoted[0][0] < quoted[1][0] < quoted[2][0]
    assert quoted[2][1] == 300


def _with_second(chance: random.Random, group: str) -> Asked:
    """Return an answerable turn in which the first or the second sentence is right."""
    first = chance.gauss(1.0, 1.0)
    second_right = chance.random() < 0.3
    second = first - (chance.uniform(0.1, 1.5) if second_right else chance.uniform(0.5, 4.0))
    sentences = [
        ReadSentence(
            {"answers": logit, "passage": 1.0, "span": 0.0, "contradicts": -5.0, "rank": 0.0},
            -5.0, right, right,
        )
        for logit, right in ((first, not second_right), (second, second_right))
    ]  # fmt: skip
    return Asked("made", group, True, {"tokens_weakest": 0.5}, sentences)


def test_what_was_read_can_be_fitted_again(real_settings: Settings, tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    rows = [{"id": "1", "question": "How many gardens does Meadow count?", "answer_facts": ["210"]},
            {"id": "2", "question": "Where was Meadow founded?", "answer_facts": ["Ghent"]},
            {"id": "3", "question": "Who wrote Hamlet?"},
            {"id": "4", "question": "How tall is the tower?"}]  # fmt: skip
    cases.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    arguments = ([[real_settings.index, cases]], 0.06, 0.97, real_settings, tmp_path, no_progress)
    assert calibrate(*arguments) == calibrate(*arguments, again=True)
    with pytest.raises(UsageError, match="--again"):
        calibrate(*arguments[:4], tmp_path / "other", no_progress, again=True)
    cases.write_text(json.dumps(rows[0]), "utf-8")
    with pytest.raises(UsageError, match="unanswerable"):
        calibrate(*arguments)


def test_held_cards_are_a_corpus_whose_labels_are_sound(settings: Settings, tmp_path: Path) -> None:
    held = [card for card in read_cards(repository_cards()) if card.held]
    cards = random.Random(1).sample(held, 12)
    cases = write_corpus(cards, tmp_path)
    own = replace(settings, corpus=tmp_path / "documents")
    report = sync(own, progress=no_progress)
    assert report.counts["documents"] == len(cards)
    stale = [line for line in check_cases([cases], own) if "no longer stands" in line]
    total = sum(len(card.questions[::2]) for card in cards)
    # Empty cells of a table are not kept.
    assert len(stale) <= 0.1 * total, stale


def test_every_collection_counts_alike() -> None:
    asked = [Asked(name, "g", True, {}, []) for name in ("a", "a", "a", "b")]
    weights = module._weights(asked)
    assert weights[:3].sum() == pytest.approx(weights[3:].sum())
    assert np.isclose(weights.sum(), len(asked))


def test_the_products_own_calibration_is_complete() -> None:
    found = load_calibration()
    assert isinstance(found, Calibration)
    assert 0 < found.threshold < 1
    assert found.margin > 0
