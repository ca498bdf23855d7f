"""What a question asks for, slips, abbreviations, lists, and why a document is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.acronyms import acronyms, both_ways
from assistant.answer_types import asked_kinds, needs_the_one_before, stated_places
from assistant.demand import demand
from assistant.features import Asked, Surroundings, analysed_text, features
from assistant.lists import whole_lists
from assistant.query_engine import QueryEngine
from assistant.question import question_language
from assistant.ranking import FITTED, coefficients
from assistant.spelling import corrected, slips
from assistant.why import Outcome, explain
from corpus.documents import Sentence, Span
from index.analysis import analysed, terms
from index.filters import FILTERS
from index.records import SentenceRow
from ingest.passages import cut_passages
from ingest.readers import read


@pytest.mark.parametrize(
    ("language", "question", "kind"),
    [
        ("en", "How many gardens are there?", "number"),
        ("fr", "Combien de jardins y a-t-il ?", "number"),
        ("en", "What is the annual budget of the network?", "number"),
        ("fr", "Quelle est la superficie du jardin ?", "number"),
        ("es", "¿Cuál es el presupuesto de la red?", "number"),
        ("ru", "Каков бюджет сети?", "number"),
        ("ar", "ما هي ميزانية الشبكة؟", "number"),
        ("zh", "网络的预算是多少？", "number"),
        ("es", "¿Cuándo se fundó la red?", "date"),
        ("ru", "Когда основана сеть?", "date"),
        ("ar", "متى تأسست الشبكة؟", "date"),
        ("zh", "谁主持委员会？", "name"),
        ("en", "Who chairs the board?", "name"),
        ("en", "Why was the lighthouse moved?", "reason"),
        ("en", "What does MBN stand for?", "meaning"),
        ("ru", "Как расшифровывается MBN?", "meaning"),
        ("en", "What is the aim of the network?", "purpose"),
        ("en", "Which gardens take part?", "list"),
    ],
)
def test_a_question_says_what_kind_of_answer_it_wants(
    language: str, question: str, kind: str
) -> None:
    assert kind in asked_kinds(question, language)


@pytest.mark.parametrize(
    ("kind", "text", "stated"),
    [
        ("number", "It counts in 210 gardens.", True),
        ("number", "It counts in twelve gardens.", True),
        ("number", "It counts in gardens.", False),
        ("date", "It was opened on 5 June.", True),
        ("date", "It was opened in 1998.", True),
        ("date", "It may be opened by 12 people.", False),
        ("name", "The board is led by Ana Ruiz.", True),
        ("name", "The board has a chair.", False),
        ("reason", "It was moved because of the sea.", True),
    ],
)
def test_a_sentence_states_a_kind_or_does_not(kind: str, text: str, stated: bool) -> None:
    words = list(analysed(text, "en"))
    assert bool(stated_places(kind, words, text, "en", frozenset())) is stated


def test_what_the_question_says_is_no_answer() -> None:
    text = "In 2024 it grew."
    words = list(analysed(text, "en"))
    assert stated_places("date", words, text, "en", frozenset(terms("2024", "en"))) == []


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("genral", "general", 1), ("recieve", "receive", 1), ("cat", "dog", 3), ("board", "board", 0)],
)
def test_slips_are_counted(one: str, other: str, count: int) -> None:
    assert slips(one, other, 3) == count


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("how mny gardns", "how many gardens"),
        ("wen is teh stering board", "when is teh steering board"),
        # The index holds no such stem within reach, but the dictionary has the word.
        ("how mny gardns 4 bee netwrk", "how many gardens for bee network"),
    ],
)
def test_slips_are_read_as_what_the_documents_say(
    engine: QueryEngine, written: str, read: str
) -> None:
    found = corrected(written, "en", engine.retriever.generation.records)
    assert found.casefold() == read


def test_a_question_without_slips_stays_as_it_is(engine: QueryEngine) -> None:
    question = "How many gardens does the bee network count in? A prize in cash!"
    assert corrected(question, "en", engine.retriever.generation.records) == question


@pytest.mark.parametrize(
    "question",
    [
        "Which county pays?",  # near to country, but a word
        "Does ITU-R Study Group 5 count gardens?",  # R is no "are" here
        "Who is Countess Gardner?",  # a name is not read as a word that is none
        "how many gardens in phase 2 of it",
        "which oard counts bees",  # board begins otherwise
    ],
)
def test_what_is_no_slip_is_left_alone(engine: QueryEngine, question: str) -> None:
    assert corrected(question, "en", engine.retriever.generation.records) == question


def test_a_word_mended_in_a_hasty_message_is_no_name(engine: QueryEngine) -> None:
    read = corrected("wat is teh meadw bee netwrk", "en", engine.retriever.generation.records)
    assert read == "what is teh meadow bee network"
    assert not demand(read, "en").names


def test_a_misspelt_question_is_answered(engine: QueryEngine) -> None:
    assert "210" in engine.answer("how mny gardns dos the bee netwrk count in").text


def test_a_few_words_are_in_the_usual_language() -> None:
    assert question_language("resoluton wtsa numbr", "en") == "en"
    assert question_language("Quelles organisations dirigent cette initiative ?", "en") == "fr"
    assert question_language("Сколько стран?", "en") == "ru"
    assert question_language("¿Quién preside AI for Good?", "en") == "es"


@pytest.mark.parametrize(
    ("sentence", "language", "needs"),
    [
        ("It was founded in 2019.", "en", True),
        ("The mayor of Ghent opened it.", "en", True),
        ("Italy founded it in May.", "en", False),
        ("« Elle » a commencé en mai.", "fr", True),
        ("Она началась в мае.", "ru", True),
        ("هي شبكة كبيرة.", "ar", True),
        ("它成立于2019年。", "zh", True),
        ("该网络很大。", "zh", True),
        ("网络很大。", "zh", False),
        ("", "en", False),
    ],
)
def test_a_sentence_may_need_the_one_before(sentence: str, language: str, needs: bool) -> None:
    assert needs_the_one_before(sentence, language) is needs


def test_abbreviations_are_read_from_the_text() -> None:
    text = "The Meadow Bee Network (MBN) was founded by the Office for Bees (OB) and (see 3)."
    found = acronyms(text, "en")
    assert [(one.short, one.long) for one in found] == [
        ("MBN", "Meadow Bee Network"),
        ("OB", "Office for Bees"),
    ]
    assert set(terms("meadow bee network", "en")) <= both_ways(frozenset({"mbn"}), found)
    assert "mbn" in both_ways(frozenset(terms("meadow bee network", "en")), found)


def test_a_digit_of_an_abbreviation_may_be_read_as_a_word() -> None:
    text = "The Global Club on Bees for Health (GC-B4H) and the Line to Town (L2T)."
    assert [(one.short, one.long) for one in acronyms(text, "en")] == [
        ("GC-B4H", "Global Club on Bees for Health"),
        ("L2T", "Line to Town"),
    ]
    assert acronyms("The bees meet twice (C4B).", "en") == ()


def _row(row: int, text: str, start: int, kind: str = "item", lead: str = "") -> SentenceRow:
    return SentenceRow(row, 0, Sentence(text, (Span(1, start, start + len(text)),), kind, lead), "")


def test_a_short_list_is_quoted_whole() -> None:
    lead = "It has two parts:"
    rows = [_row(0, lead, 0, "sentence"), _row(1, "a net;", 18, lead=lead), _row(2, "1. rope.", 25,
            lead=lead)]  # fmt: skip
    ((found, parts),) = whole_lists(rows)
    assert parts == (0, 1, 2)
    assert found.sentence.text == "It has two parts: a net; … rope."
    assert found.sentence.spans == (Span(1, 0, 33),)


def test_lists_that_adjoin_are_quoted_each_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("- a net\n- a rope\n\n1. Look at the sky\n2. Raise the flag\n", "utf-8")
    [passage] = cut_passages("a", read(path), "en")
    rows = [SentenceRow(n, 0, one, "") for n, one in enumerate(passage.sentences)]
    assert [found.sentence.text for found, _ in whole_lists(rows)] == [
        "a net a rope",
        "Look at the sky Raise the flag",
    ]


def test_items_that_are_sentences_stand_alone() -> None:
    text = "This item is a whole sentence that says much by itself."
    assert whole_lists([_row(0, text, 0), _row(1, text, 60)]) == []


def test_every_fitted_feature_has_its_coefficients() -> None:
    for weights in coefficients().values():
        assert set(FITTED) <= set(weights)


def test_why_tells_what_happened(engine: QueryEngine) -> None:
    question = "How many gardens does the bee network count in?"
    quoted = explain(engine, question, "meadow")
    assert (quoted.outcome, quoted.rank) == (Outcome.QUOTED, 1)
    assert explain(engine, question, "atlantis").outcome is Outcome.NOT_INDEXED
    filtered = explain(engine, question, "meadow", {"language": "de"})
    assert filtered.outcome is Outcome.FILTERED_OUT
    assert "language is en, wanted is de" in filtered.reason
    for key in FILTERS:
        other_value = {"language": "de", "year": "1999"}.get(key, "xx")
        filtered = explain(engine, question, "meadow", {key: other_value})
        assert f"{key} is " in filtered.reason
    refused = explain(engine, "What is a good recipe for fondue?", "meadow")
    assert refused.outcome in {Outcome.REFUSED, Outcome.OUTSCORED}
    other = explain(engine, question, "glacier")
    assert other.outcome in {Outcome.NOT_QUOTED, Outcome.OUTSCORED, Outcome.QUOTED}
    assert other.rank is not None
    assert other.rank > 1


def _rival(own: str, heading: str, before: str, question: str) -> float:
    years = demand(question, "en").years
    text, context, title = (
        analysed_text(part, "en", "en") for part in (own, heading, "Bees of 2019")
    )
    last = analysed_text(before, "en", "en") if before else None
    asked = Asked("en", {}, frozenset(), frozenset(), years)
    around = Surroundings(context, title, last)
    return features(asked, Sentence(own, (), "sentence", ""), text, text.terms, around)[
        "rival_year"
    ]


def test_a_sentence_without_a_year_is_of_its_headings_year() -> None:
    asked = "How many gardens in 2019?"
    assert _rival("It has 65 gardens.", "Ghent 2025", "", asked) == 1
    assert _rival("It has 65 gardens.", "Ghent 2019", "", asked) == 0
    assert _rival("It has 65 gardens.", "Ghent", "", asked) == 0
    assert _rival("It had 65 gardens in 2021.", "Ghent", "", asked) == 1
    assert _rival("It had 65 gardens in 2021.", "Ghent", "So it was in 2019.", asked) == 0
    assert _rival("It has 65 gardens.", "Ghent 2025", "", "How many gardens?") == 0
