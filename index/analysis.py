"""Keyword analysis: which terms of a text count as evidence, by language.

The same function serves passages at ingest and questions at search, so both sides of a
match are always reduced in the same way.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from threading import local

import Stemmer

from corpus.text import fold

# Recorded in the manifest; change it whenever the same text would give other terms.
ANALYSIS = "snowball-han-bigrams-1"

_STEMMERS = {"en": "english", "fr": "french", "es": "spanish", "ru": "russian", "ar": "arabic"}
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
# 10,000 and 11 000 (with a plain, no-break or narrow space) and 43.000 are one number.
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+(?![\d])")
_GROUPING = re.compile(r"[ ,.\u00a0\u202f]")
# A name that reads the same in every language: an acronym, a symbol with digits, a number.
_INVARIANT = re.compile(r"\d|^[A-Z][A-Z]+s?$")
_thread = local()


def terms(text: str, language: str) -> list[str]:
    """Return the stemmed terms of a text in reading order, function words left out.

    Chinese is cut into overlapping pairs of characters. A language without a stemmer keeps
    its words whole.
    """
    return [term for term, _ in analysed(text, language)]


def invariant_terms(text: str, language: str) -> list[str]:
    """Return the terms that also count in a text of another language.

    Numbers, acronyms and symbols are written alike everywhere; so are Latin words in a
    question in another script, which are names there.
    """
    foreign = language in {"ar", "ru", "zh"}
    return [term for term, word in analysed(text, language) if is_invariant(word, foreign=foreign)]


def is_invariant(word: str, *, foreign: bool = False) -> bool:
    """Tell whether a word is written alike in other languages; ``foreign``: in other scripts."""
    return bool(_INVARIANT.search(word)) or (foreign and word.isascii() and len(word) > 1)


def function_words(text: str, language: str) -> int:
    """Return how many of a text's words are function words of a language."""
    known = _function_words().get(language, frozenset())
    return sum(fold(word) in known for word in _words(text))


def analysed(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield each term together with the word that it comes from, in reading order."""
    dropped = _function_words().get(language, frozenset())
    for word in _words(text):
        folded = fold(word)
        if _is_han(word):
            yield from ((pair, word) for pair in _pairs(folded) if pair not in dropped)
        elif folded not in dropped or (len(word) > 1 and word.isupper() and word.isascii()):
            yield _stem(folded, language), word


def _words(text: str) -> Iterator[str]:
    joined = _GROUPED.sub(lambda match: _GROUPING.sub("", match.group()), text)
    yield from _TOKEN.findall(joined)


def _is_han(word: str) -> bool:
    return re.match(rf"[{_HAN}]", word) is not None


def _pairs(word: str) -> list[str]:
    return [word[i : i + 2] for i in range(len(word) - 1)] or [word]


def _stem(word: str, language: str) -> str:
    # In a text of another script, Latin words are foreign names: stemmed as English, so that
    # they meet the same names elsewhere.
    stemmer = _stemmer("en" if word.isascii() and language in {"ar", "ru", "zh"} else language)
    return stemmer.stemWord(word) if stemmer and not any(c.isdigit() for c in word) else word


def _stemmer(language: str) -> Stemmer.Stemmer | None:
    """A Stemmer keeps a cache that threads must not share."""
    if language not in _STEMMERS:
        return None
    cache = _thread.__dict__.setdefault("stemmers", {})
    if language not in cache:
        cache[language] = Stemmer.Stemmer(_STEMMERS[language])
    return cache[language]


@lru_cache(maxsize=1)
def _function_words() -> dict[str, frozenset[str]]:
    lists = tomllib.loads(files("index").joinpath("function_words.toml").read_text("utf-8"))
    return {language: frozenset(fold(words).split()) for language, words in lists.items()}
