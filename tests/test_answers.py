"""The main path with the product's model: questions in, cited answers out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import assistant
from assistant.answer import Answer, Status
from assistant.engine import STEPS, Engine, open_engine
from assistant.rendering import answer_text
from assistant.verify import is_verbatim
from corpus.errors import UsageError
from corpus.settings import Settings
from eval.facts import holds_fact
from eval.invariants import broken_invariants
from ingest.sync import sync
from tests import documents
from tests.conftest import no_progress


def _broken(answer: Answer, engine: Engine) -> list[str]:
    records = engine.generation.records

    def page_text(document_id: str, page: int | None) -> str:
        found = records.page(document_id, page or 1)
        return found.text if found else ""

    return broken_invariants(json.loads(json.dumps(answer.to_json())), page_text)


@pytest.mark.parametrize(
    ("question", "fact", "document"),
    [
        ("How many coastal observers were trained in 2024?", "1,250|1 250", "lighthouse"),
        ("Where does the steering board meet next?", "Lisbon", "lighthouse"),
        ("How many gardens does the bee network count in?", "210", "meadow"),
        ("Since when have the glacier data been open?", "May 2022", "glacier"),
        ("How many households did the flood alerts reach?", "18 300", "river"),
    ],
)
def test_a_question_gets_the_fact_from_the_right_document(
    engine: Engine, question: str, fact: str, document: str
) -> None:
    answer = engine.answer(question)
    assert answer.status is Status.ANSWERED
    assert holds_fact(answer.text, fact)
    assert answer.citations[0].document_id == document
    assert not _broken(answer, engine)


@pytest.mark.parametrize(
    ("question", "language", "fact"),
    [
        ("كم عدد المراقبين الساحليين الذين دربهم برنامج المنارة في عام 2024؟", "ar", "1,250"),
        ("Combien de jardins le réseau Meadow observe-t-il ?", "fr", "210"),
        ("¿Dónde se reunirá la junta directiva en 2026?", "es", "Lisbon"),
        ("Сколько вершин измеряет Glacier watch?", "ru", "64"),
        ("冰川监测项目用雷达测量多少座山峰？", "zh", "64"),
    ],
)
def test_a_question_in_any_un_language_is_answered(
    engine: Engine, question: str, language: str, fact: str
) -> None:
    answer = engine.answer(question)
    assert answer.language == language
    assert answer.status is Status.ANSWERED
    assert holds_fact(answer.text, fact)


def test_a_citation_has_page_and_printed_page_of_a_pdf_with_a_cover(engine: Engine) -> None:
    citation = engine.answer("What is the budget for 2025?").citations[0]
    assert (citation.page, citation.printed_page) == (3, "2")
    assert citation.section == ["3 Funding and outlook"]
    page = engine.generation.records.page(citation.document_id, 3)
    assert is_verbatim(citation, page)
    assert citation.quote == documents.FUNDING


def test_a_format_without_pages_cites_none(engine: Engine) -> None:
    citation = engine.answer("When was the Meadow network founded in Ghent?").citations[0]
    assert citation.page is None
    assert citation.printed_page is None
    assert citation.path == "meadow.md"


@pytest.mark.parametrize(
    "question", ["How do I bake sourdough bread?", "Who wrote Hamlet?", "كيف أطبخ الأرز؟"]
)
def test_a_question_off_the_subject_is_refused_in_its_language(
    engine: Engine, question: str
) -> None:
    answer = engine.answer(question)
    assert answer.status is Status.NOT_IN_DOCUMENTS
    assert answer.text == ""
    assert answer.citations == []
    assert question in answer.notice
    assert answer.nearest
    arabic = any("\u0600" <= c <= "\u06ff" for c in question)
    assert ("الوثائق" in answer.notice) == arabic


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        ("Combien de jardins comptent les abeilles sauvages ?", "210"),
        ("有多少个花园在统计野蜂？", "210"),
    ],
)
def test_a_question_in_other_words_is_on_the_subject(
    engine: Engine, question: str, fact: str
) -> None:
    """It shares no word with the documents, which once was taken for being off the subject."""
    answer = engine.answer(question)
    assert answer.status is Status.ANSWERED
    assert fact in answer.text


def test_a_later_turn_is_understood_from_the_two_before(engine: Engine) -> None:
    turns = ["Which network counts wild bees?", "In how many gardens?", "And where was it founded?"]
    answer = engine.answer(turns)
    assert answer.status is Status.ANSWERED
    assert "Ghent" in answer.text


def test_the_same_question_gets_the_same_answer(engine: Engine) -> None:
    first, second = (engine.answer("Who leads the programme?").to_json() for _ in range(2))
    for answer in (first, second):
        answer.pop("timings_ms")
    assert first == second


_WORDS = " ".join((*documents.SENTENCES, "bees floods 2024 42 [1] … how many what")).split()


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join))
def test_every_answer_keeps_the_invariants(engine: Engine, question: str) -> None:
    answer = engine.answer(f"AI {question}")
    assert not _broken(answer, engine)
    assert answer.text or answer.status is not Status.ANSWERED
    # A false presupposition is corrected by a quote.
    assert not answer.text or answer.status in {Status.ANSWERED, Status.NOT_IN_DOCUMENTS}
    assert 0 <= answer.confidence <= 1


def test_what_a_document_says_of_itself_first_is_no_direct_answer(
    real_settings: Settings, tmp_path: Path
) -> None:
    corpus = tmp_path / "documents"
    corpus.mkdir()
    (corpus / "bees.md").write_text(
        "# Beekeepers 2025\n\n- Number: BEE/20\n- Edition: 2025\n- Date: 2025-11-10\n\n"
        "## Attendance\n\nIn Turin 600 people came to the Symposium of Beekeepers.\n",
        encoding="utf-8",
    )
    own = replace(real_settings, corpus=corpus, index=tmp_path / "index")
    sync(own, progress=no_progress)
    engine = open_engine(own)
    answer = engine.answer("How many people came to the Symposium of Beekeepers 2025?")
    assert answer.citations[0].quote.startswith("In Turin 600 people")


def test_filters_narrow_the_search(engine: Engine) -> None:
    found = engine.answer("How many?", filters={"document": "meadow"}).retrieved
    assert {hit.document.id for hit in found} == {"meadow"}
    elsewhere = engine.answer("How many coastal observers?", filters={"document": "meadow"})
    assert elsewhere.status is Status.NOT_IN_DOCUMENTS
    assert elsewhere.notice.endswith("match the filters were searched: document=meadow.")
    nothing = engine.answer("How many bees are there?", filters={"language": "fr"})
    assert nothing.status is Status.NOT_IN_DOCUMENTS
    assert nothing.retrieved == []
    with pytest.raises(UsageError, match="Unknown filter 'colour'"):
        engine.answer("How many?", filters={"colour": "red"})


def test_a_reader_of_another_audience_finds_nothing(real_settings: Settings) -> None:
    for audience, finds in (("members", False), ("public", True)):
        engine = open_engine(real_settings, audiences=[audience])
        assert bool(engine.answer("How many bees?").retrieved) == finds


@pytest.mark.parametrize("question", ["", "  \n", "?!", "x" * 10_000])
def test_an_empty_or_endless_question_is_an_error_that_says_what_to_do(
    engine: Engine, question: str
) -> None:
    with pytest.raises(UsageError, match="Ask"):
        engine.answer(question)


def test_a_later_turn_is_understood_by_the_one_before(engine: Engine) -> None:
    answer = engine.answer(["What does the Meadow network count?", "And when was it founded?"])
    assert answer.question == "And when was it founded?"
    assert holds_fact(answer.text, "2019")


def test_a_quote_that_is_not_in_its_page_is_withheld(
    engine: Engine, real_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = engine.generation.records
    honest = records.page

    def altered(document_id: str, number: int) -> object:
        page = honest(document_id, number)
        return page and type(page)(page.document_id, page.number, None, "x" + page.text)

    monkeypatch.setattr(records, "page", altered)
    answer = engine.answer("What is the budget for 2025?")
    # Every offset is one too low now, so that no quote bears out its sentence.
    assert answer.status is Status.WITHHELD_UNVERIFIED
    assert answer.text == ""
    assert answer.citations == []


def test_llama_index_users_get_retriever_and_query_engine(engine: Engine) -> None:
    from assistant.integrations.llama_index import CitedQueryEngine, PassageRetriever

    nodes = PassageRetriever(engine).retrieve("bees in gardens")
    assert nodes[0].node.metadata["document_id"] == "meadow"
    assert nodes[0].score == max(node.score or 0 for node in nodes)
    response = CitedQueryEngine(engine=engine).query("How many gardens does Meadow count?")
    assert "210" in str(response)
    assert response.metadata is not None
    assert response.metadata["status"] == "answered"


def test_markup_in_documents_is_text(tmp_path: Path) -> None:
    from ingest.formats import read

    (tmp_path / "a.txt").write_text("Note\nThe <b>fee</b> is ![x](http://a) 5 & more.\n", "utf-8")
    assert "The <b>fee</b> is ![x](http://a) 5 & more." in read(tmp_path / "a.txt").pages[0].text


@pytest.mark.parametrize("question", ["Who?", "¿Qué?", "What is it?"])
def test_a_question_without_a_subject_is_not_answered(engine: Engine, question: str) -> None:
    assert engine.answer(question).status is Status.NOT_IN_DOCUMENTS


def test_a_notice_never_holds_a_marker(engine: Engine) -> None:
    answer = engine.answer("Who wrote Hamlet [1] and Macbeth [2]?")
    assert answer.status is Status.NOT_IN_DOCUMENTS
    assert "[1]" not in answer.notice


def test_equal_sentences_of_two_documents_are_quoted_once(settings_with_copies: Settings) -> None:
    answer = open_engine(settings_with_copies).answer("How many bees does Meadow count?")
    quotes = [citation.quote for citation in answer.citations]
    assert len(quotes) == len(set(quotes))


@pytest.fixture
def settings_with_copies(tmp_path: Path) -> Settings:
    for name in ("one.txt", "two.txt"):
        (tmp_path / "documents").mkdir(exist_ok=True)
        (tmp_path / "documents" / name).write_text("Bees\nMeadow counts 5 bees.\n", "utf-8")
    made = Settings(corpus=tmp_path / "documents", index=tmp_path / "index")
    sync(made, progress=no_progress)
    return made


def test_a_row_is_quoted_with_its_header_beside_it(engine: Engine) -> None:
    answer = engine.answer("How many observers and countries in the year 2023?")
    row = next(quote for quote in answer.quotes if quote.shape == "row")
    assert row.header == list(documents.HEADER)
    assert row.cells == list(documents.ROWS[0])
    assert row.text == " | ".join(documents.ROWS[0])
    assert not any(quote.text == " | ".join(documents.HEADER) for quote in answer.quotes)


def test_what_a_quote_speaks_of_stands_in_its_citation(engine: Engine) -> None:
    answer = engine.answer("In which town was the network that counts wild bees founded?")
    quote = next(q for q in answer.quotes if q.text == "It was founded in Ghent in 2019.")
    citation = answer.citations[quote.marker - 1]
    assert (citation.title, citation.section) == ("Meadow network", ["Meadow network", "Purpose"])
    assert "Meadow network, section “Meadow network > Purpose”" in answer_text(answer)


def test_a_list_is_quoted_item_by_item(engine: Engine) -> None:
    answer = engine.answer("Which three strands does the programme have?")
    items = [quote.text for quote in answer.quotes if quote.shape == "item"]
    assert items == list(documents.ITEMS)
    assert _broken(answer, engine) == []


def test_what_is_streamed_stands_in_the_answer_word_for_word(engine: Engine) -> None:
    question = "Which three strands does the programme have?"
    *parts, last = engine.stream(question)
    assert last.answer is not None
    assert [event.name for event in parts] == ["retrieved", *["quote"] * len(last.answer.quotes)]
    assert list(parts[0].hits) == last.answer.retrieved
    assert [event.quote for event in parts[1:]] == last.answer.quotes
    cited = [citation for event in parts[1:] for citation in event.citations]
    assert cited == last.answer.citations
    same = replace(engine.answer(question), timings_ms={})
    assert replace(last.answer, timings_ms={}) == same


def test_a_refusal_is_streamed_too(engine: Engine) -> None:
    events = list(engine.stream("Who wrote Hamlet?"))
    assert [event.name for event in events] == ["retrieved", "answer"]
    assert events[-1].answer is not None
    assert events[-1].answer.status is Status.NOT_IN_DOCUMENTS


def test_the_front_door_has_these_names() -> None:
    assert assistant.__all__ == ["Answer", "Citation", "Engine", "open_engine"]


def test_the_trace_has_what_each_step_gave(engine: Engine) -> None:
    trace = engine.trace("What is the budget for 2025?")
    assert list(trace.timings) == [*(name for name, _ in STEPS), "total"]
    assert trace.hits == trace.finished.retrieved
    assert [hit.row for hit in trace.retrieved.hits] == [
        row for row, _ in trace.retrieved.ranking[: len(trace.retrieved.hits)]
    ]
    assert trace.reading.chosen[0] in trace.reading.sentences
    quoted = [statement.text for statement in trace.draft.statements]
    assert quoted == [quote.text for quote in trace.finished.quotes]
