"""What a question demands, and what a text states, in six languages."""

from __future__ import annotations

import pytest

from assistant.rules.demand import demand, is_numbered, stated


@pytest.mark.parametrize(
    ("language", "question", "kind"),
    [
        ("en", "How many gardens are there?", "quantity"),
        ("fr", "Combien de jardins y a-t-il ?", "quantity"),
        ("es", "¿Cuántos jardines hay?", "quantity"),
        ("ru", "Сколько садов?", "quantity"),
        ("ar", "كم عدد الحدائق؟", "quantity"),
        ("zh", "有多少个花园？", "quantity"),
        ("en", "When was it founded?", "time"),
        ("fr", "Quand a-t-il été fondé ?", "time"),
        ("es", "¿Cuándo se fundó?", "time"),
        ("ru", "Когда он основан?", "time"),
        ("ar", "متى تأسست الشبكة؟", "time"),
        ("zh", "它是哪一年成立的？", "time"),
        ("en", "What is the registration fee?", "money"),
        ("fr", "Quel est le budget annuel ?", "money"),
        ("es", "¿Cuál es el presupuesto?", "money"),
        ("ru", "Какова стоимость участия?", "money"),
        ("ar", "ما هي الميزانية السنوية؟", "money"),
        ("zh", "年度预算是多少？", "money"),
        ("en", "Who leads it?", "person"),
        ("ru", "Кто возглавляет группу?", "person"),
        ("zh", "谁担任主席？", "person"),
        ("en", "Why was it moved?", "reason"),
        ("ar", "لماذا نُقل الاجتماع؟", "reason"),
    ],
)
def test_question_words_tell_the_kind_of_value(language: str, question: str, kind: str) -> None:
    assert kind in demand(question, language).kinds


def test_an_acronym_or_a_relative_pronoun_asks_for_no_person() -> None:
    assert "person" not in demand("What role does WHO play in health?", "en").kinds
    assert "person" not in demand("What did the envoys who came in May say?", "en").kinds


def test_years_figures_ordinals_and_names_are_told_apart() -> None:
    wanted = demand("Did Study Group 16 hold its third meeting in Ghent in 2019?", "en")
    assert wanted.years == {"2019"}
    assert wanted.figures == {"16"}
    assert wanted.ordinals == {"3"}
    assert set(wanted.names) == {"Study", "Group", "Ghent"}


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("the bees in autumn 25", {"2025"}),
        ("gardens theme 24/25", {"2024", "2025"}),
        ("the season 2024-25", {"2024", "2025"}),
        ("the class of '25", {"2025"}),
        ("A/RES/78/79 of 11/12", set()),  # a number and a day
        ("from 25-26 May, 25/26 gardens at 24/7", {"2025", "2026"}),
    ],
)
def test_years_may_be_given_by_their_last_digits(text: str, years: set[str]) -> None:
    assert demand(text, "en").years == years
    assert stated(text, "en").years == years


def test_english_function_words_are_no_names_in_other_scripts() -> None:
    found = demand("Кто ведёт проект Counting Bees through the Night от WHO?", "ru").names
    assert set(found) == {"Counting", "Bees", "Night", "WHO"}


def test_a_question_in_capitals_has_no_names_but_keywords_have() -> None:
    assert not demand("WHERE WAS THE MEETING OF GHENT HELD?", "en").names
    assert set(demand("NDVI", "en").names) == {"NDVI"}
    assert demand("ما دور UNHCR في هذه المبادرة؟", "ar").invariant == {"UNHCR"}
    assert "IAEA" in demand("国际原子能机构IAEA在倡议中做什么？", "zh").invariant


def test_who_pays_is_no_question_for_money() -> None:
    assert demand("Who funds the gardens?", "en").kinds == {"person"}
    assert "money" not in demand("Who paid for the gardens?", "en").kinds
    assert "money" in demand("What is the budget of the gardens?", "en").kinds


def test_names_in_latin_letters_hold_in_any_language() -> None:
    wanted = demand("Какую роль играет UNHCR в этой инициативе?", "ru")
    assert wanted.invariant == {"UNHCR"}
    assert demand("Quel est le rôle de l'UIT ?", "fr").invariant == frozenset()


def test_a_text_states_its_values() -> None:
    said = stated("The two courses cost 43 000 US dollars on 3 May 2025, or 12 %.", "en")
    assert said.years == {"2025"}
    assert said.numbers >= {"43000", "2", "3", "12"}
    assert said.months
    assert said.money
    assert said.percent


@pytest.mark.parametrize(
    ("text", "language", "amounts"),
    [
        ("HIVE-25 met in Turin from 31 August to 3 September 2025.", "en", set()),
        ("Here Study Groups 2, 5 and 11 follow ITU-T Y.3172 and SM.2542-0.", "en", set()),
        ("Among them were 3 700 guests of the HIVE-24 fair on 2 and 3 May.", "en", {"3700"}),
        ("Edition: 2025 Date: 2025-11-10 or 10/11/2025", "en", set()),
        ("Over 600 came.", "en", {"600"}),
        ("The nine groups met for 12 days.", "en", {"9", "12"}),
        ("Meeting | Guests … 3 to 14 March 2025 | 366", "en", {"366"}),
        ("Du 1er au 4 juillet, 30 pays étaient là.", "fr", {"30"}),
        ("Se celebró los días 30 y 31 de mayo con 12 países.", "es", {"12"}),
        ("С 1 по 4 июля собралось 600 участников.", "ru", {"600"}),
        ("اجتمع 40 خبيراً من 17 إلى 19 سبتمبر 2024.", "ar", {"40"}),
        ("2024年7月1日至4日，120人出席。", "zh", {"120"}),
    ],
)
def test_dates_and_numbered_names_hold_no_amounts(
    text: str, language: str, amounts: set[str]
) -> None:
    assert stated(text, language).amounts == amounts


def test_initials_are_kept_for_acronyms_that_are_written_out() -> None:
    assert "CRC" in stated("It met the Committee on the Rights of the Child.", "en").initials


def test_a_number_belongs_to_the_word_before_it() -> None:
    (pair,) = demand("What did Study Group 16 decide in 2024?", "en").numbered
    assert pair == ("group", "16")
    assert is_numbered("group", "16", "the study groups 2, 5 and 16 met")
    assert not is_numbered("group", "16", "16 groups met, of which group 3 in may")
