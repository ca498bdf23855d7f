"""Years, figures and designations that a question names, so that a refusal can say what is missing.

They are told, in any language, by digits and capitals alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.text import fold

_YEAR = re.compile(r"(?:19|20)\d\d")
# 10,000 and 11 000 (with a plain, no-break or narrow space) and 43.000 are one number.
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ ,.\u00a0\u202f]\d{3})+(?!\d)")
# Digits that stand by themselves, at most behind a mark: not those in 5G or Y.3172.
_NUMBER = re.compile(r"(?<![\w./-])\d+(?![\w])")
# Letters, then digits behind a mark or none: GSR-25, Y.3174, A/RES/78/310, C25/INF/12, 5G.
_DESIGNATION = re.compile(r"(?<!\w)(?=[\w./-]*[^\W\d_])(?=[\w./-]*\d)\w+(?:[./-]\w+)*(?!\w)")
# Written alike in every language: an abbreviation in Latin capitals.
_ACRONYM = re.compile(r"(?<![A-Za-zÀ-ÿ0-9])[A-Z][A-Z]+s?(?![A-Za-zÀ-ÿ0-9])")


@dataclass(frozen=True)
class Values:
    """What a text names: years, other figures, designations (folded), and abbreviations."""

    years: frozenset[str] = frozenset()
    figures: frozenset[str] = frozenset()
    designations: frozenset[str] = frozenset()
    acronyms: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing of the kind."""
        return not (self.years or self.figures or self.designations or self.acronyms)


def values_of(text: str) -> Values:
    """Return the values that a text names."""
    joined = _GROUPED.sub(lambda found: re.sub(r"\D", "", found.group()), text)
    folded = fold(joined)
    numbers = frozenset(_NUMBER.findall(folded))
    years = frozenset(number for number in numbers if _YEAR.fullmatch(number))
    # 2024-25 and 2024/2025 name both years; what stands behind letters is a designation's.
    years |= frozenset(_YEAR.findall(" ".join(re.findall(r"(?<!\w)[\d/–-]+(?!\w)", folded))))
    designations = frozenset(_DESIGNATION.findall(folded)) - numbers
    # In a text without small letters, capitals tell nothing; other scripts have neither.
    is_shouted = all(letter.isupper() for letter in text if letter.isalpha()) and " " in text
    acronyms = frozenset() if is_shouted else frozenset(map(fold, _ACRONYM.findall(text)))
    return Values(years, numbers - years, designations, acronyms)


def missing(asked: Values, named: Values, text: str) -> dict[str, str]:
    """Return a value of each kind that the question names and no evidence does.

    ``named`` are the values of the evidence, ``text`` its words, folded: an abbreviation that is
    part of a word there is not missing.
    """
    lost = {
        "year": asked.years - named.years,
        "figure": asked.figures - named.figures - named.years,
        "name": {
            name
            for name in (asked.designations - named.designations)
            | (asked.acronyms - named.acronyms)
            if name not in text
        },
    }
    return {kind: min(found) for kind, found in lost.items() if found}
