"""What speaks for a sentence, in numbers: the features of the second stage.

Each costs little: cosines that were stored, terms, and the kind of answer that is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assistant.lists import KIND as LIST
from assistant.rules.answer_types import Word, counting_places, stated_places
from assistant.rules.demand import (
    designations,
    is_numbered,
    numbers_a_thing,
    stated,
    years_by_stem,
)
from assistant.rules.memo import once_a_question
from corpus.documents import Sentence
from corpus.text import fold
from index.analysis import analysed, is_invariant

# A word of the kind that is asked for counts with the question's terms this many words around it.
_WINDOW = 8
# ... and a thing is counted by a number at most this many words before it: "650 active members".
_COUNTED = 3
_ONLY_INTRODUCES = (":", "：")
_FEW_WORDS = 3
_LABEL = re.compile(r"[^\W\d_] ?[:：](?!//)")
_WORDS_BEHIND_A_LABEL = 4
# Questions that begin with what is asked for: how many gardens, which bodies, who chairs.
_HEADED = frozenset({"number", "name", "list"})
_FOREIGN_SCRIPTS = frozenset({"ar", "ru", "zh"})


@dataclass(frozen=True)
class Asked:
    """What is held against every sentence: the question's terms, kinds of answer and letters."""

    language: str
    weights: Mapping[str, float]
    kinds: frozenset[str]
    letters: frozenset[str]
    years: frozenset[str] = frozenset()
    # The stem of a word with the years right beside it, as in the 2024 summit, and with the figures
    # that the question gives it, as in Groups 2 and 11.
    dated: Mapping[str, frozenset[str]] = field(default_factory=dict)
    numbered: Mapping[str, frozenset[str]] = field(default_factory=dict)
    designations: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The sum of the terms' weights; 1 where there is none."""
        return sum(self.weights.values()) or 1.0

    def covered(self, terms: Iterable[str]) -> float:
        """Return the share, 0..1, of the question's weight that these terms have."""
        return sum(self.weights.get(term, 0.0) for term in set(terms)) / self.total

    def shared(self, letters: frozenset[str]) -> float:
        """Return the share, 0..1, of the question's three-letter pieces that are among these."""
        return len(self.letters & letters) / max(len(self.letters), 1)


@dataclass(frozen=True)
class Text:
    """A text, analysed. ``terms`` are those that a question in its language may match."""

    text: str
    language: str
    words: tuple[Word, ...]
    terms: frozenset[str]
    letters: frozenset[str]


@dataclass(frozen=True)
class Surroundings:
    """What stands around a sentence: heading and lead, title, and its passage up to it.

    ``before`` are the sentences before it, the nearest first.
    """

    context: Text
    title: Text
    before: Sequence[Text] = ()

    @property
    def terms(self) -> frozenset[str]:
        """All terms of headings, title and the sentence before."""
        before = self.before[0].terms if self.before else frozenset()
        return self.context.terms | self.title.terms | before

    @property
    def letters(self) -> frozenset[str]:
        """All three-letter pieces of headings, title and the sentence before."""
        before = self.before[0].letters if self.before else frozenset()
        return self.context.letters | self.title.letters | before


# Sentences come up again and again.
@once_a_question
def analysed_text(text: str, language: str, asked_in: str) -> Text:
    """Analyse a text for a question in a language; across languages, only names are terms."""
    words = tuple(analysed(text, language))
    foreign = language in _FOREIGN_SCRIPTS
    terms = frozenset(
        term for term, word in words if language == asked_in or is_invariant(word, foreign=foreign)
    )
    return Text(text, language, words, terms, letters_of(word for _, word in words))


def letters_of(words: Iterable[str]) -> frozenset[str]:
    """Return the three-letter pieces of words: what a slip of the pen or a case ending leaves."""
    found: set[str] = set()
    for word in words:
        padded = f" {fold(word)} "
        found.update(padded[n : n + 3] for n in range(len(padded) - 2))
    return frozenset(found)


