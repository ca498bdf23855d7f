"""What a run keeps of each turn, written as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.errors import UsageError
from eval.cases import Turn


@dataclass(frozen=True)
class Record:
    """One turn as it was asked and answered. ``turn`` counts from 1 in its case.

    ``answer`` is the answer's JSON without its timings, so that a run gives the same records
    every time. ``evidence_ranks`` has, for each evidence of the case, the rank from 1 of the
    first retrieved passage that holds it, or None.
    """

    case_id: str
    turn: int
    kind: str
    language: str
    expected: Turn
    answer: dict[str, Any]
    evidence_ranks: tuple[int | None, ...]
    broken_invariants: tuple[str, ...]

    @property
    def answerable(self) -> bool:
        """Whether the documents answer the question, by its case."""
        return bool(self.expected.answer_facts)

    @property
    def refused(self) -> bool:
        """Whether the answer says that the documents do not say."""
        return bool(self.answer["status"] == "not_in_documents")

    @property
    def text(self) -> str:
        """The answer's text, with its markers."""
        return str(self.answer["text"])

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The answer's citations."""
        return list(self.answer["citations"])

    def to_line(self) -> str:
        """Return the record as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


def read_records(file: Path) -> list[Record]:
    """Read a run's records; a last line that was cut off by an interruption is left out.

    Raises UsageError, naming the line, for any other line that is no record.
    """
    lines = file.read_text(encoding="utf-8").split("\n")
    records = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            records.append(_record(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{file}, line {number}: no record of a run ({error}).") from error
    return records


def write_records(file: Path, records: Iterable[Record]) -> None:
    """Write the records of a run."""
    file.write_text("".join(record.to_line() for record in records), encoding="utf-8")


def _record(values: dict[str, Any]) -> Record:
    expected = values["expected"]
    for name in ("answer_facts", "evidence", "must_not"):
        expected[name] = tuple(expected.get(name, ()))
    expected["also"] = tuple((document, page) for document, page in expected.get("also", ()))
    values["expected"] = Turn(**expected)
    for name in ("evidence_ranks", "broken_invariants"):
        values[name] = tuple(values[name])
    return Record(**values)
