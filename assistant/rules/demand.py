"""What a question demands: a kind of value, years, figures and names that the evidence must bear.

Read from question words, digits and capitals alone, by the tables in ``demand.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from assistant.rules.memo import once_a_question
from corpus.text import fold
from index.analysis import function_words, invariant_terms, terms

KINDS = ("quantity", "percentage", "money", "time", "person", "place", "reason")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# Years by their last digits: 2024-25, 24/25 (but 11/12 is a day), '25, and after a season.
_SHORT_YEARS = re.compile(
    r"(?<![\d/])(?P<first>20\d\d(?=[/-])|(?:1[3-9]|[2-9]\d)(?=/))[/-](?P<second>\d\d)(?![\d/-])"
    r"|(?<!\w)'(?P<one>\d\d)(?!\d)"
)
# 11 000, 11,000 and 11.000 are one number; so are the parts of a number that a dot divides not.
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+(?!\d)")
# Digits by themselves: not those in 5G or U4SSC, but that in 第30 and that in PP-22.
_DIGITS = re.compile(r"(?<![a-z\d])\d+(?![a-z\d])")
_ORDINAL = re.compile(
    r"(?<![\w.])(\d{1,2})(?:st|nd|rd|th|e|er|eme|ème|º|ª|o|a|-й|-я|-е|-го)(?!\w)|第(\d{1,2})"
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
# Question words that are relative pronouns too ask only where they open a clause.
_OPENING = frozenset({"person", "place", "time"})
_CLAUSE = re.compile(r"[,;:.?!،؟¿¡]|(?<!\w)(?:and|et|y|и)(?!\w)")
# A year with the words right before and after it.
_DATED = re.compile(r"(?:([^\W\d_]+) )?((?<!\d)(?:19|20)\d\d(?!\d))(?= ([^\W\d_]+)|)")
# A designation: letters, then parts behind a hyphen, dot or slash: GSR-25, Y.3174, A/RES/78/310.
_DESIGNATION = re.compile(r"(?<![a-z0-9./-])([a-z]+(?:[-./][a-z0-9]+)*)[-./]([a-z0-9]*\d[a-z0-9]*)")
# What begins with letters and has digits behind a mark: GSR-24, P.565, A/RES/78/310, WSIS+20.
_DESIGNATED = re.compile(r"(?<![a-z0-9])[a-z]+(?:[-./][a-z0-9]+)*[-./+][a-z0-9]*\d[a-z0-9./-]*")
# A word within a sentence with the numbers right after it: Study Groups 2, 5 and 11.
_NAMED_BY_NUMBER = re.compile(
    r"(?P<name>[^\W\d_][\w’'-]*)[ \u00a0-]"
    r"(?P<number>\d+(?:\.\d+)?(?:(?:, ?| and | et | y | и |/)\d+)*)(?![\d\w])"
)
_STOPS = frozenset(".!?:|\n")
_BEFORE = 2  # words, as in "in the year when" and "to whom"
_CENTURY_BEFORE = r"\g<season> 20\g<year>"
_CAPITALS = re.compile(r"[A-Z]{2,}|[A-Z]+\d|\d[A-Z]+")


@dataclass(frozen=True)
class Demand:
    """What must be borne out: ``kinds`` of value, years, figures in digits, ordinals,
    cardinals by word, names.

    ``names`` maps each name as the question writes it to its terms; in another language than the
    question's only ``invariant`` names can be looked for. ``numbered`` has the stem of a word with
    the figure that follows it, as in Group 16; ``counted`` a number with the stem of the word that
    it counts, as in nine groups.
    """

    kinds: frozenset[str]
    years: frozenset[str]
    figures: frozenset[str]
    ordinals: frozenset[str]
    cardinals: frozenset[str]
    names: Mapping[str, frozenset[str]]
    invariant: frozenset[str]
    numbered: frozenset[tuple[str, str]]
    counted: frozenset[tuple[str, str]]


def demand(question: str, language: str) -> Demand:
    """Return what a question in one of the six UN languages demands."""
    folded = fold(question)
    years, figures = _years_and_figures(folded)
    spoken = fold(_CAPITALS.sub(" ", question))  # WHO is no question word
    kinds = frozenset(kind for kind in KINDS if _asks(kind, spoken, language))
    names = _names(question, language)
    foreign = language in {"ar", "ru", "zh"}
    invariant = frozenset(n for n in names if foreign and invariant_terms(n, language))
    return Demand(
        kinds,
        years,
        figures - _ordinals(folded, language),
        _ordinals(folded, language),
        _cardinals(folded, language),
        names,
        invariant,
        _numbered(folded, language),
        frozenset(counts(folded, language)),
    )


@dataclass(frozen=True)
class Stated:
    """What a text states, of that which can be demanded.

    ``amounts`` are those numbers that may count or measure something: none of a date, none within
    a designation, as in GSR-24, and none that tells namesakes apart, as in Study Group 13.
    """

    years: frozenset[str]
    numbers: frozenset[str]
    amounts: frozenset[str]
    ordinals: frozenset[str]
    months: bool
    money: bool
    percent: bool
    names: frozenset[str]
    initials: str

    def beside(self, other: Stated) -> Stated:
        """Return what this text and another one state together."""
        return Stated(
            self.years | other.years,
            self.numbers | other.numbers,
            self.amounts | other.amounts,
            self.ordinals | other.ordinals,
            self.months or other.months,
            self.money or other.money,
            self.percent or other.percent,
            self.names | other.names,
            f"{self.initials} {other.initials}",
        )


@once_a_question
def stated(text: str, language: str) -> Stated:
    """Return the years, numbers, units and names that stand in a text."""
    folded = fold(text)
    years, figures = _years_and_figures(folded)
    return Stated(
        years,
        figures | _cardinals(folded, language),
        _amounts(text, language),
        _ordinals(folded, language),
        bool(_months().search(folded)),
        bool(_money().search(folded)),
        "%" in folded or bool(_pattern("percentage", language).search(folded)),
        frozenset(map(fold, _capitalised(text))),
        "".join(word[0] for word in _WORD.findall(text) if word[0].isupper()),
    )


def _asks(kind: str, folded: str, language: str) -> bool:
    pattern = _pattern(kind, language)
    if kind not in _OPENING or language in {"ar", "zh"}:
        return bool(pattern.search(folded))
    return any(
        len(clause[: found.start()].split()) <= _BEFORE
        for clause in _CLAUSE.split(folded)
        for found in pattern.finditer(clause)
    )


@once_a_question
def names_nothing(text: str, language: str) -> bool:
    """Tell whether a sentence has no name, so that what it speaks of was named before.

    Arabic and Chinese have no capitals to tell names by: there False.
    """
    return language not in {"ar", "zh"} and not any(True for _ in _capitalised(text))


def _years_and_figures(folded: str) -> tuple[frozenset[str], frozenset[str]]:
    folded = _in_full_years(folded)
    years = frozenset(_YEAR.findall(_GROUPED.sub(" ", folded)))  # 2 000 people are no year
    joined = _GROUPED.sub(lambda found: re.sub(r"\D", "", found.group()), folded)
    return years, frozenset(_DIGITS.findall(joined)) - years


@once_a_question
def countable(text: str) -> str:
    """Return a text, folded, without the numbers that are part of a date or of a name."""
    named = fold(_NAMED_BY_NUMBER.sub(_name_alone, text))
    return _DESIGNATED.sub(" ", _days().sub(" ", named))


def _amounts(text: str, language: str) -> frozenset[str]:
    folded = countable(text)
    return _years_and_figures(folded)[1] | _cardinals(folded, language)


def _name_alone(found: re.Match[str]) -> str:
    """Return a name without the number behind it; what opens a sentence is no name."""
    before = found.string[: found.start()].rstrip()
    opens = not before or before[-1] in _STOPS
    return found.group() if opens or not found["name"][0].isupper() else found["name"]


def _in_full_years(folded: str) -> str:
    return _seasons().sub(_CENTURY_BEFORE, _SHORT_YEARS.sub(_in_full, folded))


def _in_full(found: re.Match[str]) -> str:
    """Write years in full that are given by their last digits; leave what is none."""
    if found["one"]:
        return f" 20{found['one']}"
    first, second = found["first"][-2:], found["second"]
    return f"20{first}/20{second}" if int(second) == int(first) + 1 else found.group()


def counts(folded: str, language: str) -> set[tuple[str, str]]:
    """Return each number of a folded text, as digits, with the stem of the word after it."""
    joined = _GROUPED.sub(lambda found: re.sub(r"\D", "", found.group()), folded)
    words = _tables()["cardinals"].get(language, "").split()
    values = {fold(word): str(n) for n, word in enumerate(words, 2)}
    found: set[tuple[str, str]] = set()
    for number, word in re.findall(r"(?<![\w.])(\w+)\s+([^\W\d_]{3,})", joined):
        value = number if number.isdigit() else values.get(number)
        if value and not _YEAR.fullmatch(value) and not _months().search(word):
            found.update((value, stem) for stem in terms(word, language)[:1])
    return found


def is_numbered(stem: str, figure: str, folded: str) -> bool:
    """Tell whether a word with this stem, or a list that it opens, has this figure in a text."""
    listed = r"(?:[\W_]+(?:\d[\d.]*|and|et|y|и|to|a))*?[\W_]+"
    return bool(re.search(rf"(?<!\w){re.escape(stem)}\w*{listed}{figure}(?!\d)", folded))


def numbers_a_thing(stem: str, folded: str) -> bool:
    """Tell whether a word with this stem has any figure after it in a folded text."""
    return bool(re.search(rf"(?<!\w){re.escape(stem)}\w*[ \u00a0-]{{1,2}}\d+(?![\da-z])", folded))


def _numbered(folded: str, language: str) -> frozenset[tuple[str, str]]:
    found = set()
    pairs = re.findall(r"([^\W\d_]{3,})[ \u00a0-]{1,2}(\d+)(?![\da-z])", _in_full_years(folded))
    for word, figure in pairs:
        stem = "".join(terms(word, language)[:1])
        if stem and not _YEAR.fullmatch(figure) and not _months().search(word):
            found.add((stem, figure))
    return frozenset(found)


def _ordinals(folded: str, language: str) -> frozenset[str]:
    found = {number for pair in _ORDINAL.findall(folded) for number in pair if number}
    return _by_word(_tables()["ordinals"].get(language, {}), folded, language) | found


def _cardinals(folded: str, language: str) -> frozenset[str]:
    words = _tables()["cardinals"].get(language, "").split()
    return _by_word({str(n): word for n, word in enumerate(words, 2)}, folded, language)


def _by_word(table: Mapping[str, str], folded: str, language: str) -> frozenset[str]:
    """Return the numbers whose words stand in a folded text."""
    if language == "zh":
        return frozenset(value for value, words in table.items() if _any_in(words, folded))
    found = set(_WORD.findall(folded))
    return frozenset(value for value, words in table.items() if found & set(fold(words).split()))


def figures_by_stem(question: str, language: str) -> dict[str, frozenset[str]]:
    """Return the stem of each word that a question numbers, with the figures that it gives it."""
    wanted = demand(question, language)
    folded = fold(question)
    return {
        stem: frozenset(one for one in wanted.figures if is_numbered(stem, one, folded))
        for stem, _ in wanted.numbered
    }


@once_a_question
def years_by_stem(text: str, language: str) -> Mapping[str, frozenset[str]]:
    """Return the stem of each word that stands right beside a year, with its years: 2024 summit.

    Months and seasons are left out: they only say when in the year.
    """
    folded = _in_full_years(fold(text))
    found: dict[str, frozenset[str]] = {}
    for before, year, after in _DATED.findall(folded):
        for word in (before, after):
            if word and not _months().search(word) and not _seasons().search(f"{word} {year[2:]}"):
                for stem in terms(word, language)[:1]:
                    found[stem] = found.get(stem, frozenset()) | {year}
    return found


@once_a_question
def designations(text: str) -> Mapping[str, frozenset[str]]:
    """Return the last parts of designations by what stands before them: {"gsr": {"25"}}.

    Such as differ in the last part alone name siblings. A year behind a word is no such part.
    """
    found: dict[str, frozenset[str]] = {}
    for family, last in _DESIGNATION.findall(fold(text)):
        if not _YEAR.fullmatch(last):
            found[family] = found.get(family, frozenset()) | {last}
    return found


def spelled(question: str, language: str) -> list[tuple[str, str]]:
    """Return each ordinal that a question writes as a word, with a word for another one."""
    order = [words.split() for words in _tables()["ordinals"].get(language, {}).values()]
    found = []
    for n, words in enumerate(order):
        other = order[(n + 3) % len(order)]
        for place, word in enumerate(words):
            if _asks_word(word, question, language):
                found.append((word, other[min(place, len(other) - 1)]))
    return found


def _asks_word(word: str, question: str, language: str) -> bool:
    return word in question if language == "zh" else word in _WORD.findall(question)


def _any_in(words: str, text: str) -> bool:
    return any(word in text for word in words.split())


def _names(question: str, language: str) -> dict[str, frozenset[str]]:
    """Return the names of a question: capitals within it, acronyms, Latin words elsewhere.

    A question that is written in capitals throughout has none; one of names alone has.
    """
    # Arabic and Chinese have no capitals, so that an abbreviation makes a question "upper".
    capitals = question.isupper() and language not in {"ar", "zh"}
    if capitals and function_words(question, language):
        return {}
    words = _WORD.findall(question)
    named = [w for n, w in enumerate(words) if (n and w[0].isupper()) or _CAPITALS.search(w)]
    if language in {"ar", "ru", "zh"}:
        latin = [word for word in words if word.isascii() and len(word) > 1 and word.isalpha()]
        named += [word for word in latin if not function_words(word, "en") or word.isupper()]
    found = ((word, frozenset(terms(word, language))) for word in dict.fromkeys(named))
    return {word: own for word, own in found if own and not word.isdigit()}


@once_a_question
def name_terms(text: str, language: str) -> frozenset[str]:
    """Return the terms of the names in a text; none in Arabic and Chinese, without capitals."""
    if language in {"ar", "zh"}:
        return frozenset()
    return frozenset(terms(" ".join(_capitalised(text)), language))


@once_a_question
def capitalised_terms(text: str, language: str) -> frozenset[str]:
    """Return the terms of the capitalised words of a text, of those too that begin a sentence."""
    words = (word for word in _WORD.findall(text) if word[0].isupper())
    return frozenset(terms(" ".join(words), language))


def _capitalised(text: str) -> Iterable[str]:
    """Yield the capitalised words of a text that do not begin a sentence."""
    previous_end = 0
    for found in _WORD.finditer(text):
        word = found.group()
        if word[0].isupper():
            between = text[previous_end : found.start()]
            begins = not previous_end or not _STOPS.isdisjoint(between)
            if not begins or _CAPITALS.search(word):
                yield word
        previous_end = found.end()


@lru_cache(maxsize=128)
def _pattern(kind: str, language: str) -> re.Pattern[str]:
    return _matcher(_tables()["kind"][kind].get(language, []))


@lru_cache(maxsize=1)
def _months() -> re.Pattern[str]:
    words = [word for line in _tables()["months"].values() for word in line.split()]
    months = _matcher(words).pattern
    return re.compile(rf"{months}|\d+\s*月|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{4}}|\d{{1,2}}/\d{{4}}")


@lru_cache(maxsize=1)
def _days() -> re.Pattern[str]:
    """Return a pattern for the days of dates: 2 and 3 December, 15 to 26 July, 7月14日."""
    words = [word for line in _tables()["months"].values() for word in line.split()]
    months = rf"(?:{_matcher(words).pattern})"
    day = r"(?<!\d)\d{1,2}(?:st|nd|rd|th|er|-?го)?(?!\d)"
    days = rf"{day}(?:[ \u00a0-]{{1,2}}(?:\w{{1,3}} |و)?{day})*"
    return re.compile(
        rf"{days}[ \u00a0](?:de |of )?{months}|{months} {days}"
        r"|\d+\s*[年月日号]|\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{4}"
    )


@lru_cache(maxsize=1)
def _seasons() -> re.Pattern[str]:
    words = [word for line in _tables()["seasons"].values() for word in line.split()]
    return re.compile(rf"(?P<season>{_matcher(words).pattern}) '?(?P<year>\d\d)(?!\d)")


@lru_cache(maxsize=1)
def _money() -> re.Pattern[str]:
    return _matcher(_tables()["money"]["units"].split())


def _matcher(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of the phrases; whole words, but in Chinese."""
    parts = []
    for phrase in phrases:
        words = re.escape(fold(phrase).removesuffix("*"))
        open_end = phrase.endswith("*") or not words[-1].isalnum() or _HAN.search(words)
        start = "" if _HAN.search(words) or not words[0].isalnum() else r"(?<!\w)"
        end = "" if open_end else r"(?!\w)"
        parts.append(start + words + end)
    return re.compile("|".join(parts) or r"(?!)")


@lru_cache(maxsize=1)
def _tables() -> dict[str, Any]:
    return tomllib.loads(
        files("assistant.rules").joinpath("demand.toml").read_text(encoding="utf-8")
    )
