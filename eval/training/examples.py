"""What the reader learns from, as text: a question, a passage, and what its sentences are to it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from eval.training.cards import Card, CardQuestion
from index.reader_input import TURNS

# Beside every question of a card: this share also without its right sentences, over a part of
# the card, and over the most alike of some other cards.
_WITHOUT_RIGHT, _PART, _OTHER_CARD = 0.35, 0.3, 0.45
_OTHER_CARDS = 100
_HEADLESS_PART = 0.3
_FEWEST_LEFT = 3
_WEIGHT, _DERIVED_WEIGHT, _OTHER_WEIGHT = 1.5, 1.0, 0.8
_WORD = re.compile(r"\w{4,}")


@dataclass(frozen=True)
class Example:
    """A question and a passage. ``right`` and ``contradicts`` are numbers of its sentences.

    ``span`` has the sentence with the words that answer, and where in it they start and end; None
    where the words are not known. ``denials_known`` is set where ``contradicts`` is complete.
    ``kind`` is for figures, never for the model; ``held`` keeps an example from being trained on.
    """

    question: str
    head: str
    sentences: tuple[str, ...]
    right: tuple[int, ...]
    contradicts: tuple[int, ...] = ()
    span: tuple[int, int, int] | None = None
    kind: str = ""
    language: str = ""
    weight: float = 1.0
    denials_known: bool = False
    held: bool = False


def card_examples(cards: Sequence[Card], chance: random.Random) -> list[Example]:
    """Return the questions of cards, and what can be made of them for training.

    From cards that are held aside only the questions themselves.
    """
    found = []
    training = [card for card in cards if not card.held]
    neighbours = _Neighbours(training)
    for card in cards:
        for question in card.questions:
            example = _example(card, question)
            found.append(example)
            if not card.held:
                found += _derived(example, chance)
                if chance.random() < _OTHER_CARD and len(training) > 1:
                    other = neighbours.most_alike(card, example.question, chance)
                    found.append(_over_other(example, other))
    return found


def _example(card: Card, question: CardQuestion) -> Example:
    return Example(
        question=TURNS.join([*question.before, question.text]),
        head=card.head,
        sentences=card.sentences,
        right=question.right,
        contradicts=question.contradicts,
        span=_place(question, card),
        kind=question.kind,
        language=question.language,
        weight=_WEIGHT,
        denials_known=True,
        held=card.held,
    )


def _place(question: CardQuestion, card: Card) -> tuple[int, int, int] | None:
    for number in question.right if question.span else ():
        start = card.sentences[number].find(question.span)
        if start >= 0:
            return number, start, start + len(question.span)
    return None


def _derived(example: Example, chance: random.Random) -> Iterator[Example]:
    count = len(example.sentences)
    if example.right and chance.random() < _WITHOUT_RIGHT:
        left = [number for number in range(count) if number not in example.right]
        if len(left) >= _FEWEST_LEFT:
            yield replace(narrowed(example, left), weight=_DERIVED_WEIGHT)
    if chance.random() < _PART:
        first = chance.randrange(max(1, count // 2))
        end = chance.randrange(min(count, first + _FEWEST_LEFT), count + 1)
        part = narrowed(example, range(first, end))
        # A part that has lost only some of the right sentences may not answer any more.
        if len(part.right) == len(example.right):
            headless = chance.random() < _HEADLESS_PART
            yield replace(part, head="" if headless else example.head, weight=_DERIVED_WEIGHT)


def narrowed(example: Example, kept: Iterable[int]) -> Example:
    """Return the example over some of its sentences, given by their numbers in order."""
    places = {number: place for place, number in enumerate(kept)}
    span = example.span
    return replace(
        example,
        sentences=tuple(example.sentences[number] for number in places),
        right=tuple(places[n] for n in example.right if n in places),
        contradicts=tuple(places[n] for n in example.contradicts if n in places),
        span=(places[span[0]], span[1], span[2]) if span and span[0] in places else None,
    )


def _over_other(example: Example, other: Card) -> Example:
    return replace(
        example,
        head=other.head,
        sentences=other.sentences,
        right=(),
        contradicts=(),
        span=None,
        weight=_OTHER_WEIGHT,
    )


class _Neighbours:
    """Finds cards that share words with a question, the rarer the words the better."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self._cards = list(cards)
        self._words = [words(" ".join((card.head, *card.sentences))) for card in cards]
        self._counts = Counter(word for found in self._words for word in found)

    def most_alike(self, card: Card, question: str, chance: random.Random) -> Card:
        """Return the most alike of some cards drawn by chance, other than the given one."""
        drawn = chance.sample(range(len(self._cards)), min(_OTHER_CARDS, len(self._cards)))
        asked = words(question)
        others = [number for number in drawn if self._cards[number] is not card]
        best = max(others, key=lambda number: self._shared(asked, number), default=0)
        return self._cards[best]

    def _shared(self, asked: set[str], number: int) -> float:
        return sum(1 / self._counts[word] for word in sorted(asked & self._words[number]))


def words(text: str) -> set[str]:
    """Return the longer words of a text, in lower case."""
    return set(_WORD.findall(text.lower()))
