"""What speaks for a sentence, in numbers: the features of the second stage.

Each is cheap: cosines that were stored, terms, and the kind of answer that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.answer_types import Word, stated_places
from corpus.text import fold
from index.analysis import analysed, is_invariant

# A word of the kind that is asked for counts with the question's terms this many words around it.
_WINDOW = 8
_ONLY_INTRODUCES = (":", "：")


@dataclass(frozen=True)
class Asked:
    """What is held against every sentence: the question's terms, kinds of answer and letters."""

    language: str
    weights: Mapping[str, float]
    kinds: frozenset[str]
    trigrams: frozenset[str]

    @property
    def total(self) -> float:
        """The sum of the terms' weights; 1 where there is none."""
        return sum(self.weights.values()) or 1.0


@dataclass(frozen=True)
class Text:
    """A sentence with what stands around it, analysed."""

    text: str
    words: tuple[Word, ...]
    terms: frozenset[str]
    trigrams: frozenset[str]


# Sentences come up again and again: analysing one takes about a millisecond.
@lru_cache(maxsize=20_000)
def analysed_text(text: str, language: str, asked_in: str) -> Text:
    """Analyse a text for a question in a language; across languages, only names are terms."""
    words = tuple(analysed(text, language))
    foreign = language in {"ar", "ru", "zh"}
    kept = (
        words if language == asked_in else [w for w in words if is_invariant(w[1], foreign=foreign)]
    )
    return Text(text, words, frozenset(term for term, _ in kept), trigrams(w for _, w in words))


def trigrams(words: Iterable[str]) -> frozenset[str]:
    """Return the three-letter pieces of words; what a slip of the pen or a case ending leaves."""
    found: set[str] = set()
    for word in words:
        padded = f" {fold(word)} "
        found.update(padded[n : n + 3] for n in range(len(padded) - 2))
    return frozenset(found)


def covered(asked: Asked, terms: Iterable[str]) -> float:
    """Return the share, 0..1, of the question's weight that these terms have."""
    return sum(asked.weights.get(term, 0.0) for term in set(terms)) / asked.total


def shared_letters(asked: Asked, text: frozenset[str]) -> float:
    """Return the share, 0..1, of the question's three-letter pieces that a text has."""
    return len(asked.trigrams & text) / max(len(asked.trigrams), 1)


def answers_kind(asked: Asked, sentence: Text, language: str) -> dict[str, float]:
    """Return by kind 1 where the question asks for it and the sentence states it, and -1 where
    it asks for it and the sentence does not; ``near`` has the weight of terms around it."""
    known = frozenset(asked.weights)
    found: dict[str, float] = {}
    near = 0.0
    for kind in sorted(asked.kinds):
        places = stated_places(kind, sentence.words, sentence.text, language, known)
        found[kind] = 1.0 if places else -1.0
        if kind in {"number", "date", "name"}:
            near = max([near, *(_around(asked, sentence.words, place) for place in places)])
    return found | {"near": near}


def closeness(asked: Asked, words: Sequence[Word]) -> float:
    """Return the share of the question's weight in the best stretch of twice the window."""
    places = [n for n, (term, _) in enumerate(words) if term in asked.weights]
    return max((_around(asked, words, place) for place in places), default=0.0)


def only_introduces(text: str) -> bool:
    """Tell whether a sentence but announces what follows."""
    return text.rstrip().endswith(_ONLY_INTRODUCES)


def _around(asked: Asked, words: Sequence[Word], place: int) -> float:
    stretch = words[max(0, place - _WINDOW) : place + _WINDOW + 1]
    return covered(asked, (term for term, _ in stretch))
