"""The retrieval benchmark: its measures, its datasets, and a small run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, R, nDCG

from corpus.errors import UsageError
from corpus.settings import Settings
from eval.datasets import beir, squad
from eval.metrics import ranking
from eval.retrieval import run_retrieval

PORTS = "The port of Aral has 412 ships and a tide gauge."
BEES = "Wild bees are counted with cameras in 210 gardens."


def test_measures_by_hand() -> None:
    found, right = ["a", "b", "c", "d"], {"b": 1.0, "d": 1.0, "z": 1.0}
    assert ranking.recall_at(2, found, right) == pytest.approx(1 / 3)
    assert ranking.reciprocal_rank(10, found, right) == 0.5
    assert ranking.reciprocal_rank(1, found, right) == 0
    # (1/log2(3) + 1/log2(5)) / (1 + 1/log2(3) + 1/log2(4)) = 1.0616 / 2.1309
    assert ranking.ndcg(10, found, right) == pytest.approx(0.4982, abs=1e-4)


@given(st.permutations("abcdefghijkl"), st.sets(st.sampled_from("abcdefghijklm"), min_size=1))
def test_measures_agree_with_an_independent_library(found: list[str], right: set[str]) -> None:
    relevant = dict.fromkeys(right, 1)
    run = {"q": {key: float(len(found) - n) for n, key in enumerate(found)}}
    measures = [R @ 1, R @ 5, RR @ 10, nDCG @ 10]
    theirs = ir_measures.calc_aggregate(measures, {"q": relevant}, run)
    gains = dict.fromkeys(right, 1.0)
    assert ranking.recall_at(1, found, gains) == pytest.approx(theirs[R @ 1])
    assert ranking.recall_at(5, found, gains) == pytest.approx(theirs[R @ 5])
    assert ranking.reciprocal_rank(10, found, gains) == pytest.approx(theirs[RR @ 10])
    assert ranking.ndcg(10, found, gains) == pytest.approx(theirs[nDCG @ 10])


def _squad(path: Path, *rows: tuple[str, list[dict[str, Any]]]) -> Path:
    paragraphs = [{"context": context, "qas": questions} for context, questions in rows]
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), "utf-8")
    return path


def test_a_question_of_xquad_finds_its_paragraph_in_each_language(tmp_path: Path) -> None:
    english = _squad(tmp_path / "x.en.json", (PORTS, [{"id": "1", "question": "How many ships?"}]))
    french = _squad(
        tmp_path / "x.fr.json", ("Aral a 412 navires.", [{"id": "1", "question": "Combien ?"}])
    )
    data = squad.read([english, french])
    assert [paragraph.language for paragraph in data.paragraphs] == ["en", "fr"]
    assert {question.language for question in data.questions} == {"en", "fr"}
    for question in data.questions:
        assert set(question.relevant) == {"en", "fr"}
    assert len(squad.read([english, english]).paragraphs) == 1


def test_a_beir_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text(
        "\n".join(json.dumps({"_id": key, "title": "", "text": text})
                  for key, text in (("p", PORTS), ("b", BEES))), "utf-8"
    )  # fmt: skip
    (tmp_path / "queries.jsonl").write_text(
        json.dumps({"_id": "q", "text": "How many ships are in the port?"}), "utf-8"
    )
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq\tp\t2\nq\tb\t0\n", "utf-8"
    )
    data = beir.read([tmp_path])
    assert [question.relevant for question in data.questions] == [{"en": {"p": 2.0}}]
    (tmp_path / "queries.jsonl").unlink()
    with pytest.raises(UsageError, match="no BEIR folder"):
        beir.read([tmp_path])


@pytest.mark.parametrize("text", ["[]", '{"data": []}', "no JSON"])
def test_a_file_in_another_format_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"a\.json"):
        squad.read([tmp_path / "a.json"])


def test_a_small_run_reports_every_ablation_and_answerability(
    settings: Settings, tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "1", "question": "How many ships has the port of Aral?"},
        {"id": "2", "question": "Who owns the port of Aral?", "is_impossible": True},
    ]
    bees: list[dict[str, Any]] = [{"id": "3", "question": "bees in gardens?"}]
    file = _squad(tmp_path / "s.json", (PORTS, rows), (BEES, bees))
    found = run_retrieval("squad", [file], settings, tmp_path / "out", lambda *_: None)
    group = found["groups"]["en → en"]
    assert set(group) == {"dense", "keyword", "fused", "read"}
    assert group["keyword"]["MRR@10"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 2}
    answerability = found["answerability"]["en → en"]
    assert set(answerability) == {"paragraph given", "pool"}
    assert answerability["pool"]["questions"] == 3
    assert json.loads((tmp_path / "out" / "retrieval.json").read_text("utf-8")) == found
