"""The promotion gate: golden questions decide whether a new generation is published."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from corpus.errors import AssistantError
from corpus.settings import Settings
from index.generations import generation_ids, open_generation, published_generation
from ingest.__main__ import main as ingest
from ingest.inventory import index_status
from ingest.sync import SyncReport, sync
from tests.conftest import no_progress

GOLDEN = [
    {
        "id": "harbours",
        "question": "How many harbours does the harbour register name?",
        "answer_facts": ["12|twelve"],
    },
    {
        "id": "bees",
        "question": "In how many gardens does the meadow network count bees?",
        "answer_facts": ["210"],
    },
]


def _sync(settings: Settings, *, force: bool = False) -> SyncReport:
    return sync(settings, force=force, progress=no_progress)


def _write(settings: Settings, harbours: str) -> None:
    (settings.corpus / "harbours.md").write_text(
        f"# Harbours\n\nThe harbour register names {harbours} harbours.\n", encoding="utf-8"
    )


@pytest.fixture
def guarded(settings: Settings) -> Settings:
    _write(settings, "12")
    (settings.corpus / "bees.md").write_text(
        "# Bees\n\nThe meadow network counts bees in 210 gardens.\n", encoding="utf-8"
    )
    lines = "".join(json.dumps(case) + "\n" for case in GOLDEN)
    (settings.corpus / "golden.jsonl").write_text(lines, encoding="utf-8")
    _sync(settings)
    return settings


def test_a_generation_that_answers_less_is_built_but_published_only_by_force(
    guarded: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = published_generation(guarded.index)
    _write(guarded, "several")
    report = _sync(guarded)
    assert not report.published
    assert report.lost == [GOLDEN[0]["question"]]
    assert published_generation(guarded.index) == report.generation == served
    assert report.held_back == generation_ids(guarded.index)[1]
    assert index_status(guarded.index)["generations"][1]["state"] == "held back"
    assert open_generation(guarded.index, report.held_back).id == report.held_back

    # Asking again builds nothing twice.
    monkeypatch.setattr("ingest.sync.write_content", None)
    again = _sync(guarded)
    assert (again.held_back, again.lost) == (report.held_back, report.lost)

    monkeypatch.setenv("ITU_ASSISTANT_CACHE", str(guarded.cache))
    options = ["--corpus", str(guarded.corpus), "--index", str(guarded.index)]
    assert ingest(["sync", *options, "--embedder", guarded.embedder, "--force", "--json"]) == 0
    output = capsys.readouterr()
    forced = json.loads(output.out)
    assert published_generation(guarded.index) == forced["generation"] == report.held_back
    assert forced["published"]
    assert forced["lost_golden_questions"] == report.lost
    [warning] = forced["warnings"]
    assert f"Warning: {warning}\n" in output.err
    assert str(GOLDEN[0]["question"]) in warning
    assert f"rollback {served} --index {guarded.index}" in warning


def test_the_command_says_which_and_fails(
    guarded: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITU_ASSISTANT_CACHE", str(guarded.cache))
    _write(guarded, "several")
    options = ["--corpus", str(guarded.corpus), "--index", str(guarded.index)]
    assert ingest(["sync", *options, "--embedder", guarded.embedder]) == 1
    shown = capsys.readouterr().out
    assert "built but not published" in shown
    assert str(GOLDEN[0]["question"]) in shown
    assert re.search(rf"python -m ingest rollback \S+ --index {guarded.index}[,.]", shown)
    assert f"ask … --index {guarded.index} --generation" in shown


def test_a_generation_that_answers_as_much_is_published(guarded: Settings) -> None:
    _write(guarded, "about 12")
    assert _sync(guarded).published


def test_golden_questions_that_cannot_be_asked_lose_nothing(guarded: Settings) -> None:
    served = published_generation(guarded.index)
    golden: Path = guarded.corpus / "golden.jsonl"
    right = golden.read_text(encoding="utf-8")
    golden.write_text("no JSON\n", encoding="utf-8")
    _write(guarded, "12 old")
    with pytest.raises(AssistantError, match=r"golden.jsonl, line 1"):
        _sync(guarded)
    assert published_generation(guarded.index) == served
    golden.write_text(right, encoding="utf-8")
    report = _sync(guarded)
    assert report.published
    assert report.warnings == []
    assert len(generation_ids(guarded.index)) == 2

    golden.write_text("no JSON\n", encoding="utf-8")
    forced = _sync(guarded, force=True)
    assert forced.published
    assert "Published without knowing what is lost" in forced.warnings[0]
    assert "golden.jsonl, line 1" in forced.warnings[0]