def features(
    asked: Asked, sentence: Sentence, text: Text, terms: frozenset[str], around: Surroundings
) -> dict[str, float]:
    """Return the features of a sentence but its cosines; those left out are 0.

    ``terms`` are the sentence's, with what its abbreviations stand for. Of each kind of answer that
    is asked for, 1 says that the sentence states one, -1 that it does not.
    """
    known = frozenset(asked.weights)
    found = {
        "own": asked.covered(terms),
        "around": asked.covered(around.terms - terms),
        "letters": asked.shared(text.letters),
        "letters_around": asked.shared(around.letters - text.letters),
        "length": math.log1p(len(sentence.text.split())),
        "introduces": float(sentence.text.rstrip().endswith(_ONLY_INTRODUCES)),
        "short": float(len(sentence.text.split()) <= _FEW_WORDS),
        "row": float(sentence.kind == "row"),
        "item": float(sentence.kind == "item"),
        "bare_row": float(not sentence.lead and _is_front_matter(sentence)),
        "list": float(sentence.kind == LIST),
        "rival_year": float(_has_rival_year(asked, text, around)),
        "rival_number": float(_has_rival_number(asked, text, around)),
    }
    if asked.kinds & _HEADED and known:
        found["head"] = 1.0 if next(iter(asked.weights)) in terms else -1.0
    near = 0.0
    for kind in asked.kinds:
        if kind == LIST:
            found["asked_list"] = float(sentence.kind == LIST)
            continue
        places = stated_places(kind, text.words, text.text, text.language, known)
        found[kind] = 1.0 if places else -1.0
        if kind in {"number", "date", "name"}:
            near = max([near, *(_around(asked, text.words, place) for place in places)])
    if "number" in asked.kinds:
        found["counted"] = float(_counts_what_is_asked(text, known))
    return found | {"near": near}


def _is_front_matter(sentence: Sentence) -> bool:
    """Tell whether a sentence is a row, or items with a label each and little more: Edition: 2025.

    Without a header or a lead that is what a document says of itself before it begins.
    """
    labels = len(_LABEL.findall(sentence.text))
    few = labels * _WORDS_BEHIND_A_LABEL >= len(sentence.text.split())
    return sentence.kind == "row" or (sentence.kind in {"item", LIST} and few)


def _counts_what_is_asked(text: Text, known: frozenset[str]) -> bool:
    """Tell whether a number stands before a word of the question."""
    return any(
        term in known
        for place in counting_places(text.words, text.language, known)
        for term, _ in text.words[place + 1 : place + 1 + _COUNTED]
    )


def _has_rival_year(asked: Asked, text: Text, around: Surroundings) -> bool:
    """Tell whether a sentence is of other years than those asked.

    One without a year is of the year that was named last before it, or in its headings. Where
    the sentence before, or the headings, give a year that is asked, it is of that; not so one of
    the 2025 summit that names 2024, too, where the 2024 summit is asked for.
    """
    if not asked.years:
        return False
    if _is_dated_otherwise(asked, text, around):
        return True
    named = (_years(part) for part in (text, *around.before, around.context))
    own = next((years for years in named if years), frozenset())
    near = frozenset().union(*map(_years, (around.context, *around.before[:1])))
    return bool(own) and not asked.years & (own | near)


def _is_dated_otherwise(asked: Asked, text: Text, around: Surroundings) -> bool:
    parts = (text, *around.before, around.context)
    named = (years_by_stem(part.text, part.language) for part in parts)
    return bool(asked.dated) and _names_others(asked.dated, list(named))


def _names_others(
    asked: Mapping[str, frozenset[str]], parts: Sequence[Mapping[str, frozenset[str]]]
) -> bool:
    """Tell whether the first part that has some key asked has none of its values asked."""
    firsts = ((next((p[key] for p in parts if key in p), own), own) for key, own in asked.items())
    return any(not named & own for named, own in firsts)


def _years(text: Text) -> frozenset[str]:
    return stated(text.text, text.language).years


def _has_rival_number(asked: Asked, text: Text, around: Surroundings) -> bool:
    """Tell whether a sentence is of another thing of the same name: of GSR-24, and asked GSR-25.

    One that does not name it is of that which was named last before it, or in its headings.
    """
    around_it = (text, *around.before, around.context)
    if asked.designations:
        named = [designations(part.text) for part in around_it]
        if _names_others(asked.designations, named):
            return True
    parts = [fold(part.text) for part in around_it if asked.numbered]
    for stem, figures in asked.numbered.items():
        for part in parts:
            if any(is_numbered(stem, figure, part) for figure in figures):
                break
            if numbers_a_thing(stem, part):
                return True
    return False


def _around(asked: Asked, words: Sequence[Word], place: int) -> float:
    stretch = words[max(0, place - _WINDOW) : place + _WINDOW + 1]
    return asked.covered(term for term, _ in stretch)
