"""Runs that are interrupted, compared and checked; case files as tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import Workbook

from assistant.engine import Engine
from corpus.errors import UsageError
from corpus.settings import Settings
from eval.__main__ import main as evaluate
from eval.cases import cases_digest, read_cases
from eval.check import check_cases
from eval.compare import Comparison, compare_runs, holm_corrected, randomisation_test
from eval.gate import dropped, write_baseline
from eval.records import read_records
from eval.run import run_cases

BUDGET = {
    "id": "1", "question": "What is the budget for 2025?", "type": "number",
    "answer_facts": ["4.2 million"], "evidence": "The budget for 2025 is 4.2 million francs",
    "document": "lighthouse", "page": 3,
}  # fmt: skip
CASES: list[dict[str, Any]] = [
    BUDGET,
    {"id": "2", "question": "Who wrote Hamlet?", "why": "off the subject"},
    {"id": "3", "turns": [{"q": "Where was Meadow founded?", "answer_facts": ["Ghent"]},
                          {"q": "In which year?", "answer_facts": ["2019"]}]},
]  # fmt: skip


def _quiet(done: int, total: int) -> None:
    """Stand in for a progress bar."""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, CASES)), "utf-8")
    return path


def test_a_run_that_was_interrupted_goes_on_and_gives_the_same(
    catalogued_settings: Settings, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_cases([cases], catalogued_settings, tmp_path / "whole", _quiet)
    asked: list[str] = []
    answer = Engine.answer

    def interrupted(self: Engine, turns: list[str]) -> Any:
        asked.append(turns[-1])
        if len(asked) == 4:
            raise KeyboardInterrupt
        return answer(self, turns)

    monkeypatch.setattr(Engine, "answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_cases([cases], catalogued_settings, tmp_path / "parts", _quiet)
    records = tmp_path / "parts" / "records.jsonl"
    assert len(read_records(records)) == 2
    with records.open("a") as file:
        file.write('{"case_id": "3", "tu')  # a line that was cut off
    summary = run_cases([cases], catalogued_settings, tmp_path / "parts", _quiet)
    # The conversation was asked again from its start, and nothing else.
    assert asked[4:] == ["Where was Meadow founded?", "In which year?"]
    for name in ("records.jsonl", "summary.json", "run.json"):
        unbroken, resumed = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert unbroken.read_bytes() == resumed.read_bytes()
    assert summary["all"] == whole["all"]
    assert summary["all"]["page accuracy"]["value"] == 1
    assert summary["all"]["evidence recall@1"]["value"] == 1


def test_the_report_shows_failures_first_and_needs_nothing_else(
    catalogued_settings: Settings, cases: Path, tmp_path: Path
) -> None:
    wrong = {**BUDGET, "id": "<w>", "question": "How many <i>corals</i> in 2024?",
             "answer_facts": ["9 <b>million</b>"]}  # fmt: skip
    cases.write_text("\n".join(map(json.dumps, [*CASES, wrong])), "utf-8")
    run_cases([cases], catalogued_settings, tmp_path / "run", _quiet)
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert page.count("<article") == 1
    assert page.index("&lt;i&gt;corals&lt;/i&gt;") < page.index("Figures")
    assert "9 &lt;b&gt;million&lt;/b&gt;" in page
    assert "<svg" in page
    assert not re.findall(r"<[^>]*\b(?:src|href)=|@import|url\(", page)
    summary = (tmp_path / "run" / "summary.md").read_text("utf-8")
    assert "| all facts | 0.750 |" in summary


def test_a_folder_with_another_run_is_refused(
    catalogued_settings: Settings, cases: Path, tmp_path: Path
) -> None:
    run_cases([cases], catalogued_settings, tmp_path / "run", _quiet)
    cases.write_text(json.dumps(BUDGET), "utf-8")
    with pytest.raises(UsageError, match="another folder"):
        run_cases([cases], catalogued_settings, tmp_path / "run", _quiet)


def test_a_case_about_a_document_that_is_not_indexed_is_refused(
    catalogued_settings: Settings, cases: Path, tmp_path: Path
) -> None:
    cases.write_text(json.dumps({**BUDGET, "document": "moon"}), "utf-8")
    with pytest.raises(UsageError, match="'moon'"):
        run_cases([cases], catalogued_settings, tmp_path / "run", _quiet)


def test_a_key_that_means_nothing_is_named(
    catalogued_settings: Settings, cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases.write_text(json.dumps({"id": "1", "question": "What is it?", "facts": ["x"]}), "utf-8")
    about = ["--cases", str(cases), "--index", str(catalogued_settings.index)]
    assert evaluate(["run", *about, "--out", str(tmp_path / "run")]) == 0
    assert "the key 'facts' means nothing" in capsys.readouterr().err
    assert any("'facts'" in line for line in check_cases([cases], catalogued_settings))


def test_two_runs_are_compared_turn_by_turn(
    catalogued_settings: Settings, cases: Path, tmp_path: Path
) -> None:
    for name in "ab":
        run_cases([cases], catalogued_settings, tmp_path / name, _quiet)
    worse = (tmp_path / "b" / "records.jsonl").read_text("utf-8").replace("4.2 million", "4.3")
    first, *others = worse.splitlines(keepends=True)
    fixed = first.replace('["4.3"]', '["4.2 million"]').replace("is 4.3 francs", "is 4.3 francs")
    (tmp_path / "b" / "records.jsonl").write_text(fixed + "".join(others), "utf-8")
    found = compare_runs(tmp_path / "a", tmp_path / "b")
    by_name = {row["metric"]: row for row in found["metrics"]}
    assert by_name["all facts"]["b"] < by_name["all facts"]["a"]
    assert [(row["case"], row["better"]) for row in found["differing"]] == [("1", "a")]
    same = compare_runs(tmp_path / "a", tmp_path / "a")
    assert {row["p"] for row in same["metrics"]} == {1.0}
    assert same["differing"] == []


def test_runs_on_different_questions_are_not_compared(
    catalogued_settings: Settings, cases: Path, tmp_path: Path
) -> None:
    run_cases([cases], catalogued_settings, tmp_path / "a", _quiet)
    cases.write_text(json.dumps(BUDGET), "utf-8")
    run_cases([cases], catalogued_settings, tmp_path / "b", _quiet)
    with pytest.raises(UsageError, match="different questions"):
        compare_runs(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UsageError, match="holds no run"):
        compare_runs(tmp_path / "a", tmp_path / "none")


def test_the_gate_names_what_fell_below_the_baseline(
    catalogued_settings: Settings, cases: Path, tmp_path: Path
) -> None:
    run_cases([cases], catalogued_settings, tmp_path / "run", _quiet)
    baseline = tmp_path / "baseline.json"
    write_baseline(tmp_path / "run", baseline)
    assert dropped(tmp_path / "run", baseline) == []
    higher = json.loads(baseline.read_text("utf-8"))
    higher["all"]["all facts"] |= {"value": 1.2, "low": 1.1}
    baseline.write_text(json.dumps(higher), "utf-8")
    lost = dropped(tmp_path / "run", baseline)
    assert len(lost) == 1
    assert lost[0].startswith("all facts: ")
    baseline.write_text(json.dumps({**higher, "cases_sha256": "other"}), "utf-8")
    with pytest.raises(UsageError, match="other questions"):
        dropped(tmp_path / "run", baseline)
    with pytest.raises(UsageError, match="no finished run"):
        dropped(tmp_path / "none", baseline)


def test_the_sample_cases_are_enough_and_of_every_kind() -> None:
    files = sorted((Path(__file__).parent.parent / "eval" / "sample").glob("*.jsonl"))
    found = read_cases(files)
    assert len(found) >= 80
    assert {case.language for case in found} == {"ar", "en", "es", "fr", "ru", "zh"}
    assert {"unanswerable", "conversation", "paraphrase", "sloppy"} <= {case.kind for case in found}
    baseline = json.loads((files[0].parent / "baseline.json").read_text("utf-8"))
    assert baseline["cases_sha256"] == cases_digest(files), "run make eval, and accept the run"


def test_a_case_without_a_type_is_called_by_what_it_expects(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "How many?", "answer_facts": ["12"]},
        {"id": "b", "question": "And who?"},
    ]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert [case.kind for case in read_cases([file])] == ["answerable", "unanswerable"]


def test_the_readme_quotes_the_baseline() -> None:
    root = Path(__file__).parent.parent
    baseline = json.loads((root / "eval" / "sample" / "baseline.json").read_text("utf-8"))
    readme = (root / "README.md").read_text("utf-8")
    for name, figure in baseline["all"].items():
        interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
        assert f"| {name} | {figure['value']:.3f} | {interval} |" in readme, f"{name} is stale"
    assert f"({baseline['turns']} turns" in readme


def test_the_randomisation_test_against_all_swaps() -> None:
    # Of the 16 signs of (1, 1, 1, 1), two sums are as far from 0 as 4: p = 2/16.
    assert randomisation_test(np.ones(4)) == pytest.approx(2 / 16, abs=0.01)
    assert randomisation_test(np.zeros(4)) == 1
    # (3, -1): sums 2, 4, -4, -2, all at least 2 from 0.
    assert randomisation_test(np.array([3.0, -1.0])) == 1


def test_holm_corrects_step_by_step() -> None:
    # Sorted .01, .03, .04: times 3, 2, 1 gives .03, .06, .04, and the last may not be smaller.
    rows = [Comparison(name, 0, 0, 1, p) for name, p in (("x", 0.04), ("y", 0.01), ("z", 0.03))]
    assert [row.p_holm for row in holm_corrected(rows)] == [0.06, 0.03, 0.06]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, []),
        ({"document": "moon"}, ["'moon' is not in the index"]),
        ({"page": 9}, ["has no page 9"]),
        ({"evidence": "4.2 million dollars"}, ["'4.2 million dollars' no longer stands there"]),
        ({"answer_facts": ["4.9"]}, ["no text there holds the fact '4.9'"]),
    ],
)
def test_stale_labels_are_named(
    catalogued_settings: Settings, tmp_path: Path, change: dict[str, Any], words: list[str]
) -> None:
    (tmp_path / "cases.jsonl").write_text(json.dumps({**BUDGET, **change}), "utf-8")
    wrong = check_cases([tmp_path / "cases.jsonl"], catalogued_settings)
    assert len(wrong) == len(words)
    assert all(
        word in line and line.startswith("1: ") for word, line in zip(words, wrong, strict=True)
    )


def test_a_question_asked_twice_is_named(catalogued_settings: Settings, tmp_path: Path) -> None:
    rows = [BUDGET, {**BUDGET, "id": "9", "question": "what is the  BUDGET for 2025?"}]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    wrong = check_cases([tmp_path / "cases.jsonl"], catalogued_settings)
    assert wrong == ["9: asks the same as 1"]


def test_case_files_as_tables_read_like_json_lines(tmp_path: Path) -> None:
    head = ["id", "question", "type", "answer_facts", "evidence", "document", "page"]
    row = [
        "1",
        "What is the budget, for 2025?",
        "number",
        "4.2 million; a third|1/3",
        "x",
        "d",
        "3",
    ]
    text = ",".join(head) + "\n" + ",".join(f'"{cell}"' for cell in row) + "\n"
    (tmp_path / "a.csv").write_text(text, "utf-8")
    book = Workbook()
    assert book.active is not None
    book.active.append(head)
    book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    values = dict(zip(head, row, strict=True)) | {"page": 3, "evidence": ["x"]}
    values["answer_facts"] = ["4.2 million", "a third|1/3"]
    (tmp_path / "a.jsonl").write_text(json.dumps(values), "utf-8")
    read = [read_cases([tmp_path / f"a.{ending}"]) for ending in ("csv", "xlsx", "jsonl")]
    assert read[0] == read[1] == read[2]
    assert read[0][0].turns[0].page == 3
    (tmp_path / "b.xlsx").write_text("no workbook", "utf-8")
    with pytest.raises(UsageError, match="no XLSX workbook"):
        read_cases([tmp_path / "b.xlsx"])
    (tmp_path / "c.csv").write_text("id,question\n7,\n", "utf-8")
    with pytest.raises(UsageError, match=r"c\.csv, line 2: no question"):
        read_cases([tmp_path / "c.csv"])
