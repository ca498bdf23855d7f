"""Years, figures and designations: what is missing, and what is of a sibling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.values import Values, missing, values_of
from corpus.text import fold


@pytest.mark.parametrize(
    ("text", "years", "figures", "designations", "acronyms"),
    [
        ("In 2024 it had 10,000 members and 43 000 guests.", "2024", "10000 43000", "", ""),
        ("GSR-24 and Y.3172, A/RES/78/265", "", "", "gsr-24 y.3172 a/res/78/265", ""),
        ("the budget of 2024-25, 2025/2026", "2024 2025 2026", "", "", ""),
        ("ما دور UNHCR في شبكة عام ٢٠٢٤؟", "2024", "", "", "unhcr"),
        ("第30届会议 WSIS+20", "", "", "", "wsis"),
        ("HOW MANY MEMBERS IN 2024", "2024", "", "", ""),
    ],
)
def test_values_are_told_by_digits_and_capitals(
    text: str, years: str, figures: str, designations: str, acronyms: str
) -> None:
    found = values_of(text)
    assert found.years >= set(years.split())
    assert found.figures >= set(figures.split())
    assert found.designations >= set(designations.split())
    assert found.acronyms >= set(acronyms.split())


@given(st.text())
def test_any_text_has_values_and_misses_none_of_its_own(text: str) -> None:
    own = values_of(text)
    assert missing(own, own, fold(text)) == {}


def test_what_no_evidence_names_is_missing() -> None:
    asked = values_of("What did UNICEF pay for GSR-25 in 2023, of 40 parts?")
    named = values_of("In 2024 it paid for 12 parts of GSR-24.")
    assert missing(asked, named, "") == {"year": "2023", "figure": "40", "name": "gsr-25"}
    assert "name" not in missing(values_of("the ITU's"), Values(), "an itu report")
