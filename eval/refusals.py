"""How often questions are refused: those on the documents' subject, and foreign ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from assistant.engine import Engine, open_engine
from corpus.errors import UsageError
from corpus.settings import Settings
from eval.cases import read_cases


def measure_refusals(
    cases: Sequence[Path],
    foreign: Sequence[Path],
    limit: int,
    settings: Settings,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Ask answerable cases, and up to ``limit`` questions from each SQuAD file of other subjects.

    Returns per group the number of questions and the share that was refused. Raises UsageError
    for a faulty file, NoUsableIndexError when there is no index.
    """
    groups = {"on the subject": _answerable(cases)}
    groups |= {f"foreign, {file.name}": squad_questions(file)[:limit] for file in foreign}
    engine = open_engine(settings)
    total, done = sum(map(len, groups.values())), 0
    shares: dict[str, Any] = {}
    for name, questions in groups.items():
        progress(done, total)
        done += len(questions)
        shares[name] = {"questions": len(questions), "refused": _refused(engine, questions)}
    return {"generation": engine.generation.id, "groups": shares}


def squad_questions(file: Path) -> list[str]:
    """Return the questions of a file in SQuAD's format that its paragraphs answer."""
    try:
        articles = json.loads(file.read_text(encoding="utf-8"))["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        return [
            row["question"]
            for paragraph in paragraphs
            for row in paragraph["qas"]
            if not row.get("is_impossible")
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is not in SQuAD's format ({error}).") from error


def _answerable(files: Sequence[Path]) -> list[str]:
    cases = read_cases(files) if files else []
    return [case.turns[0].question for case in cases if case.turns[0].answer_facts]


def _refused(engine: Engine, questions: Iterable[str]) -> float | None:
    found = [engine.answer(question).status == "not_in_documents" for question in questions]
    return round(sum(found) / len(found), 4) if found else None
