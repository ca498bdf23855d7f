"""Years, figures and designations: what is missing, and what is of a sibling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.values import Values, is_rival, missing, values_of
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
    assert not is_rival(own, [own])


def test_what_no_evidence_names_is_missing() -> None:
    asked = values_of("What did UNICEF pay for GSR-25 in 2023, of 40 parts?")
    named = values_of("In 2024 it paid for 12 parts of GSR-24.")
    assert missing(asked, named, "") == {"year": "2023", "figure": "40", "name": "gsr-25"}
    assert "name" not in missing(values_of("the ITU's"), Values(), "an itu report")


@pytest.mark.parametrize(
    ("question", "around", "rival"),
    [
        ("in 2025?", ["In 2024 it rained."], True),
        ("in 2025?", ["It rained.", "In 2024 and 2025 it snowed."], False),
        ("in 2025?", ["It rained.", "It snowed in 2023.", "2025"], True),
        ("in 2025?", ["It rained."], False),
        ("GSR-25?", ["GSR-24 met in Kampala."], True),
        ("GSR-25?", ["It met.", "GSR-25 is next, after GSR-24."], False),
        ("GSR-25?", ["WTSA-24 met in New Delhi."], False),
        ("Y.3174?", ["Y.3172 defines it."], True),
        ("Who?", ["In 2024 it rained."], False),
    ],
)
def test_a_sentence_is_of_the_year_and_the_sibling_named_last(
    question: str, around: list[str], rival: bool
) -> None:
    assert is_rival(values_of(question), [values_of(text) for text in around]) is rival
