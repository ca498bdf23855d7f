"""Examples from files in SQuAD's format, plain or .gz, named after their language.

The eight articles of SQuAD 2.0 that stand aside for evaluation are left out in every language.
A question whose id is there in several languages is also asked across them.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.errors import UsageError
from eval.training.examples import Example, narrowed, words

ASIDE = frozenset(
    {
        "1973_oil_crisis", "French_and_Indian_War", "Huguenot", "Imperialism", "Normans",
        "Packet_switching", "Scottish_Parliament", "Yuan_dynasty",
        "1973: Crisis del petróleo", "Conmutación de paquetes", "Dinastía Yuan",
        "Guerra franco-india", "Hugonotes", "Imperialismo", "Normandos", "Parlamento escocés",
    }
)  # fmt: skip
_LANGUAGE = re.compile(r"\.([a-z]{2})\.json(?:\.gz)?$")
_TITLED = 0.7
_OTHER_PARAGRAPH, _WITHOUT_RIGHT = 0.3, 0.2
_OTHER_PARAGRAPHS = 6
_TO_ENGLISH = 0.5


@dataclass(frozen=True)
class _Paragraph:
    title: str
    article: str
    language: str
    sentences: tuple[str, ...]
    extents: list[tuple[int, int]]
    rows: list[dict[str, Any]]


def squad_examples(
    files: Sequence[Path], chance: random.Random, aside: frozenset[str], most: int | None = None
) -> list[Example]:
    """Return examples for training from all articles but those aside.

    Of each file at most ``most`` questions, drawn by chance. Raises UsageError for another format.
    """
    found = []
    paragraphs = [part for file in files for part in _paragraphs(file, aside, chance, most)]
    siblings = defaultdict(list)
    for paragraph in paragraphs:
        siblings[paragraph.language, paragraph.article].append(paragraph)
    languages = _languages(paragraphs)
    for paragraph in paragraphs:
        others = siblings[paragraph.language, paragraph.article]
        for row in paragraph.rows:
            homes = languages.get(row.get("id", ""), {})
            home, asked = _home(paragraph, row, homes, chance)
            example = _example(home, asked, row["question"], paragraph.language, chance)
            if example:
                found.append(example)
                others = siblings[home.language, home.article]
                found += _negatives(example, home, others, chance)
    return found


def squad_evaluation(file: Path) -> list[Example]:
    """Return the questions of a file as they are, none of them to be trained on."""
    chance = random.Random(0)  # noqa: S311
    found = []
    for paragraph in _paragraphs(file, frozenset(), chance, None):
        for row in paragraph.rows:
            example = _example(paragraph, row, row["question"], paragraph.language, chance)
            if example:
                kind = "answerable" if example.right else "unanswerable"
                head = paragraph.title
                found.append(replace(example, head=head, kind=kind, held=True))
    return found


def language_of(file: Path) -> str:
    """Return the language of a file by its name, English where that names none."""
    found = _LANGUAGE.search(file.name)
    return found[1] if found else "en"


def _paragraphs(
    file: Path, aside: frozenset[str], chance: random.Random, most: int | None
) -> list[_Paragraph]:
    from ingest.passages import split_sentences  # not needed where a training is prepared already

    try:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8") as text:
            articles = json.load(text)["data"]
        rows = [
            (article.get("title", ""), paragraph["context"], row)
            for article in articles
            if article.get("title") not in aside
            for paragraph in article["paragraphs"]
            for row in paragraph["qas"]
            if row["question"] and not row.get("several")
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is not in SQuAD's format ({error!r}).") from error
    if most is not None and len(rows) > most:
        rows = [rows[place] for place in sorted(chance.sample(range(len(rows)), most))]
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for title, context, row in rows:
        grouped[title, context].append(row)
    language = language_of(file)
    found = []
    for (title, context), asked in grouped.items():
        extents = split_sentences(context, language)
        sentences = tuple(context[start:end] for start, end in extents)
        shown = title.replace("_", " ")
        found.append(_Paragraph(shown, title, language, sentences, extents, asked))
    return found


_Homes = dict[str, tuple[_Paragraph, dict[str, Any]]]


def _languages(paragraphs: Sequence[_Paragraph]) -> dict[str, _Homes]:
    """Return for each id of a question the paragraph and the row in each language."""
    found: dict[str, _Homes] = defaultdict(dict)
    for paragraph in paragraphs:
        for row in paragraph.rows:
            if "id" in row:
                found[row["id"]][paragraph.language] = (paragraph, row)
    return found


def _home(
    paragraph: _Paragraph, row: dict[str, Any], homes: _Homes, chance: random.Random
) -> tuple[_Paragraph, dict[str, Any]]:
    """Choose the language of the paragraph that a question is asked of."""
    if len(homes) < 2:  # noqa: PLR2004 # languages
        return paragraph, row
    if "en" in homes and chance.random() < _TO_ENGLISH:
        return homes["en"]
    return homes[chance.choice(sorted(homes))]


def _example(
    paragraph: _Paragraph, row: dict[str, Any], question: str, language: str, chance: random.Random
) -> Example | None:
    """Return a question with the sentences that its answers stand in; None where there are none."""
    answers = [answer for answer in row.get("answers", ()) if answer.get("text")]
    right: set[int] = set()
    span = None
    for answer in () if row.get("is_impossible") else answers:
        first = answer["answer_start"]
        last = first + len(answer["text"])
        for number, (start, end) in enumerate(paragraph.extents):
            if start < last and first < end:
                right.add(number)
                span = span or (number, max(0, first - start), min(end, last) - start)
    if not right and not row.get("is_impossible"):
        return None
    head = paragraph.title if chance.random() < _TITLED else ""
    return Example(
        question, head, paragraph.sentences, tuple(sorted(right)), span=span, language=language
    )


def _negatives(
    example: Example, home: _Paragraph, siblings: Sequence[_Paragraph], chance: random.Random
) -> Iterator[Example]:
    if not example.right:
        return
    if len(siblings) > 1 and chance.random() < _OTHER_PARAGRAPH:
        drawn = chance.sample(siblings, min(_OTHER_PARAGRAPHS, len(siblings)))
        asked = words(example.question)
        others = [part for part in drawn if part is not home]
        if others:
            nearest = max(others, key=lambda part: len(asked & words(" ".join(part.sentences))))
            yield replace(example, sentences=nearest.sentences, right=(), span=None)
    if chance.random() < _WITHOUT_RIGHT:
        left = [n for n in range(len(example.sentences)) if n not in example.right]
        if left:
            yield narrowed(example, left)
