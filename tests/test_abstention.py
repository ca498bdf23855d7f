"""Questions that name the right things and ask for what is not there, with the product's model."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answer import Answer, Status
from assistant.engine import Engine, open_engine
from assistant.reading import Lacking
from assistant.retrieval import Query
from assistant.rules.correction import LEAST_SUBJECT, correcting_sentence, first_lacking
from assistant.rules.decision import decision_features
from assistant.rules.demand import demand
from assistant.rules.evidence import read_evidence
from assistant.rules.selection import Candidate, candidates, select
from assistant.rules.sentences import term_weights
from corpus.settings import Settings
from eval.invariants import broken_invariants
from ingest.sync import sync

_MARKER = re.compile(r"\[\d+\]")


def _ranked(engine: Engine, query: Query) -> tuple[list[Candidate], dict[str, float]]:
    """Return the sentences for a question, best first, and the weights of its terms."""
    weights = term_weights(query, engine.generation)
    hits = engine.retriever.search(query).hits
    return candidates(query, hits, engine.generation, weights), weights


def _broken(answer: Answer, engine: Engine) -> list[str]:
    def page_text(document_id: str, page: int | None) -> str:
        found = engine.generation.records.page(document_id, page or 1)
        return found.text if found else ""

    return broken_invariants(json.loads(json.dumps(answer.to_json())), page_text)


def test_what_an_earlier_turn_named_is_not_demanded_of_a_later_one(engine: Engine) -> None:
    turns = [
        "Which network counts wild bees?",
        "What does UNICEF contribute to it?",
        "In how many gardens?",
    ]
    assert "UNICEF" in engine.answer(turns[:2]).notice
    assert "UNICEF" not in engine.answer(turns).notice


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("What does UNICEF contribute to the Meadow network?", "They do not mention “UNICEF”."),
        ("How many households did River alert reach in 2011?", "do not concern 2011."),
        ("What is the fee for joining the Meadow network?", "name no amount of money"),
        ("Combien de foyers River alert a-t-il atteints en 2011 ?", "ne portent pas sur 2011"),
        ("¿Cuántos hogares alcanzó River alert en 2011?", "no se refieren a 2011"),
        ("Какую роль играет UNHCR в сети Meadow?", "«UNHCR» в них не упоминается"),
        ("ما دور UNHCR في شبكة Meadow للنحل؟", "ولا تذكر «UNHCR»"),
        ("UNHCR在Meadow网络中做什么？", "其中未提及“UNHCR”"),
    ],
)
def test_the_notice_says_what_is_missing(engine: Engine, question: str, missing: str) -> None:
    answer = engine.answer(question)
    assert answer.status is Status.NOT_IN_DOCUMENTS
    assert missing in answer.notice
    assert not _MARKER.search(answer.notice)
    assert answer.nearest


def test_a_name_is_not_called_missing_for_its_accents(engine: Engine) -> None:
    query = engine.retriever.query("Who painted the zoo of Ghent?")
    ranked, weights = _ranked(engine, query)
    reading = read_evidence(query.asked, query.language, ranked, select(ranked, weights), weights)

    def missing(name: str) -> Lacking | None:
        asked = replace(reading, wanted=demand(f"Who painted the zoo of {name}?", "en"))
        return first_lacking(asked, ranked, {})

    assert missing("Brùges") == Lacking("name", "Brùges")
    assert missing("Ghént") != Lacking("name", "Ghént")


def test_a_false_presupposition_is_corrected_by_a_quote(engine: Engine) -> None:
    answer = engine.answer("Why does Glacier watch measure ice on 90 summits?")
    assert answer.status is Status.NOT_IN_DOCUMENTS
    assert "64 summits" in answer.text
    assert "takes for granted" in answer.notice
    assert answer.citations[0].document_id == "glacier"
    assert not _broken(answer, engine)


def test_a_wrong_year_is_no_presupposition_to_be_corrected(engine: Engine) -> None:
    answer = engine.answer("How many households did River alert reach in 2011?")
    assert answer.text == ""
    assert answer.citations == []


@pytest.mark.parametrize(
    "question",
    [
        "How many households did River alert reach in 2024?",
        "On how many summits does Glacier watch measure ice?",
        "What is the budget for 2025?",
    ],
)
def test_what_is_stated_is_still_answered(engine: Engine, question: str) -> None:
    assert engine.answer(question).status is Status.ANSWERED


def _engine_over(real: Settings, folder: Path, **texts: str) -> Engine:
    """Return an engine over Markdown documents, given by name."""
    (folder / "documents").mkdir()
    for name, text in texts.items():
        (folder / "documents" / f"{name}.md").write_text(text, encoding="utf-8")
    settings = replace(real, corpus=folder / "documents", index=folder / "index")
    sync(settings, progress=lambda *_: None)
    return open_engine(settings)


def test_what_is_said_of_another_thing_corrects_nothing(
    real_settings: Settings, tmp_path: Path
) -> None:
    engine = _engine_over(
        real_settings,
        tmp_path,
        regulators="# Symposium of regulators\n\nThe symposium of 2024, RSY-24, met in Kampala. "
        "Vice-President Grace Moyo opened it.\n",
        assembly="# Assembly on standards\n\nThe assembly of 2024, ASM-24, met in New Delhi in "
        "October.\n",
    )
    query = engine.retriever.query("Why did the King of Peru open ASM-24?")
    ranked, weights = _ranked(engine, query)
    reading = read_evidence(query.asked, query.language, ranked, select(ranked, weights), weights)
    corrected = correcting_sentence(reading, ranked, LEAST_SUBJECT)
    assert corrected is None or "Moyo" not in corrected.sentence.text


def test_the_figure_of_a_sibling_is_not_given_for_the_one_asked(
    real_settings: Settings, tmp_path: Path
) -> None:
    engine = _engine_over(
        real_settings,
        tmp_path,
        gatherings="# Gatherings of beekeepers\n\n## HIVE-24, Ghent\n\nHIVE-24 was held in Ghent "
        "from 1 to 4 July. Over 600 participants came. The mayor opened it.\n\n## HIVE-25, Turin"
        "\n\nHIVE-25 was held in Turin from 2 to 5 September. It spoke of pollen.\n",
    )
    asked = engine.answer("How many participants came to HIVE-24?")
    quotes = [citation.quote for citation in asked.citations]
    assert quotes[0] == "Over 600 participants came."
    assert asked.citations[0].section[-1] == "HIVE-24, Ghent", "it says of which gathering"
    sibling = engine.answer("How many participants came to HIVE-25?")
    assert "600" not in sibling.text
    assert engine.answer("Where was HIVE-25 held?").citations[0].quote.startswith("HIVE-25 was")
    turns = ["Where was HIVE-24 held?", "How many participants came?", "Where was HIVE-25 held?"]
    assert engine.answer(turns).citations[0].quote.startswith("HIVE-25 was")


def test_nothing_is_said_to_be_missing_that_a_passage_found_holds(engine: Engine) -> None:
    query = engine.retriever.query("Who painted the gardens in 2019?")
    generation = engine.generation
    ranked, weights = _ranked(engine, query)
    reading = read_evidence(query.asked, query.language, ranked, select(ranked, weights), weights)
    elsewhere = [one for one in reading.evidence if "2019" not in one.placed.years]
    only_there = replace(reading, evidence=elsewhere)
    lacking = first_lacking(only_there, ranked, generation.records.passage_counts(weights))
    assert lacking is None or lacking.kind != "year"
    without = [one for one in ranked if "2019" not in one.sentence.text]
    lacking = first_lacking(only_there, without, generation.records.passage_counts(weights))
    assert lacking is not None
    assert (lacking.kind, lacking.value) == ("year", "2019")


def test_a_count_is_asked_for_and_the_first_quote_has_none(engine: Engine) -> None:
    def lacking(question: str, sentence: str) -> float:
        generation = engine.generation
        query = engine.retriever.query(question)
        ranked, weights = _ranked(engine, query)
        first = select(ranked, {})[0]
        quoted = [replace(first, sentence=replace(first.sentence, text=sentence))]
        embed = engine.retriever.query
        return decision_features(
            query, ranked, quoted, weights, generation, lambda text: embed(text).vector
        )[1]["first_lacks_kind"]

    question = "How many votes did the chair of 2019 receive?"
    assert lacking(question, "The network of 2019 has a chair.") == 1
    assert lacking(question, "The vote was held from 1 to 4 July.") == 1, "no days are counted"
    assert lacking(question, "The chair received 12 votes.") == 0
    assert lacking("What is the chair of 2019?", "The network of 2019 has a chair.") == 0


def test_a_sibling_that_would_fit_better_weighs_against_an_answer(engine: Engine) -> None:
    generation, embed = engine.generation, engine.retriever.query
    query = embed("How many households did River alert reach in 2024?")
    found, weights = _ranked(engine, query)
    quoted = select(found[:1], weights)

    def ahead(score: float, asked: Query = query) -> float:
        ranked = [found[0], replace(found[1], rival=True, score=score)]
        return decision_features(
            asked, ranked, quoted, weights, generation, lambda text: embed(text).vector
        )[1]["rival_ahead"]

    assert ahead(found[0].score) > ahead(found[0].score / 10) > 0
    assert ahead(found[0].score / 1000) == 0, "it would fit worse even as the thing asked for"
    later = replace(query, text=f"Where is Glacier watch? {query.text}")
    assert ahead(found[0].score, later) == 0, "the turns before may have named it"
