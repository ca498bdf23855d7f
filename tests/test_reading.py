"""What is made of the reader's logits: quotes, refusals, corrections, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Engine, reading
from assistant.calibration import Calibration, load_calibration
from assistant.reading import MOST, PASSAGES, head_of
from assistant.scored import ScoredSentence
from corpus.errors import UsageError
from corpus.text import fold
from index.reader_model import PassageInput, PassageReading
from tests.readers import PLAIN, Finder


def _with(engine: Engine, finder: Finder, calibration: Calibration = PLAIN) -> Engine:
    return Engine(engine.retriever, finder, calibration)


def test_the_sentence_that_answers_is_quoted_with_the_words_that_do(engine: Engine) -> None:
    finder = Finder({"4.2 million francs": 4.0, "210 gardens": 1.0})
    answer = _with(engine, finder).answer("What is the budget for 2025?")
    quote = answer.quotes[0]
    assert quote.answer is not None
    assert quote.text[slice(*quote.answer)] == "4.2 million francs"
    assert len(answer.quotes) == 1, "the other one is too far behind"
    assert answer.confidence == pytest.approx(0.9975, abs=0.001)


def test_further_sentences_are_quoted_as_far_as_they_are_nearly_as_good(engine: Engine) -> None:
    finder = Finder({"210 gardens": 3.0, "64 summits": 2.0, "18 300": 1.5, "37 countries": 1.2})
    answer = _with(engine, finder).answer("How many bees, summits, households and countries?")
    quoted = " ".join(quote.text for quote in answer.quotes)
    assert len(answer.quotes) == MOST
    assert all(words in quoted for words in ("210", "64", "18 300"))


def test_a_question_that_nothing_answers_is_refused(engine: Engine) -> None:
    answer = _with(engine, Finder({})).answer("How many gardens does the Meadow network count in?")
    assert (answer.status, answer.text) == ("not_in_documents", "")
    assert answer.nearest


def test_what_contradicts_a_refused_question_corrects_it(engine: Engine) -> None:
    finder = Finder({}, {"64 summits": 5.0})
    answer = _with(engine, finder).answer("Why does Glacier watch measure ice on 90 summits?")
    assert answer.status == "not_in_documents"
    assert [(quote.says, "64 summits" in quote.text) for quote in answer.quotes] == [
        ("contradicts", True)
    ]
    assert "takes for granted" in answer.notice


@pytest.mark.parametrize(
    ("question", "missing", "notice"),
    [
        ("What does UNICEF contribute to the Meadow network?", ["UNICEF"], "mention “UNICEF”"),
        ("How many households did River alert reach in 2011?", ["2011"], "do not concern 2011"),
        ("¿Cuántos hogares alcanzó River alert en 2011?", ["2011"], "no se refieren a 2011"),
        ("UNHCR在Meadow网络中做什么？", ["UNHCR"], "其中未提及“UNHCR”"),
        ("What is the budget?", [], "The documents do not say"),
    ],
)
def test_a_refusal_says_what_no_passage_names(
    engine: Engine, question: str, missing: list[str], notice: str
) -> None:
    answer = _with(engine, Finder({})).answer(question)
    assert answer.missing == missing
    assert notice in answer.notice


def test_the_reader_is_given_the_turn_before_and_where_a_passage_stands(engine: Engine) -> None:
    finder = Finder({})
    turns = ["Which network?", "In how many gardens?", "And where was it founded?"]
    trace = _with(engine, finder).trace(turns)
    assert set(finder.asked) == {
        "In how many gardens? | And where was it founded?",
        "And where was it founded?",
    }
    assert len(finder.read_passages) == 2 * len(trace.hits[:PASSAGES])
    heads = [head_of(hit) for hit in trace.hits[:PASSAGES]]
    assert [passage.head for passage in finder.read_passages] == heads * 2
    assert any(passage.head.startswith("Meadow network") for passage in finder.read_passages)


def test_a_header_is_read_and_never_quoted(engine: Engine) -> None:
    finder = Finder({"Observers": 9.0, "980": 8.0})
    answer = _with(engine, finder).answer("How many observers were there in 2023?")
    assert any("Observers" in s for p in finder.read_passages for s in p.sentences)
    assert all(quote.text != "Year | Observers | Countries" for quote in answer.quotes)
    assert answer.quotes[0].cells == ["2023", "980", "31"]


def test_two_sentences_that_say_the_same_are_quoted_once(engine: Engine) -> None:
    answer = _with(engine, Finder({"": 1.0})).answer("How many gardens?")
    texts = [fold(quote.text) for quote in answer.quotes]
    assert len(set(texts)) == len(texts)


def test_the_products_calibration_is_for_its_reader() -> None:
    from index.reader_files import fingerprint

    assert load_calibration().reader == fingerprint()


def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("threshold = 1", "utf-8")
    for name in ("a.toml", "none.toml"):
        with pytest.raises(UsageError, match="eval calibrate"):
            load_calibration(tmp_path / name)


def test_each_part_of_a_question_is_answered_or_named(engine: Engine) -> None:
    finder = Finder({"210 gardens": 3.0, "Ghent": 2.5})
    both = _with(engine, finder).answer("In how many gardens does it count? Where was it founded?")
    assert both.missing == []
    question = "In how many gardens does it count? Who pays for it?"
    half = _with(engine, _FirstPartOnly({"210 gardens": 3.0})).answer(question)
    assert half.status == "answered"
    assert half.missing == ["Who pays for it?"]


def test_a_part_is_quoted_however_far_behind_it_is_for_the_whole(engine: Engine) -> None:
    reader = _ByPart({"210 gardens": 9.0, "Ghent": 1.0}, "Where was it founded?", "Ghent")
    question = "In how many gardens does it count? Where was it founded?"
    answer = _with(engine, reader).answer(question)
    quoted = " ".join(quote.text for quote in answer.quotes)
    assert "210 gardens" in quoted
    assert "Ghent" in quoted
    assert answer.missing == []


class _ByPart(Finder):
    """A reader for which, asked for a part of a question, only the sentence with a word answers."""

    def __init__(self, answers: dict[str, float], part: str, word: str) -> None:
        super().__init__(answers)
        self._part, self._word = part, word

    def read(self, question: str, passages: Sequence[PassageInput]) -> list[PassageReading]:
        if question.endswith(f"| {self._part}"):
            return Finder({self._word: 9.0}).read(question, passages)
        return super().read(question, passages)


class _FirstPartOnly(Finder):
    """A reader that finds nothing for a question on who pays."""

    def read(self, question: str, passages: Sequence[PassageInput]) -> list[PassageReading]:
        if question.endswith("| Who pays for it?"):
            return Finder({}).read(question, passages)
        return super().read(question, passages)


def test_of_two_editions_both_are_quoted_the_newest_first(engine: Engine) -> None:
    found = engine.trace("How many observers?").reading.sentences[0]

    def said(text: str, document: str, year: str) -> ScoredSentence:
        hit = replace(found.hit, document=replace(found.hit.document, id=document, published=year))
        return replace(found, sentence=replace(found.sentence, text=text), hit=hit)

    old = said("The report lists 731 projects of 40 bodies.", "a", "2024")
    new = said("The report lists 912 projects of 53 bodies.", "b", "2025")
    chosen = reading._newest_first(reading._unlike([old, new]))
    assert [sentence.hit.document.id for sentence in chosen] == ["b", "a"]
    copy = said("The report lists 731 projects of 40 bodies.", "c", "2025")
    assert len(reading._unlike([old, copy])) == 1, "one value is quoted once"
