"""SQuAD, SQuAD 2.0 and XQuAD: articles with paragraphs, each with its questions.

The language of a file is the part of its name before the ending (``xquad.es.json``), English where
there is none. A question of XQuAD has the same id in every language, so that its paragraphs in
other languages are known where their files are read together.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.errors import UsageError
from eval.datasets.pool import Dataset, Paragraph, Question

_LANGUAGE = re.compile(r"\.([a-z]{2})\.json$")
_DEFAULT_LANGUAGE = "en"


def read(files: Sequence[Path]) -> Dataset:
    """Read files in SQuAD's format; a paragraph that stands in several is one.

    Raises UsageError for a file that is in another format, and where there is no question.
    """
    paragraphs: dict[str, Paragraph] = {}
    homes: dict[str, dict[str, dict[str, float]]] = {}
    asked: dict[tuple[str, str], tuple[str, bool]] = {}
    for file in files:
        language = language_of(file)
        for _, context, rows in paragraphs_of(file):
            paragraph = Paragraph(paragraph_id(context), language, context)
            paragraphs[paragraph.id] = paragraph
            for row in rows:
                answerable = not row.get("is_impossible", False)
                asked[row["id"], language] = (row["question"], answerable)
                homes.setdefault(row["id"], {}).setdefault(language, {})[paragraph.id] = 1.0
    if not asked:
        raise UsageError(f"There is no question in {', '.join(map(str, files)) or 'no file'}.")
    questions = tuple(
        Question(key, language, text, homes[key], answerable)
        for (key, language), (text, answerable) in asked.items()
    )
    return Dataset(tuple(paragraphs.values()), questions)


def language_of(file: Path) -> str:
    """Return the language of a file, by its name."""
    found = _LANGUAGE.search(file.name)
    return found[1] if found else _DEFAULT_LANGUAGE


def paragraphs_of(file: Path) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield the title of the article, the text and the questions of each paragraph.

    Raises UsageError for a file that is in another format.
    """
    try:
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
            title = article.get("title", "").replace("_", " ")
            for paragraph in article["paragraphs"]:
                for row in paragraph["qas"]:
                    row["id"], row["question"]
                yield title, paragraph["context"], paragraph["qas"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} is not in SQuAD's format ({error!r}).") from error


def paragraph_id(context: str) -> str:
    """Return the id of a paragraph, which follows from its text."""
    return hashlib.sha256(context.encode()).hexdigest()[:16]
