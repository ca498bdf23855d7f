"""The tuning of the embedding model: what it learns from, and that it learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import BertConfig, BertModel

from corpus.settings import Settings
from eval import encoder_training, fit_encoder
from eval.encoder_training import Group, Paragraph, Question, embedded, fine_tuned
from eval.fit_encoder import training_groups, write_updates

FIRST = 4  # tokens of a question before its own, as of the prefix


def _file(folder: Path, name: str, context: str, rows: list[dict[str, Any]]) -> Path:
    article = {"title": "City_gardens", "paragraphs": [{"context": context, "qas": rows}]}
    path = folder / name
    path.write_text(json.dumps({"data": [article]}), encoding="utf-8")
    return path


def _row(key: str, question: str, context: str, answer: str | None) -> dict[str, Any]:
    answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
    return {"id": key, "question": question, "answers": answers, "is_impossible": answer is None}


def test_a_paragraph_in_two_languages_is_one_group(tmp_path: Path) -> None:
    english = "The network has 210 gardens. It was founded in Turin."
    spanish = "La red tiene 210 jardines. Fue fundada en Turín."
    files = [
        _file(
            tmp_path,
            "squad.en.json",
            english,
            [
                _row("1", "Where was it founded?", english, "Turin"),
                _row("2", "Who pays for it?", english, None),
                _row("3", "How many gardens?", english, "210"),
            ],
        ),
        _file(
            tmp_path,
            "squad.es.json",
            spanish,
            [_row("1", "¿Dónde fue fundada?", spanish, "Turín")],
        ),
    ]
    (group,) = training_groups(files, Settings())
    assert group.article == "City gardens"
    assert sorted(group.paragraphs) == ["en", "es"]
    assert [(question.language, question.right) for question in group.questions] == [
        ("en", {"en": 1, "es": 1}),
        ("en", {"en": 0}),
        ("es", {"en": 1, "es": 1}),
    ]
    paragraph = group.paragraphs["en"]
    assert len(paragraph.ids) == len(paragraph.sentence_of)
    assert sorted(set(paragraph.sentence_of)) == [-1, 0, 1]
    assert [len(sentences) for sentences in (paragraph.sentences, paragraph.titled)] == [2, 2]
    assert len(paragraph.titled[0]) > len(paragraph.sentences[0])
    question = group.questions[1]
    # "How", "many", "garden", "s" and "?", between "query: " and the end
    assert question.first == FIRST
    assert question.end == len(question.ids) - 1


def _model() -> BertModel:
    torch.manual_seed(1)
    sizes = BertConfig(
        vocab_size=60,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        pad_token_id=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(sizes)


def _groups() -> list[Group]:
    """Each answer's word is another than the question's: only training tells that they belong."""
    groups = []
    for n in range(8):
        asked, answers = [10 + n, 18 + n], [26 + n, 34 + n]
        sentences = [[0, 5, answer, 42 + n, 2] for answer in answers]
        inside = [-1, -1, *(s for s in (0, 1) for _ in range(2)), -1]
        paragraph = Paragraph(
            [0, 5, *(t for sentence in sentences for t in sentence[2:4]), 2],
            inside,
            sentences,
            sentences,
        )
        questions = [
            Question([0, 6, asked[s], 50, 2], 2, 4, "en", {"en": s, "xx": s}) for s in (0, 1)
        ]
        groups.append(Group(str(n), {"en": paragraph, "xx": paragraph}, questions))
    return groups


@pytest.mark.slow
def test_questions_come_nearer_to_their_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(encoder_training, "STEPS", 60)
    monkeypatch.setattr(encoder_training, "_RATE", 1e-2)
    plain = {name: weight.detach().clone() for name, weight in _model().named_parameters()}
    losses: list[float] = []
    updates = fine_tuned(_model(), _groups(), lambda _, loss: losses.append(loss))
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    assert len(updates) == 12  # six matrices in each of two layers
    for name, (left, right) in updates.items():
        assert (left @ right).shape == plain[name].shape
        assert np.abs(left @ right).max() > 0

    folder = tmp_path / "model"
    _model().save_pretrained(folder)
    before = encoder_training.plain_model(folder)
    after = encoder_training.plain_model(folder, updates)
    assert _right(after) > _right(before) + 0.3
    assert _right(after) > 0.7  # by chance: 1 of 16


def _right(bert: BertModel) -> float:
    """Return for how many questions the nearest of all sentences is right."""
    groups = _groups()
    vectors = embedded(
        bert, [sentence for group in groups for sentence in group.paragraphs["en"].sentences]
    )
    asked = embedded(bert, [question.ids for group in groups for question in group.questions])
    nearest = (asked @ vectors.T).argmax(axis=1)
    return float(np.mean(nearest == np.arange(len(nearest))))


def test_a_share_of_the_updates_is_written(tmp_path: Path) -> None:
    left, right = np.ones((4, 2), np.float32), np.full((2, 3), 0.5, np.float32)
    write_updates({"encoder.x.weight": (left, right)}, tmp_path / "tuning.safetensors")
    found = load_file(tmp_path / "tuning.safetensors")
    product = found["encoder.x.weight.left"] @ found["encoder.x.weight.right"]
    assert np.allclose(product, fit_encoder.SHARE * left @ right, atol=1e-3)
