"""The main path with the product's model: questions in, cited answers out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.answer import Answer, Status
from assistant.antecedents import HEADING, opening
from assistant.composer import (
    MAX_WORDS,
    Quoted,
    candidates,
    compose,
    elided,
    shown_text,
)
from assistant.demand import name_terms
from assistant.query_engine import QueryEngine, open_query_engine
from assistant.sentences import term_weights
from assistant.verifier import is_verbatim
from corpus.errors import UsageError
from corpus.settings import Settings
from corpus.text import fold_space
from eval.facts import holds_fact
from eval.invariants import broken_invariants
from ingest.sync import sync
from tests import documents
from tests.conftest import no_progress


def _broken(answer: Answer, engine: QueryEngine) -> list[str]:
    records = engine.retriever.generation.records

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
    engine: QueryEngine, question: str, fact: str, document: str
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
    engine: QueryEngine, question: str, language: str, fact: str
) -> None:
    answer = engine.answer(question)
    assert answer.language == language
    assert answer.status is Status.ANSWERED
    assert holds_fact(answer.text, fact)


def test_a_citation_has_page_and_printed_page_of_a_pdf_with_a_cover(engine: QueryEngine) -> None:
    citation = engine.answer("What is the budget for 2025?").citations[0]
    assert (citation.page, citation.printed_page) == (3, "2")
    assert citation.section == ["3 Funding and outlook"]
    page = engine.retriever.generation.records.page(citation.document_id, 3)
    assert is_verbatim(citation, page)
    assert citation.quote == documents.FUNDING


def test_a_format_without_pages_cites_none(engine: QueryEngine) -> None:
    citation = engine.answer("When was the Meadow network founded in Ghent?").citations[0]
    assert citation.page is None
    assert citation.printed_page is None
    assert citation.path == "meadow.md"


@pytest.mark.parametrize(
    "question", ["How do I bake sourdough bread?", "Who wrote Hamlet?", "كيف أطبخ الأرز؟"]
)
def test_a_question_off_the_subject_is_refused_in_its_language(
    engine: QueryEngine, question: str
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
        ("By what means are hamlets told that water is rising?", "text message"),
        ("How many mountain tops are watched for thaw?", "64 summits"),
        ("Combien de jardins comptent les abeilles sauvages ?", "210"),
        ("有多少个花园在统计野蜂？", "210"),
    ],
)
def test_a_question_in_other_words_is_on_the_subject(
    engine: QueryEngine, question: str, fact: str
) -> None:
    """It shares no word with the documents, which once was taken for being off the subject."""
    answer = engine.answer(question)
    assert answer.status is Status.ANSWERED
    assert fact in answer.text


def test_what_a_pronoun_stands_for_is_quoted_beside_it(engine: QueryEngine) -> None:
    answer = engine.answer("In which town was the Meadow network founded?")
    quotes = [citation.quote for citation in answer.citations]
    assert "The Meadow network counts wild bees with cameras in 210 gardens." in quotes[:2]
    assert "It was founded in Ghent in 2019." in quotes[:2]
    assert len(set(quotes)) == len(quotes)


def test_an_abbreviation_is_explained_however_it_is_asked_for(engine: QueryEngine) -> None:
    generation = engine.retriever.generation
    for question in ("Spell out RSY.", "What does RSY stand for?", "RSY is short for what?"):
        assert list(term_weights(engine.retriever.query(question), generation)) == ["rsi"]
    # Where no meaning is asked for, the same words are sought.
    spelled = term_weights(engine.retriever.query("Who can spell well?"), generation)
    assert "spell" in spelled


def test_a_header_is_quoted_once_for_rows_of_one_table(engine: QueryEngine) -> None:
    answer = engine.answer("How many observers and countries were there in 2023 and in 2024?")
    places = [(one.document_id, one.page, one.start, one.end) for one in answer.citations]
    assert len(set(places)) == len(places)
    assert sum("Year" in one.quote for one in answer.citations) <= 1
    assert _broken(answer, engine) == []


def test_a_later_turn_is_understood_from_the_two_before(engine: QueryEngine) -> None:
    turns = ["Which network counts wild bees?", "In how many gardens?", "And where was it founded?"]
    answer = engine.answer(turns)
    assert answer.status is Status.ANSWERED
    assert "Ghent" in answer.text


def test_the_same_question_gets_the_same_answer(engine: QueryEngine) -> None:
    first, second = (engine.answer("Who leads the programme?").to_json() for _ in range(2))
    for answer in (first, second):
        answer.pop("timings_ms")
    assert first == second


_WORDS = " ".join((*documents.SENTENCES, "bees floods 2024 42 [1] … how many what")).split()


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join))
def test_every_answer_keeps_the_invariants(engine: QueryEngine, question: str) -> None:
    answer = engine.answer(f"AI {question}")
    assert not _broken(answer, engine)
    assert answer.text or answer.status is not Status.ANSWERED
    # A false presupposition is corrected by a quote.
    assert not answer.text or answer.status in {Status.ANSWERED, Status.NOT_IN_DOCUMENTS}
    assert 0 <= answer.confidence <= 1


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=12).map(" ".join))
def test_what_a_sentence_speaks_of_is_named_beside_it(engine: QueryEngine, question: str) -> None:
    quoted = _quoted(engine, question)
    rows = [one.candidate.row for one in quoted]
    for n, one in enumerate(quoted):
        formers = one.candidate.antecedents
        if not formers or not {former.row for former in formers}.isdisjoint(rows):
            continue
        before = quoted[n - 1].candidate.antecedents if n else ()
        naming = formers[-1].sentence
        behind_the_same = bool(before) and before[-1].sentence == naming
        if naming.kind == HEADING and n:
            place = quoted[n - 1].candidate.hit.passage
            behind_the_same |= place.section == one.candidate.hit.passage.section
        with_opening = naming.spans == one.candidate.sentence.spans[: len(naming.spans)]
        assert with_opening or behind_the_same
        assert not with_opening or one.text.split(" … ")[0] in fold_space(naming.text)


@pytest.mark.parametrize(
    ("sentence", "language", "shown"),
    [
        ("Here, where on 2 May the Meadow network met, it rained.", "en",
         "Here, where on 2 May the Meadow network met"),
        ("By a survey of ITU, the Meadow network, of Ghent, has cameras.", "en",
         "By a survey of ITU, the Meadow network"),
        ("The River Alert, so far, has no office.", "en", "The River Alert"),
        ("网络很大。", "zh", "网络很大"),
        ("The Meadow network " + "wide " * 20 + "is.", "en", "The Meadow network" + " wide" * 12),
        ("In Ghent, after a pause of years without any rain or snow at all, of the Meadow.", "en",
         "In Ghent, after a pause of years without any rain or snow"),
    ],
)  # fmt: skip
def test_an_opening_goes_up_to_what_it_names(sentence: str, language: str, shown: str) -> None:
    assert opening(sentence, language, name_terms("The Meadow network", language)) == shown


_MEETINGS = """# Meetings of 2025

