"""Slips of the pen: a word that stands nowhere in the index is read as one that does.

Only where the index is mostly in the question's language; across languages every word would look
misspelt. A word that a dictionary of the language has is no slip, nor is a name read as a word that
is none. Words with a digit are never changed, only parted: gsr25 is read as gsr 25.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files

from spellchecker import SpellChecker

from corpus.text import fold
from index.analysis import analysed, terms
from index.records import Records

# Shorter words are too near to too many others. Of 3,440 questions of SQuAD and XQuAD over all
# their paragraphs, 74 are changed, and find theirs at MRR@10 .986, not .967.
_SHORTEST = 4
# Words of this many letters may have two slips, shorter ones one.
_TWO_SLIPS = 7
# A shorter word with another letter is mostly another word (prize, prime), which the dictionary may
# lack; in those only letters left out or swapped are slips.
_ANY_SLIP = 8
# Stems that are near may belong to words that are not (post, positive): those must be near too.
_FORM_SLIPS = 2
_LOOKED_UP = 3  # passages in which a stem's words are looked up
_WORD = re.compile(r"[^\W_]+(?:/(?=\s|$))?")
# A figure that stands for a word in a hasty message ("4 good") counts no things ("4 goods").
_FIGURE = re.compile(r"(?<=[^\W\d_] )\d(?= [^\W\d_]*[^\W\d_s](?: |$))")
_PARTS = re.compile(r"\d+|[^\W\d_]+")


def corrected(question: str, language: str, records: Records) -> str:
    """Return a question with its slips mended, and what is written for short in full.

    Of several equally near words the one in most passages is taken. A question without a slip
    is returned as it is.
    """
    written = list(dict.fromkeys(_WORD.findall(question)))
    in_full = _table("short_words").get(language, {})
    # A capital by itself is a name, as in ITU-R.
    hasty = (word for word in written if fold(word) in in_full and not word.isupper())
    read_as = {word: in_full[fold(word)] for word in hasty}
    stems = {word: terms(word, language) for word in written if word not in read_as}
    known = records.passage_counts(stem for found in stems.values() for stem in found)
    for word, found in stems.items():
        if len(found) == 1 and found[0] not in known:
            read_as[word] = _mended(word, found[0], language, records)
    mended = _WORD.sub(lambda match: read_as.get(match.group(), match.group()), question)
    if mended == question or question != question.lower():
        return mended
    figures = _table("short_figures").get(language, {})
    return _FIGURE.sub(lambda match: figures.get(match.group(), match.group()), mended)


def slips(one: str, other: str, most: int) -> int:
    """Return how many letters are wrong, missing, added or swapped; ``most`` + 1 where more are.

    The restricted Damerau-Levenshtein distance.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def _mended(word: str, term: str, language: str, records: Records) -> str:
    """Return what a word is read as whose term stands nowhere; itself, where nothing is near."""
    if any(c.isdigit() for c in term):
        parts = _PARTS.findall(term)
        return " ".join(parts) if len(records.passage_counts(parts)) == len(set(parts)) else word
    dictionary = _dictionary(language)
    if dictionary and word.lower() in dictionary:
        return word
    near = _nearest(term, records) if len(term) >= _SHORTEST else None
    if near:
        return _as_written(near, word, language, records)
    return _by_dictionary(word, dictionary, language, records) if dictionary else word


def _by_dictionary(word: str, dictionary: SpellChecker, language: str, records: Records) -> str:
    """Return the commonest word of a language one slip away, if passages hold it; else itself.

    It begins alike. Not for names, and not for the shortest words, as everything is near to those.
    """
    if not word.islower() or len(word) < _SHORTEST:
        return word
    other = dictionary.correction(word) or word
    found = terms(other, language)
    alike = other[0] == word[0] and found and records.passage_counts(found)
    return other if alike else word


def _nearest(term: str, records: Records) -> str | None:
    most = 2 if len(term) >= _TWO_SLIPS else 1
    best: tuple[int, int, str] | None = None
    for other, count in records.vocabulary(term[0], len(term) - most, len(term) + most):
        distance = slips(term, other, most)
        if distance > most or any(c.isdigit() for c in other):
            continue
        if len(term) < _ANY_SLIP and not _left_out(term, other):
            continue
        best = min(best or (distance, -count, other), (distance, -count, other))
    return best[2] if best else None


def _left_out(term: str, other: str) -> bool:
    """Tell whether a word is another with letters left out or swapped."""
    if len(term) == len(other):
        return sorted(term) == sorted(other)
    letters = iter(other)
    return len(term) < len(other) and all(letter in letters for letter in term)


def _as_written(stem: str, word: str, language: str, records: Records) -> str:
    """Return the nearest word with this stem in the passages where it weighs most."""
    rows = [row for row, _ in records.keyword_search([stem], _LOOKED_UP, [language])]
    found = {
        other
        for passage in records.passages(rows).values()
        for term, other in analysed(" ".join((*passage.section, passage.text)), language)
        if term == stem
    }
    named = not word.islower()
    found = {other for other in found if not (named and other.islower())}
    near = {other: slips(fold(word), fold(other), _FORM_SLIPS) for other in sorted(found)}
    best = min(near, key=lambda other: near[other], default=word)
    if near.get(best, _FORM_SLIPS + 1) > _FORM_SLIPS:
        return word
    # Who writes without capitals demands no name; a heading's capitals would be read as one.
    return best if named else best.lower()


@lru_cache(maxsize=8)
def _dictionary(language: str) -> SpellChecker | None:
    """Return the dictionary of a language; None where none is at hand, as for Chinese."""
    if language not in SpellChecker.languages():
        return None
    return SpellChecker(language, distance=1)


@lru_cache(maxsize=2)
def _table(name: str) -> dict[str, dict[str, str]]:
    """Return a table of ``question_words.toml``: by language, what is written for what."""
    text = files("assistant.rules").joinpath("question_words.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)[name]
    return found
