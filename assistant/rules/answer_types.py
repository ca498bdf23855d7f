"""What kind of answer a question asks for, and whether a sentence states one of that kind.

Kinds are those of ``question_words.toml``: a number, a date, a name, a reason, the meaning of an
abbreviation. They are told by closed-class words alone, and are evidence, never a condition.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from assistant.rules.acronyms import acronyms
from assistant.rules.memo import once_a_question
from corpus.text import fold
from index.analysis import terms

Word = tuple[str, str]  # a term and the word that it comes from, as index.analysis gives them

_YEAR = re.compile(r"(?:1[89]|20)\d\d")
# An adverb or two may stand before a pronoun that is the subject.
_OPENING_WORDS = 3
_CLAUSE_MARK = re.compile(r"[,;:،؛–—()]")


def asked_kinds(question: str, language: str) -> frozenset[str]:
    """Return the kinds of answer that a question asks for; none where its words do not say."""
    text = fold(question)
    patterns = _patterns("asks")
    return frozenset(
        kind
        for kind, found in patterns.items()
        if language in found and found[language].search(text)
    )


def stated_places(
    kind: str, words: Sequence[Word], text: str, language: str, known: frozenset[str]
) -> list[int]:
    """Return at which words a sentence states something of a kind.

    ``known`` are the question's terms: what the question says itself is no answer to it. A reason
    and a meaning stand for the whole sentence, as place 0.
    """
    if kind == "number":
        return [n for n, word in enumerate(words) if _is_number(word, language, known)]
    if kind == "date":
        return _dates(words, language, known)
    if kind == "name":
        return _names(words, known)
    if kind == "meaning":
        return [0] if any(one.short_terms <= known for one in acronyms(text, language)) else []
    pattern = _patterns("states")[kind].get(language)
    return [0] if pattern and pattern.search(fold(text)) else []


def counting_places(words: Sequence[Word], language: str, known: frozenset[str]) -> list[int]:
    """Return at which words a sentence states a number that is no year."""
    return [
        n
        for n, word in enumerate(words)
        if _is_number(word, language, known) and not _YEAR.fullmatch(word[0])
    ]


@lru_cache(maxsize=8)
def meaning_terms(language: str) -> frozenset[str]:
    """Return the terms of the words with which the meaning of an abbreviation is asked for."""
    return frozenset(terms(_lists()["words"]["meaning"].get(language, ""), language))


@once_a_question
def needs_the_one_before(text: str, language: str) -> bool:
    """Tell whether a sentence speaks of what is named before it, by a pronoun.

    One that opens or closes it, or an object within its first clause, as nothing can be that and
    the subject ("Italy set it up in May").
    """
    folded = fold(text)
    opening = _words("opening_pronouns").get(language, frozenset())
    if language == "zh":
        return folded.startswith(tuple(opening))
    words = re.findall(r"\w+", folded)
    closing = _words("closing_pronouns").get(language, frozenset())
    if not words or words[0] in opening or words[-1] in closing:
        return bool(words)
    before = [not word[0].isupper() for word in re.findall(r"\w+", text)[1:_OPENING_WORDS]]
    subject = _words("subject_pronouns").get(language, frozenset())
    if all(before) and not subject.isdisjoint(words[:_OPENING_WORDS]):
        return True
    objects = _words("object_pronouns").get(language, frozenset())
    behind = _words("words_before_objects").get(language, frozenset())
    after = _words("words_after_objects").get(language, frozenset())
    clause = re.findall(r"\w+", fold(_first_clause(text, language)))
    placed = zip(["", *clause], clause, [*clause[1:], ""], strict=False)
    return any(
        word in objects and (former in behind or not other or other in after)
        for former, word, other in placed
    )


def _first_clause(text: str, language: str) -> str:
    """Return a sentence up to the first mark or word that opens another clause."""
    opening = _words("clause_openings").get(language, frozenset())
    words = _CLAUSE_MARK.split(text)[0].split()
    end = next((n for n, word in enumerate(words) if n and fold(word) in opening), len(words))
    return " ".join(words[:end])


@once_a_question
def has_pronoun(text: str, language: str) -> bool:
    """Tell whether a sentence has a pronoun for a thing, as in "Italy set it up in May"."""
    closing = _words("closing_pronouns").get(language, frozenset())
    return not closing.isdisjoint(re.findall(r"\w+", fold(text)))


def _is_number(word: Word, language: str, known: frozenset[str]) -> bool:
    term, written = word
    if term in known:
        return False
    return written[0].isdecimal() or fold(written) in _words("numbers").get(language, frozenset())


def _dates(words: Sequence[Word], language: str, known: frozenset[str]) -> list[int]:
    months = _words("months").get(language, frozenset())
    places = []
    for n, (term, written) in enumerate(words):
        if term in known:
            continue
        near = [other for _, other in words[max(0, n - 1) : n + 2] if other[0].isdecimal()]
        if _YEAR.fullmatch(term) or (near and fold(written) in months):
            places.append(n)
    return places


def _names(words: Sequence[Word], known: frozenset[str]) -> list[int]:
    return [
        n
        for n, (term, written) in enumerate(words)
        if term not in known and written[0].isupper() and (n or written.isupper())
    ]


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, dict[str, str]]]:
    text = files("assistant.rules").joinpath("question_words.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    return found


@lru_cache(maxsize=2)
def _patterns(part: str) -> dict[str, dict[str, re.Pattern[str]]]:
    return {
        kind: {language: re.compile(pattern) for language, pattern in by_language.items()}
        for kind, by_language in _lists()[part].items()
    }


@lru_cache(maxsize=4)
def _words(name: str) -> dict[str, frozenset[str]]:
    return {key: frozenset(fold(words).split()) for key, words in _lists()["words"][name].items()}
