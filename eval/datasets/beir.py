"""BEIR folders: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/test.tsv``."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from corpus.errors import UsageError
from eval.datasets.pool import Dataset, Paragraph, Question
from index.language import detect_language


def read(folders: Sequence[Path]) -> Dataset:
    """Read BEIR folders into one pool. Languages are detected.

    Raises UsageError for a folder that lacks one of the files or holds another format.
    """
    paragraphs: list[Paragraph] = []
    questions: list[Question] = []
    for folder in folders:
        try:
            paragraphs += _paragraphs(folder)
            language = {paragraph.id: paragraph.language for paragraph in paragraphs}
            questions += _questions(folder, language)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{folder} is no BEIR folder ({error!r}).") from error
    if not questions:
        raise UsageError(f"There is no question in {', '.join(map(str, folders)) or 'no folder'}.")
    return Dataset(tuple(paragraphs), tuple(questions))


def _paragraphs(folder: Path) -> list[Paragraph]:
    found = []
    for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = "\n".join(part for part in (row.get("title"), row["text"]) if part)
        found.append(Paragraph(row["_id"], detect_language(text), text))
    return found


def _questions(folder: Path, language: dict[str, str]) -> list[Question]:
    gains: dict[str, dict[str, dict[str, float]]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if (gain := float(row["score"])) > 0 and row["corpus-id"] in language:
                by_language = gains.setdefault(row["query-id"], {})
                paragraph = row["corpus-id"]
                by_language.setdefault(language[paragraph], {})[paragraph] = gain
    rows = map(json.loads, (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        Question(row["_id"], detect_language(row["text"]), row["text"], gains[row["_id"]])
        for row in rows
        if row["_id"] in gains
    ]
