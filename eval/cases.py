"""Benchmark questions: reading case files, naming file and line of what is wrong."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.errors import UsageError

# What a case or one of its turns may say; the last ones are remarks that nothing reads.
KEYS = (
    *("id", "question", "turns", "q", "answer_facts", "evidence", "answer", "document", "page"),
    *("must_not", "type", "lang", "why", "base_id", "printed_page", "superseded"),
)


@dataclass(frozen=True)
class Turn:
    """One question of a case; ``answer_facts`` empty means that the documents do not say.

    ``evidence`` are stretches of the documents that bear the facts out, ``answer`` a reference in
    words, ``document`` (an id, or a path) and ``page`` where the evidence stands, and ``also`` the
    other places of evidence that stands in several. ``must_not`` are facts that no answer may hold.
    All but the question may be missing.
    """

    question: str
    answer_facts: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    answer: str | None = None
    document: str | None = None
    page: int | None = None
    also: tuple[tuple[str, int | None], ...] = ()
    must_not: tuple[str, ...] = ()

    @property
    def places(self) -> list[tuple[str, int | None]]:
        """Every document and page where evidence stands, the first one first."""
        return [(self.document, self.page), *self.also] if self.document else []


@dataclass(frozen=True)
class Case:
    """A question, or a conversation of several turns, with what a right answer holds.

    ``kind`` is the slice that a report shows it in: its type, else ``answerable`` or
    ``unanswerable``, or ``conversation``. ``language`` is that of the question.
    """

    id: str
    kind: str
    language: str
    turns: tuple[Turn, ...]


def read_cases(files: Sequence[Path]) -> list[Case]:
    """Read case files: JSON lines, or tables as CSV or XLSX with the same names as columns.

    In a table, facts and evidence are parted by ``;``. Raises UsageError, naming file and line,
    for a missing file, a malformed line or an id that is given twice, and when there is no case.
    """
    cases: list[Case] = []
    seen: set[str] = set()
    for file in files:
        for where, values in _rows(file):
            case = _case(values, where)
            if case.id in seen:
                raise UsageError(f"{where}: the id {case.id!r} is given twice. Rename one case.")
            seen.add(case.id)
            cases.append(case)
    if not cases:
        raise UsageError(f"There is no case in {', '.join(map(str, files))}.")
    return cases


def unknown_keys(files: Sequence[Path]) -> list[str]:
    """Say of each key in case files that means nothing here, where it stands first."""
    found: dict[str, str] = {}
    for file in files:
        for where, values in _rows(file):
            turns = values.get("turns")
            for row in (values, *(turns if isinstance(turns, list) else ())):
                for key in row if isinstance(row, dict) else ():
                    if key not in KEYS:
                        found.setdefault(key, where)
    return [
        f"{where}: the key {key!r} means nothing and is passed over. Known: {', '.join(KEYS)}."
        for key, where in found.items()
    ]


def with_document_ids(cases: Sequence[Case], ids: Mapping[str, str]) -> list[Case]:
    """Return cases with the ids of documents that are named by their paths; ``ids`` is by path."""

    def known(turn: Turn) -> Turn:
        places = [(ids.get(name, name), page) for name, page in turn.places]
        document = places[0][0] if places else None
        return replace(turn, document=document, also=tuple(places[1:]))

    return [replace(case, turns=tuple(map(known, case.turns))) for case in cases]


def cases_digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of the files' content, in any order: the seal of a set of questions."""
    digests = sorted(hashlib.sha256(file.read_bytes()).digest() for file in files)
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    read = {".csv": _csv_rows, ".xlsx": _xlsx_rows}.get(file.suffix.lower(), _json_rows)
    try:
        yield from read(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The case file {file} cannot be read ({error}).") from error


def _json_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
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


def _csv_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        for row in reader:
            yield f"{file}, line {reader.line_num}", _from_table(row)


def _xlsx_rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        sheet = load_workbook(file, read_only=True, data_only=True).worksheets[0]
    except (InvalidFileException, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"The case file {file} is no XLSX workbook ({error}).") from error
    rows = sheet.iter_rows(values_only=True)
    names = [str(name) for name in next(rows, ())]
    for number, row in enumerate(rows, 2):
        texts = ("" if cell is None else str(cell) for cell in row)
        values = dict(zip(names, texts, strict=False))
        if any(values.values()):
            yield f"{file}, line {number}", _from_table(values)


def _from_table(row: Mapping[str, str | None]) -> dict[str, Any]:
    values: dict[str, Any] = {key: value for key, value in row.items() if key and value}
    for name in ("answer_facts", "evidence"):
        if name in values:
            values[name] = [part.strip() for part in values[name].split(";") if part.strip()]
    if str(values.get("page", "")).isdigit():
        values["page"] = int(values["page"])
    return values


def _case(values: dict[str, Any], where: str) -> Case:
    turns = values.get("turns")
    rows = turns if isinstance(turns, list) and turns else [{**values, "q": values.get("question")}]
    asked = "answerable" if values.get("answer_facts") else "unanswerable"
    kind = "conversation" if turns else values.get("type", asked)
    case_id = values.get("id")
    if not isinstance(case_id, str) or not case_id:
        raise UsageError(f'{where}: no id. Add "id": "…".')
    language = values.get("lang", "en")
    return Case(case_id, str(kind), str(language), tuple(_turn(row, where) for row in rows))


def _turn(row: Any, where: str) -> Turn:
    question = row.get("q") if isinstance(row, dict) else None
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f'{where}: no question. Add "question": "…", or "turns": [{{"q": …}}].')
    evidence = row.get("evidence", [])
    documents = _each(row.get("document"))
    pages = _each(row.get("page")) or [None] * max(len(documents), 1)
    if not all(page is None or isinstance(page, int) for page in pages):
        raise UsageError(f"{where}: page must be a number, or a list with one for each document.")
    if documents and len(documents) != len(pages):
        raise UsageError(f"{where}: document and page must be as many.")
    names = [_text(document, "document", where) or "" for document in documents]
    return Turn(
        question,
        answer_facts=_texts(row.get("answer_facts", []), "answer_facts", where),
        evidence=_texts([evidence] if isinstance(evidence, str) else evidence, "evidence", where),
        answer=_text(row.get("answer"), "answer", where),
        document=names[0] if names else None,
        page=pages[0],
        also=tuple(zip(names[1:], pages[1:], strict=True)),
        must_not=_texts(row.get("must_not", []), "must_not", where),
    )


def _each(value: Any) -> list[Any]:
    """Return what a key holds as a list: nothing, one value, or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _texts(value: Any, name: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UsageError(f"{where}: {name} must be a list of texts.")
    return tuple(value)


def _text(value: Any, name: str, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{where}: {name} must be text.")
    return value
