"""Benchmark questions: reading case files, naming file and line of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import UsageError


@dataclass(frozen=True)
class Turn:
    """One question of a case; ``answer_facts`` empty means that the documents do not say."""

    question: str
    answer_facts: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A question, or a conversation of several turns, with what a right answer holds.

    ``kind`` is the slice that a report shows it in: its type, ``unanswerable`` or
    ``conversation``. ``language`` is that of the question.
    """

    id: str
    kind: str
    language: str
    turns: tuple[Turn, ...]


def read_cases(files: Sequence[Path]) -> list[Case]:
    """Read case files of JSON lines.

    Raises UsageError, naming file and line, for a missing file, a malformed line or an id
    that is given twice, and when there is no case at all.
    """
    cases: list[Case] = []
    seen: set[str] = set()
    for file in files:
        for where, values in _lines(file):
            case = _case(values, where)
            if case.id in seen:
                raise UsageError(f"{where}: the id {case.id!r} is given twice. Rename one case.")
            seen.add(case.id)
            cases.append(case)
    if not cases:
        raise UsageError(f"There is no case in {', '.join(map(str, files))}.")
    return cases


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The case file {file} cannot be read ({error}).") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"{where}: not JSON ({error}). Correct the line.") from error
        if not isinstance(values, dict):
            raise UsageError(f"{where}: a case must be a JSON object.")
        yield where, values


def _case(values: dict[str, Any], where: str) -> Case:
    turns = values.get("turns")
    rows = turns if isinstance(turns, list) and turns else [{**values, "q": values.get("question")}]
    kind = "conversation" if turns else values.get("type", "unanswerable")
    case_id = values.get("id")
    if not isinstance(case_id, str) or not case_id:
        raise UsageError(f'{where}: no id. Add "id": "…".')
    language = values.get("lang", "en")
    return Case(case_id, str(kind), str(language), tuple(_turn(row, where) for row in rows))


def _turn(row: Any, where: str) -> Turn:
    question = row.get("q") if isinstance(row, dict) else None
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f'{where}: no question. Add "question": "…", or "turns": [{{"q": …}}].')
    facts = row.get("answer_facts", [])
    if not isinstance(facts, list) or not all(isinstance(fact, str) for fact in facts):
        raise UsageError(f"{where}: answer_facts must be a list of texts.")
    return Turn(question, tuple(facts))