## 1 Forum of the Beekeepers of Elba

### 1.1 Chairs

- Anne Bouvet, special envoy of the Hive Trust for the bees of France.
- Karim Saad, director of the office for moths and forum of the gardens.

### 1.2 Mode

Later texts say that it was held by letter.

### 1.3 Votes

Country | Votes
--- | ---
Malta | 41

## 2 Outlook

The Forum of the Beekeepers of Elba had a good year.
"""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who is in the chair, as envoy of Hive Trust?", "Anne Bouvet, special envoy"),
        ("Which director of a forum is in the chair?", "Karim Saad, director"),
        ("Was it held by letter, by later texts?", "Later texts say"),
        ("How many votes had Malta?", "Country | Votes … Malta | 41"),
    ],
)
def test_a_heading_names_what_no_sentence_does(
    meetings: QueryEngine, question: str, said: str
) -> None:
    first = _quoted(meetings, question)[0]
    assert first.text.startswith("Forum of the Beekeepers of Elba … ")
    assert said in first.text
    page = meetings.retriever.generation.records.page(first.candidate.hit.document.id, 1)
    span = first.candidate.sentence.spans[0]
    assert page is not None
    assert page.text[span.start : span.end] == "Forum of the Beekeepers of Elba"


def test_of_two_chairs_both_are_named(meetings: QueryEngine) -> None:
    both = _quoted(meetings, "Who is in the chair, as envoy of Hive Trust?")[:2]
    assert ["Anne Bouvet" in both[0].text, "Karim Saad" in both[1].text] == [True, True]
    # Behind a quote of the same section its heading is not repeated.
    assert both[1].text.startswith("Karim Saad")


@pytest.fixture(scope="module")
def meetings(real_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> QueryEngine:
    base = tmp_path_factory.mktemp("meetings")
    (base / "documents").mkdir()
    (base / "documents" / "meetings.md").write_text(_MEETINGS, "utf-8")
    others = "\n\n".join(f"## Hive {n}\n\nIt was moved in May." for n in range(40))
    (base / "documents" / "hives.md").write_text(f"# Hives\n\n{others}\n", "utf-8")
    settings = replace(real_settings, corpus=base / "documents", index=base / "index")
    sync(settings, progress=no_progress)
    return open_query_engine(settings)


def _quoted(engine: QueryEngine, question: str) -> list[Quoted]:
    query, generation = engine.retriever.query(question), engine.retriever.generation
    ranked = candidates(query, engine.retriever.search(query), generation)
    return compose(ranked, term_weights(query, generation))


def test_the_sentence_before_may_stand_in_the_passage_before(
    real_settings: Settings, tmp_path: Path
) -> None:
    corpus = tmp_path / "documents"
    corpus.mkdir()
    days = " ".join(f"It counts bees on day {n} of the season, and moths." for n in range(120))
    (corpus / "bees.md").write_text(f"# Bees\n\nThe Meadow network has cameras. {days}\n", "utf-8")
    long = replace(real_settings, corpus=corpus, index=tmp_path / "index")
    sync(long, progress=no_progress)
    retriever = open_query_engine(long).retriever
    query = retriever.query("What does the Meadow network count on day 60?")
    ranked = candidates(query, retriever.search(query), retriever.generation)
    passages = sorted({one.hit.row for one in ranked})
    assert len(passages) > 1
    second = min((one for one in ranked if one.hit.row == passages[1]), key=lambda one: one.row)
    assert second.antecedents[-1].sentence.text == "The Meadow network has cameras."
    assert len(second.antecedents) == second.row - min(one.row for one in ranked)


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
    engine = open_query_engine(own)
    answer = engine.answer("How many people came to the Symposium of Beekeepers 2025?")
    assert answer.citations[0].quote.startswith("In Turin 600 people")


def test_filters_narrow_the_search(engine: QueryEngine) -> None:
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
        engine = open_query_engine(real_settings, audiences=[audience])
        assert bool(engine.answer("How many bees?").retrieved) == finds


@pytest.mark.parametrize("question", ["", "  \n", "?!", "x" * 10_000])
def test_an_empty_or_endless_question_is_an_error_that_says_what_to_do(
    engine: QueryEngine, question: str
) -> None:
    with pytest.raises(UsageError, match="Ask"):
        engine.answer(question)


def test_a_later_turn_is_understood_by_the_one_before(engine: QueryEngine) -> None:
    answer = engine.answer(["What does the Meadow network count?", "And when was it founded?"])
    assert answer.question == "And when was it founded?"
    assert holds_fact(answer.text, "2019")


def test_a_quote_that_is_not_in_its_page_is_withheld(
    engine: QueryEngine, real_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = engine.retriever.generation.records
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


def test_a_documents_own_brackets_are_no_markers() -> None:
    assert shown_text("As shown in [12], it rose [3].") == "As shown in …, it rose …."


def test_a_very_long_sentence_is_elided_to_what_was_asked() -> None:
    clauses = [f"in place {n} the gauge number {n} was read by hand every day" for n in range(40)]
    clauses[30] = "the lamp was replaced by Ada"
    text = elided(", ".join(clauses) + ".", frozenset({"lamp", "replac"}), "en", MAX_WORDS)
    assert "the lamp was replaced by Ada" in text
    assert len(text.split()) <= MAX_WORDS
    assert text.startswith("… ")
    for part in text.split("…"):
        assert part.strip() in ", ".join(clauses) + "."


def test_llama_index_users_get_retriever_and_query_engine(engine: QueryEngine) -> None:
    from assistant.llama_index_parts import CitedQueryEngine, PassageRetriever

    nodes = PassageRetriever(engine.retriever).retrieve("bees in gardens")
    assert nodes[0].node.metadata["document_id"] == "meadow"
    assert nodes[0].score == max(node.score or 0 for node in nodes)
    response = CitedQueryEngine(engine=engine).query("How many gardens does Meadow count?")
    assert "210" in str(response)
    assert response.metadata is not None
    assert response.metadata["status"] == "answered"


def test_markup_in_documents_is_text(tmp_path: Path) -> None:
    from ingest.readers import read

    (tmp_path / "a.txt").write_text("Note\nThe <b>fee</b> is ![x](http://a) 5 & more.\n", "utf-8")
    assert "The <b>fee</b> is ![x](http://a) 5 & more." in read(tmp_path / "a.txt").pages[0].text


def test_a_tables_header_is_no_answer_by_itself(engine: QueryEngine) -> None:
    answer = engine.answer("How many observers and countries in the year 2023?")
    assert holds_fact(answer.text, "980")
    header = " | ".join(documents.HEADER)
    assert f"{header} … 2023 | 980" in answer.text
    assert f"{header} [" not in answer.text


@pytest.mark.parametrize("question", ["Who?", "¿Qué?", "What is it?"])
def test_a_question_without_a_subject_is_not_answered(engine: QueryEngine, question: str) -> None:
    assert engine.answer(question).status is Status.NOT_IN_DOCUMENTS


def test_a_notice_never_holds_a_marker(engine: QueryEngine) -> None:
    answer = engine.answer("Who wrote Hamlet [1] and Macbeth [2]?")
    assert answer.status is Status.NOT_IN_DOCUMENTS
    assert "[1]" not in answer.notice


def test_equal_sentences_of_two_documents_are_quoted_once(settings_with_copies: Settings) -> None:
    answer = open_query_engine(settings_with_copies).answer("How many bees does Meadow count?")
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
