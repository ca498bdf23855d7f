"""What a question asks for, slips, abbreviations, lists, and why a document is absent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.diagnose.why import Outcome, explain
from assistant.engine import Engine
from assistant.lists import whole_lists
from assistant.question import question_language, standalone_question
from assistant.rules.acronyms import acronyms, both_ways
from assistant.rules.answer_types import asked_kinds, needs_the_one_before, stated_places
from assistant.rules.antecedents import opening
from assistant.rules.demand import (
    demand,
    designations,
    figures_by_stem,
    names_nothing,
    years_by_stem,
)
from assistant.rules.features import Asked, Surroundings, analysed_text, features
from assistant.rules.ranking import FITTED, coefficients
from assistant.rules.spelling import corrected, slips
from corpus.documents import Sentence, Span
from corpus.text import fold_space
from index.analysis import analysed, terms
from index.filters import FILTERS
from index.language import UN_LANGUAGES
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
def test_slips_are_read_as_what_the_documents_say(engine: Engine, written: str, read: str) -> None:
    found = corrected(written, "en", engine.generation.records)
    assert found.casefold() == read


def test_a_question_without_slips_stays_as_it_is(engine: Engine) -> None:
    question = "How many gardens does the bee network count in? A prize in cash!"
    assert corrected(question, "en", engine.generation.records) == question


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
def test_what_is_no_slip_is_left_alone(engine: Engine, question: str) -> None:
    assert corrected(question, "en", engine.generation.records) == question


def test_a_word_mended_in_a_hasty_message_is_no_name(engine: Engine) -> None:
    read = corrected("wat is teh meadw bee netwrk", "en", engine.generation.records)
    assert read == "what is teh meadow bee network"
    assert not demand(read, "en").names


def test_a_misspelt_question_is_answered(engine: Engine) -> None:
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
        ("Italy founded it in May.", "en", True),
        ("Together they drew 600 people.", "en", True),
        ("The Meadow network says it counts bees.", "en", False),
        ("The council of Ghent adopted it without a vote.", "en", True),
        ("The council of Ghent asked whether it was wet.", "en", False),
        ("In 2020 it counted bees.", "en", True),
        ("One of them counts bees, and moths.", "en", True),
        ("(Ghent opened it.)", "en", True),
        ("— a dash, and bees.", "en", False),
        ("Sus socios fueron Ghent y Lille.", "es", True),
        ("Plus tard elle a fermé.", "fr", True),
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
    assert parts == tuple(rows)
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


def test_why_tells_what_happened(engine: Engine) -> None:
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


def _features(own: str, question: str, language: str = "en") -> dict[str, float]:
    text, nothing = (analysed_text(part, language, language) for part in (own, ""))
    weights = dict.fromkeys(terms(question, language), 1.0)
    asked = Asked(language, weights, asked_kinds(question, language), frozenset())
    around = Surroundings(nothing, nothing)
    return features(asked, Sentence(own, (), "sentence", ""), text, text.terms, around)


@pytest.mark.parametrize(
    ("sentence", "counted"),
    [
        ("It has more than 650 active members.", 1),
        ("Twelve members came.", 1),
        ("Its members keep 650 hives.", 0),
        ("In 2025 members came.", 0),
        ("Members came.", 0),
    ],
)
def test_a_number_counts_what_is_asked(sentence: str, counted: float) -> None:
    assert _features(sentence, "How many members does it have?")["counted"] == counted
    assert "counted" not in _features(sentence, "Who are the members?")


def _rival(kind: str, own: str, heading: str, before: list[str], question: str) -> float:
    text, context, title, *earlier = (
        analysed_text(part, "en", "en") for part in (own, heading, "Bees of 2019", *before)
    )
    years, numbered = demand(question, "en").years, figures_by_stem(question, "en")
    dated = years_by_stem(question, "en")
    coded = designations(question)
    asked = Asked("en", {}, frozenset(), frozenset(), years, dated, numbered, coded)
    around = Surroundings(context, title, earlier)
    return features(asked, Sentence(own, (), "sentence", ""), text, text.terms, around)[kind]


@pytest.mark.parametrize(
    ("own", "heading", "before", "rival"),
    [
        ("It has 65 gardens.", "Ghent 2025", [], 1),
        ("It has 65 gardens.", "Ghent 2019", [], 0),
        ("It has 65 gardens.", "Ghent", [], 0),
        ("It had 65 gardens in 2021.", "Ghent", [], 1),
        ("It had 65 gardens in 2021.", "Ghent", ["So it was in 2019."], 0),
        ("It has 65 gardens.", "Ghent", ["Bees came.", "It was in 2021."], 1),
        ("It has 65 gardens.", "Ghent", ["It was in 2021.", "It was in 2019."], 1),
        ("It has 65 gardens.", "Ghent", ["It was in 2019.", "It was in 2021."], 0),
    ],
)
def test_a_sentence_is_of_the_year_that_was_named_last(
    own: str, heading: str, before: list[str], rival: float
) -> None:
    assert _rival("rival_year", own, heading, before, "How many gardens in 2019?") == rival
    assert _rival("rival_year", own, heading, before, "How many gardens?") == 0


def test_a_year_right_beside_a_word_is_that_things_year() -> None:
    text = "The fair 2025 counted 12 hives in 2024, and 9 in autumn 2023 or May 2022."
    assert years_by_stem(text, "en") == {"fair": {"2025"}, "count": {"2025"}}
    assert _rival("rival_year", text, "", [], "How many came to the 2024 fair?") == 1
    assert _rival("rival_year", text, "", [], "How many hives were there in 2024?") == 0
    assert _rival("rival_year", "12 came.", "", [text], "How many came to the 2024 fair?") == 1
    assert _rival("rival_year", "12 came.", "", [text], "How many came to the fair of 2024?") == 0


@pytest.mark.parametrize(
    ("own", "heading", "before", "rival"),
    [
        ("Over 600 people came.", "HIVE-24", [], 1),
        ("Over 600 people came.", "HIVE-25", [], 0),
        ("Over 600 people came.", "Hives", [], 0),
        ("Over 600 people came.", "Hives", ["HIVE-24 was held in Ghent."], 1),
        ("Over 600 people came.", "HIVE-24", ["HIVE-25 was held in Ghent."], 0),
        ("HIVE-25 had 600 guests.", "HIVE-24", [], 0),
        ("HIVE-24 had 600 guests.", "HIVE-25", [], 1),
        ("HIVE-24 and HIVE-25 had 600 guests.", "", [], 0),
    ],
)
def test_a_sentence_is_of_the_thing_that_was_named_last(
    own: str, heading: str, before: list[str], rival: float
) -> None:
    question = "How many people came to HIVE-25?"
    assert _rival("rival_number", own, heading, before, question) == rival
    assert _rival("rival_number", own, heading, before, "How many people came?") == 0


@pytest.mark.parametrize(
    ("question", "sibling", "own"),
    [
        ("When was Y.3174 approved?", "Y.3172 was approved in 2019.", "Y.3174 builds on Y.3172."),
        ("Who adopted A/RES/78/310?", "A/RES/78/265 was adopted.", "A/RES/78/310 was adopted."),
        ("Who chaired FG-AI4AD?", "FG-AI4H ended in 2023.", "FG-AI4AD ended."),
        ("HIVE-25有多少人参加？", "HIVE-24 was held in Ghent.", "HIVE-25 was held in Turin."),
    ],
)
def test_designations_tell_siblings_apart(question: str, sibling: str, own: str) -> None:
    assert _rival("rival_number", sibling, "", [], question) == 1
    assert _rival("rival_number", "It was approved in May.", "", [sibling], question) == 1
    assert _rival("rival_number", own, "", [sibling], question) == 0
    assert _rival("rival_number", "It was approved in May.", "", ["A word."], question) == 0
    assert designations("mid-2024, ITU-T and 24/25") == {}


def test_a_question_may_give_one_word_several_figures() -> None:
    assert figures_by_stem("How do Study Groups 2 and 11 differ?", "en") == {"group": {"2", "11"}}
    both = "How do Groups 2 and 11 differ?"
    assert _rival("rival_number", "Group 11 works on bees.", "", [], both) == 0
    assert _rival("rival_number", "Group 13 works on bees.", "", [], both) == 1
    assert figures_by_stem("how many gardens in autumn 25", "en") == {}


@pytest.mark.parametrize(
    ("sentence", "nothing"),
    [
        ("Over 600 guests came.", True),
        ("In 2024 over 600 guests came.", True),
        ("Over 600 guests came to Ghent.", False),
        ("HIVE had 600 guests.", False),
    ],
)
def test_a_sentence_may_name_nothing(sentence: str, nothing: bool) -> None:
    assert names_nothing(sentence, "en") is nothing
    assert not names_nothing("600人参加。", "zh")


@pytest.mark.parametrize(
    ("turns", "read"),
    [
        (["Who opened HIVE-24?", "And hive-25?"], "Who opened hive-25? And hive-25?"),
        (["Who opened HIVE\u201124?", "And HIVE-25?"], "Who opened HIVE-25? And HIVE-25?"),
        (["What is Y.3172?", "And Y.3174?"], "What is Y.3174? And Y.3174?"),
        (["Who opened HIVE-24?", "HIVE-25, HIVE-26?"], "Who opened HIVE-24? HIVE-25, HIVE-26?"),
        (["Who opened HIVE-24?", "And ASM-25?"], "Who opened ASM-25? And ASM-25?"),
        (["¿Quién abrió HIVE-24?", "¿Y ASM-25?"], "¿Quién abrió ASM-25? ¿Y ASM-25?"),
        (["Who opened HIVE-24?", "Is ASM-25 near?"], "Who opened HIVE-24? Is ASM-25 near?"),
        (["HIVE-24 or FLY-24?", "And ASM-25?"], "HIVE-24 or FLY-24? And ASM-25?"),
        (["Where?", "Who came?", "How many?", "When?"], "Who came? How many? When?"),
    ],
)
def test_a_later_turn_puts_its_sibling_in_the_turns_before(turns: list[str], read: str) -> None:
    assert standalone_question(turns) == read


@settings(max_examples=300)
@given(st.text(), st.sampled_from(UN_LANGUAGES))
def test_any_text_can_be_read_for_pronouns_and_names(text: str, language: str) -> None:
    needs_the_one_before(text, language)
    names_nothing(text, language)
    assert opening(text, language, frozenset()) in fold_space(text)
