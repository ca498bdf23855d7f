"""Long sentences, shortened to the clauses that answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer_types import asked_kinds
from assistant.elision import LEAST, LONG, Sought, shortened
from assistant.query_engine import QueryEngine, open_query_engine
from corpus.settings import Settings
from eval.invariants import sentences_with_markers
from index.analysis import terms
from ingest.sync import sync
from tests.conftest import no_progress

LONG_SENTENCE = (
    "Founded in Ghent by a small circle of gardeners who had read too many books about bees, "
    "the Meadow network now counts wild bees with cameras in 210 gardens of 14 towns "
    "(from Bruges, by way of Lille, to Liège), "
    "while its members, who meet on the first Sunday of each month in the old greenhouse, "
    "exchange seeds and recipes for the preservation of plums, "
    "and keep a diary of the weather that goes back to the dry summer of 1976."
)


def _sought(question: str, language: str = "en") -> Sought:
    return Sought(language, frozenset(terms(question, language)), asked_kinds(question, language))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("…") if part.strip()]


def test_what_is_asked_stays_and_the_rest_is_marked_as_left_out() -> None:
    text = shortened(LONG_SENTENCE, "en", _sought("Where do members of the network meet?"))
    assert "who meet on the first Sunday of each month in the old greenhouse," in text
    assert text.startswith("… the Meadow network")
    assert text.endswith(" …")
    assert "1976" not in text
    assert LEAST <= len(text.split()) < LONG


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Who conducts the orchestra of the network?", "en"),  # too few of its terms
        ("Why does the Meadow network count bees?", "en"),
        ("What are the members of the network?", "en"),
        ("What is the purpose of the Meadow network?", "en"),
        ("Où se réunissent les membres de Meadow ?", "fr"),  # in another language
    ],
)
def test_it_stays_whole_where_the_answer_may_stand_anywhere(question: str, language: str) -> None:
    assert shortened(LONG_SENTENCE, "en", _sought(question, language)) == LONG_SENTENCE


def test_a_shorter_sentence_stays_whole() -> None:
    text = " ".join(LONG_SENTENCE.split()[:LONG])
    assert shortened(text, "en", _sought("Where do members of the network meet?")) == text


def test_every_number_or_date_stays_where_one_is_asked_for() -> None:
    filler = "and so it went on for the rest of that rather long and rainy season, " * 3
    text = f"In 1931 the atlas was printed, {filler}the atlas was sold in 1957, {filler}and lent."
    kept = shortened(text, "en", _sought("When was the atlas sold?"))
    assert "In 1931" in kept
    assert "in 1957" in kept
    assert kept.endswith(" …")
    named = shortened(text, "en", _sought("What atlas was sold?"))
    assert len(named.split()) >= LEAST


_PIECES = (
    "the lamp (which Ada, of Ghent, had mended) was lit",
    "on 3 March, 2026, and again on 5, 6 and 7 April",
    "it cost 1,250 francs and 10 000 more",
    "“so be it, then”, said the keeper",
    'he said "no, never" and left',
    "by the Ministry of Health, Labour and Welfare",
    "in Geneva, Switzerland, 2019",
    "which the board had asked for – as was known –",
    "and the tower stood",
)


@given(
    st.lists(st.sampled_from(_PIECES), min_size=4, max_size=14),
    st.sampled_from((", ", "; ", ": ", " – ")),
    st.lists(st.sampled_from(" ".join(_PIECES).split()), min_size=1, max_size=3),
)
def test_nothing_is_cut_inside_a_number_a_name_or_a_parenthesis(
    pieces: list[str], between: str, words: list[str]
) -> None:
    text = between.join(pieces) + "."
    for kinds in (frozenset[str](), frozenset({"name"}), frozenset({"number"})):
        wanted = frozenset(terms(" ".join(words), "en"))
        short = shortened(text, "en", Sought("en", wanted, kinds))
        (part,) = _parts(short)
        assert part in text
        assert len(part.split()) >= min(LEAST, len(text.split()))
        assert wanted & set(terms(part, "en")) == wanted & set(terms(text, "en"))
        assert part.count("(") == part.count(")")
        assert part.count("“") == part.count("”")
        assert part.count('"') % 2 == 0
        assert not part.startswith(("2026", "6 and", "000", "Labour", "Switzerland", "2019"))
        assert not part.endswith(("March,", "on 5,", "10", "Health,", "Geneva,", "Switzerland,"))


def test_many_clauses_are_left_alone() -> None:
    text = ", ".join(f"lamp {n} was lit" for n in range(2_000))
    assert shortened(text, "en", _sought("Which lamp was lit?")) == text


def test_an_answer_quotes_the_clauses_and_cites_the_sentence(settings_with_one: Settings) -> None:
    engine: QueryEngine = open_query_engine(settings_with_one)
    answer = engine.answer("Where do members of the Meadow network meet?")
    ((text, markers),) = [
        one for one in sentences_with_markers(answer.text) if "greenhouse" in one[0]
    ]
    assert text.startswith("… ")
    assert len(text.split()) < LONG
    citation = answer.citations[markers[0] - 1]
    assert citation.quote == LONG_SENTENCE
    assert all(part in citation.quote for part in _parts(text))


@pytest.fixture
def settings_with_one(settings: Settings) -> Settings:
    text = f"# Meadow network\n\n{LONG_SENTENCE} The museum of insects is closed on Mondays.\n"
    (settings.corpus / "meadow.md").write_text(text, encoding="utf-8")
    sync(settings, progress=no_progress)
    return settings
