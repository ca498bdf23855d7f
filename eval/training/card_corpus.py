"""Cards as a corpus with cases: what no reader was trained on, asked through the product."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from eval.training.cards import Card, CardQuestion

CASES_FILE = "cases.jsonl"
_MARKS = {"i": "- ", "h": "### "}


def write_corpus(cards: Sequence[Card], folder: Path) -> Path:
    """Write each card as a Markdown document, and return the file of cases about them.

    A case's evidence is the sentences that answer, or else those that contradict.
    """
    documents = folder / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    entries, cases = [], []
    for card in cards:
        path = f"{card.id}.md"
        (documents / path).write_text(_markdown(card), encoding="utf-8")
        entries.append(f'[[document]]\npath = "{path}"\nlanguage = "{card.language}"\n')
        cases += [json.dumps(case, ensure_ascii=False) for case in _cases(card)]
    (documents / "catalogue.toml").write_text("\n".join(entries), encoding="utf-8")
    file = folder / CASES_FILE
    file.write_text("\n".join(cases) + "\n", encoding="utf-8")
    return file


def _markdown(card: Card) -> str:
    title, *headings = card.head.split(" > ")
    parts = [f"# {title}"]
    parts += [f"{'#' * (depth + 2)} {heading}" for depth, heading in enumerate(headings)]
    for kind, run in groupby(zip(card.kinds, card.sentences, strict=True), key=lambda s: s[0]):
        texts = [text for _, text in run]
        if kind == "s":
            parts.append(" ".join(texts))
        elif kind == "r":
            parts.append(_table([[cell.strip() for cell in text.split("|")] for text in texts]))
        else:
            parts += [f"{_MARKS[kind]}{text}" for text in texts]
    return "\n\n".join(parts) + "\n"


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as one Markdown table, of which the first is the header."""
    width = max(map(len, rows))
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * width}", *lines[1:]])


def _cases(card: Card) -> Iterator[dict[str, object]]:
    for number, question in enumerate(card.questions[::2]):
        asked = {"q": question.text, **_expected(question, card)}
        before = [{"q": turn} for turn in question.before]
        yield {"id": f"{card.id}-{number}", "lang": question.language, "turns": [*before, asked]}


def _expected(question: CardQuestion, card: Card) -> dict[str, object]:
    evidence = [card.sentences[number] for number in question.right or question.contradicts]
    if not evidence:
        return {"document": card.id}
    fact = (question.span or evidence[0]).split("|")[0].strip()
    facts = {"answer_facts": [fact]} if question.right else {}
    return {**facts, "evidence": evidence, "document": card.id}
