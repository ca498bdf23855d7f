"""Cards: short invented passages with questions, written to teach the reader (``cards/SPEC.md``).

Each line of a file is one card. Of every file one card in six is held aside for evaluation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import UsageError

FOLDER = Path(__file__).with_name("cards")
LANGUAGES = frozenset({"ar", "en", "es", "fr", "ru", "zh"})
_HELD_EVERY = 6
_SENTENCES = range(5, 17)
_FEWEST_QUESTIONS = 12
_UNANSWERABLE = (0.3, 0.6)


@dataclass(frozen=True)
class CardQuestion:
    """A question on a card. ``before`` has the turns it follows on, the oldest first.

    ``right`` has the sentences that answer, none where the card does not; ``contradicts`` those
    that deny what the question takes for granted. ``span`` are words of a right sentence.
    """

    text: str
    language: str
    kind: str
    right: tuple[int, ...]
    contradicts: tuple[int, ...]
    span: str
    before: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A passage with the questions on it; ``held`` is set where it is not to be trained on."""

    id: str
    language: str
    head: str
    sentences: tuple[str, ...]
    kinds: str
    questions: tuple[CardQuestion, ...]
    held: bool


def repository_cards() -> list[Path]:
    """Return the card files that the repository has."""
    return sorted(FOLDER.glob("*.jsonl"))


def read_cards(files: Sequence[Path]) -> list[Card]:
    """Read cards. Raises UsageError, with file and line, where one is malformed."""
    return [_card(row, held) for _, row, held in _rows(files)]


def _rows(files: Sequence[Path]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield each card's place, its fields, and whether it is held aside."""
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
            if not line.strip():
                continue
            place = f"{file.name}:{number + 1}"
            try:
                row = json.loads(line)
                _card(row, held=False)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UsageError(f"{place} is no card ({error!r}).") from error
            yield place, row, number % _HELD_EVERY == _HELD_EVERY - 1


def _card(row: dict[str, Any], held: bool) -> Card:
    return Card(
        id=row["id"],
        language=row["language"],
        head=" > ".join([row["title"], *row.get("headings", ())]),
        sentences=tuple(row["sentences"]),
        kinds=row["kinds"],
        questions=tuple(map(_question, row["questions"])),
        held=held,
    )


def _question(row: dict[str, Any]) -> CardQuestion:
    return CardQuestion(
        text=row["q"],
        language=row["lang"],
        kind=row["kind"],
        right=tuple(row["right"]),
        contradicts=tuple(row.get("contradicts", ())),
        span=row.get("span", ""),
        before=tuple(row.get("before", ())),
    )


def faults(files: Sequence[Path]) -> list[str]:
    """Return what is wrong with cards that can be read, a line for each fault."""
    found = []
    seen: set[str] = set()
    for place, row, held in _rows(files):
        card = _card(row, held)
        wrong = list(_card_faults(card))
        if card.id in seen:
            wrong.append(f"the id {card.id} was there before")
        seen.add(card.id)
        for question in card.questions:
            wrong += [f"{fault}: {question.text}" for fault in _question_faults(question, card)]
        found += [f"{place}: {fault}" for fault in wrong]
    return found


def _card_faults(card: Card) -> Iterator[str]:
    if len(card.sentences) not in _SENTENCES:
        yield f"{len(card.sentences)} sentences"
    if len(card.kinds) != len(card.sentences) or set(card.kinds) - set("sirh"):
        yield "kinds do not fit the sentences"
    if card.language not in LANGUAGES:
        yield f"language {card.language}"
    if len(card.questions) < _FEWEST_QUESTIONS:
        yield f"only {len(card.questions)} questions"
        return
    share = sum(not question.right for question in card.questions) / len(card.questions)
    if not _UNANSWERABLE[0] <= share <= _UNANSWERABLE[1]:
        yield f"{share:.0%} of the questions unanswerable"


def _question_faults(question: CardQuestion, card: Card) -> Iterator[str]:
    labels = (*question.right, *question.contradicts)
    if any(not isinstance(n, int) or not 0 <= n < len(card.sentences) for n in labels):
        yield "a label names no sentence"
        return
    if set(question.right) & set(question.contradicts):
        yield "a sentence is right and contradicts"
    if question.span and not any(question.span in card.sentences[n] for n in question.right):
        yield f"the span {question.span!r} stands in no right sentence"
    if question.kind == "false_presupposition" and not question.contradicts:
        yield "nothing contradicts"
    if question.language not in LANGUAGES:
        yield f"language {question.language}"
