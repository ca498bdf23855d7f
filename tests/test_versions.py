"""Language versions of a document: the asker's is quoted where it has the answer."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest

from assistant.answer import Answer, Hit
from assistant.diagnose.why import Outcome, explain
from assistant.engine import Engine, open_engine
from assistant.retrieval import Query
from assistant.scored import ScoredSentence
from assistant.versions import (
    AskersVersion,
    askers_version,
    in_askers_version,
    in_one_version,
    versions_by_id,
)
from corpus.catalogue import read_catalogue
from corpus.documents import Document
from corpus.sample.__main__ import DOCUMENTS
from corpus.settings import Settings
from eval.facts import holds_fact
from index.records import IndexedDocument
from index.versions import same_statements
from ingest.sync import sync
from tests.conftest import no_progress

_PAIRS = {
    "ai-for-good-summits.es": "ai-for-good-summits",
    "un-activities-on-ai-2024.fr": "un-activities-on-ai-2024",
    "ai-skills.ar": "ai-skills",
}
_ATLAS = """# Atlas of lamps

## Purpose

The atlas describes the lamps of 88 lighthouses. It was printed in Porto in 1931.

## Keepers

Ada Fernandes was the keeper of the northern tower for 42 years. She wrote a diary every day.

## Repairs

The western tower was repaired with granite in 1957. The work took 19 months.
"""
# It has no repairs.
_ATLAS_IN_FRENCH = """# Atlas des lampes

## Objet

L'atlas décrit les lampes de 88 phares. Il a été imprimé à Porto en 1931.

## Gardiens

Ada Fernandes a été la gardienne de la tour du nord pendant 42 ans. Elle tenait un journal.
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return an engine over the sample's translations and originals, and an abridged version."""
    base = tmp_path_factory.mktemp("versions")
    folder = base / "documents"
    folder.mkdir()
    entries = []
    for entry in read_catalogue(DOCUMENTS).entries.values():
        if entry.id in {*_PAIRS, *_PAIRS.values()}:
            shutil.copy(DOCUMENTS / entry.path, folder)
            entries.append(_entry(entry.path, entry.id or "", entry.language or ""))
    (folder / "atlas.md").write_text(_ATLAS, encoding="utf-8")
    (folder / "atlas.fr.md").write_text(_ATLAS_IN_FRENCH, encoding="utf-8")
    entries += [_entry("atlas.md", "atlas", "en"), _entry("atlas.fr.md", "atlas.fr", "fr", "atlas")]
    (folder / "catalogue.toml").write_text("\n".join(entries), encoding="utf-8")
    settings = Settings(corpus=folder, index=base / "index")
    sync(settings, progress=no_progress)
    return open_engine(settings)


def _entry(path: str, document_id: str, language: str, original: str | None = None) -> str:
    original = original or _PAIRS.get(document_id)
    translation = f'translation_of = "{original}"\n' if original else ""
    return (
        f'[[document]]\npath = "{path}"\nid = "{document_id}"\nlanguage = "{language}"\n'
        f"{translation}"
    )


def _documents(answer: Answer) -> set[str]:
    return {citation.document_id for citation in answer.citations}


_QUESTIONS = [
    ("How many projects does the UN report list for 2024?", "729", "un-activities-on-ai-2024"),
    ("Combien de projets le rapport recense-t-il ?", "729", "un-activities-on-ai-2024.fr"),
    ("how mny un projets on ai 2024", "729", "un-activities-on-ai-2024"),
    ("Where was the second summit held?", "headquarters", "ai-for-good-summits"),
    ("¿Dónde se celebró la segunda cumbre?", "sede de la UIT", "ai-for-good-summits.es"),
    ("How many people came to the 2019 summit?", "2 000", "ai-for-good-summits"),
    ("¿Cuántas personas acudieron a la cumbre de 2019?", "2 000", "ai-for-good-summits.es"),
    ("How many people attended the Digital Skills Forum?", "700", "ai-skills"),
    ("كم عدد الأشخاص الذين حضروا منتدى المهارات الرقمية؟", "700", "ai-skills.ar"),
    ("How many years was Ada Fernandes the keeper?", "42", "atlas"),
    ("Pendant combien d'années Ada Fernandes a-t-elle été gardienne ?", "42", "atlas.fr"),
]


@pytest.mark.parametrize(("question", "fact", "document"), _QUESTIONS)
def test_the_askers_version_is_quoted(
    engine: Engine, question: str, fact: str, document: str
) -> None:
    answer = engine.answer(question)
    assert holds_fact(answer.text, fact)
    assert document in _documents(answer)
    others = {*_PAIRS, *_PAIRS.values(), "atlas", "atlas.fr"} - {document}
    same = {name for name in others if name.partition(".")[0] == document.partition(".")[0]}
    assert not _documents(answer) & same


def test_what_the_askers_version_leaves_out_is_quoted_from_the_original(
    engine: Engine,
) -> None:
    trace = engine.trace("En quelle année la tour de l'ouest a-t-elle été réparée en granit ?")
    ranked = trace.reading.sentences
    assert ranked[0].hit.document.id == "atlas"
    assert "repaired with granite in 1957" in ranked[0].sentence.text


@pytest.mark.parametrize(
    "question",
    [
        *(question for question, _, _ in _QUESTIONS),
        "Сколько людей приехало на саммит в 2019 году?",
        "大会在哪里举行？",
        "What share of the projects is run with governments?",
        "Qui a traduit le rapport sur les activités de l'ONU relatives à l'IA ?",
        "¿Quién diseñó el logotipo de la plataforma AI for Good?",
    ],
)
def test_no_statement_is_quoted_in_two_versions(engine: Engine, question: str) -> None:
    generation = engine.generation
    chosen = engine.trace(question).reading.chosen
    assert chosen
    for left, right in permutations(chosen, 2):
        same = generation.counterparts(left.hit.document.id, right.hit.document.id)
        translated = left.hit.document.language != right.hit.document.language
        assert not translated or not {same.get(row) for row in left.rows} & set(right.rows)


def _exchanged(engine: Engine, query: Query, hits: list[Hit]) -> AskersVersion:
    return in_askers_version(query, hits, engine.retriever.searched(query), engine.generation)


def _scored(engine: Engine, question: str, document: str, text: str) -> ScoredSentence:
    """Return the sentence of a document that holds a text, as a question is read."""
    sentences = engine.trace(question, {"document": document}).reading.sentences
    return next(scored for scored in sentences if text in scored.sentence.text)


def test_a_passage_of_another_version_brings_the_askers_version_in(engine: Engine) -> None:
    query = engine.retriever.query("Where was the second summit held?")
    only_spanish = replace(query, filters={"language": "es"})
    found = engine.retriever.search(only_spanish).hits
    assert {hit.document.id for hit in found} == {"ai-for-good-summits.es"}
    exchanged = _exchanged(engine, query, found).hits
    assert exchanged[0].document.id == "ai-for-good-summits"
    assert exchanged[0].score == found[0].score
    assert exchanged[0].cosine != found[0].cosine
    assert exchanged[0].passage.document_id == "ai-for-good-summits"
    assert len({hit.row for hit in exchanged}) == len(exchanged) <= len(found)
    # Where the reader may not see the original, the translation stays.
    assert _exchanged(engine, only_spanish, found).hits == found


def test_a_filter_for_another_language_is_obeyed(engine: Engine) -> None:
    answer = engine.answer("Where was the second summit held?", filters={"language": "es"})
    assert _documents(answer) == {"ai-for-good-summits.es"}


def test_the_better_version_takes_the_higher_score(engine: Engine) -> None:
    generation = engine.generation
    kept = _scored(engine, "Who kept the tower?", "atlas", "42 years")
    other = _scored(engine, "Who kept the tower?", "atlas.fr", "42 ans")
    ranked = [replace(other, score=1.0, logit=9.0), replace(kept, score=0.1, logit=-2.0)]
    assert in_one_version("en", ranked, generation) == [replace(kept, score=1.0, logit=9.0)]
    # Without it, the translation stays; and so does a list of which a part is said nowhere else.
    assert in_one_version("en", ranked[:1], generation) == ranked[:1]
    part = replace(other, rows=(*other.rows, -1), score=1.0, logit=9.0)
    both = in_one_version("en", [part, kept], generation)
    assert [scored.hit.document.id for scored in both] == ["atlas.fr", "atlas"]


def test_why_says_that_a_version_gave_way(engine: Engine) -> None:
    question = "¿Cuántas personas acudieron a la cumbre de 2019?"
    given_way = explain(engine, question, "ai-for-good-summits")
    assert given_way.outcome is Outcome.GAVE_WAY
    assert "gave way to ai-for-good-summits.es" in given_way.reason
    assert explain(engine, question, "ai-for-good-summits.es").outcome is Outcome.QUOTED


def _catalogued(**originals: str | None) -> list[IndexedDocument]:
    """Return documents of which the language is the id's first two letters."""
    return [
        IndexedDocument(
            Document(name, name, name, "", name[:2], translation_of=original), "", "", 0, 0
        )
        for name, original in originals.items()
    ]


@pytest.mark.parametrize(
    ("documents", "own"),
    [
        (_catalogued(en=None, es="en", fr="en"), "fr"),
        (_catalogued(en=None, es="en", fr="es"), "fr"),  # a translation of a translation
        (_catalogued(es="lost", fr="lost", en="lost"), "fr"),  # the original is not there
        (_catalogued(en="es", es="fr", fr="en"), "fr"),  # each is said to be of the next
        (_catalogued(en="en", es=None, fr=None), None),
        (_catalogued(en=None, es="en", ru="en"), None),
        (_catalogued(en=None, fr="es"), None),  # of another one, which is not there
        (_catalogued(en=None, fr="en", fr2="en"), "fr"),
    ],
)
def test_translations_belong_together_however_they_are_chained(
    documents: list[IndexedDocument], own: str | None
) -> None:
    english = next(indexed.document for indexed in documents if indexed.document.id == "en")
    # The chain holds where a document in the middle of it may not be read.
    for readable in (documents, [indexed for indexed in documents if indexed.document.id != "es"]):
        versions = versions_by_id((indexed.document for indexed in readable), documents, "fr")
        found = askers_version(english, versions, "fr")
        assert (found.id if found else None) == own


@pytest.mark.parametrize(
    ("document", "found", "astray"),
    [
        ("ai-for-good-summits.es", 38, 0),
        ("un-activities-on-ai-2024.fr", 26, 0),
        ("ai-skills.ar", 27, 0),
    ],
)
def test_most_sentences_of_a_translation_find_their_like(
    engine: Engine, document: str, found: int, astray: int
) -> None:
    same = engine.generation.counterparts(document, _PAIRS[document])
    assert len(same) >= found
    # Translations keep the order of the original.
    others = [same[row] for row in sorted(same)]
    assert sum(before > after for before, after in pairwise(others)) <= astray


def test_same_statements_are_each_others_nearest_and_share_their_figures() -> None:
    vectors = np.eye(8, dtype=np.float32)
    turned = (vectors + 0.1) / np.linalg.norm(vectors + 0.1, axis=1, keepdims=True)
    original = [f"In {year} it rained." for year in range(2010, 2018)]
    translation = [f"Il a plu en {year}." for year in range(2010, 2018)]
    assert same_statements(original, translation, vectors, turned) == {n: n for n in range(8)}
    translation[3] = "Il a plu en 1999."
    assert 3 not in same_statements(original, translation, vectors, turned)
    shorter = same_statements(original, translation[4:], vectors, turned[4:])
    assert shorter == {n: n - 4 for n in range(4, 8)}
    assert same_statements(original, [], vectors, vectors[:0]) == {}
    thousands = ["About 10,000 people."], ["Environ 10\u202f000 personnes."]
    assert same_statements(*thousands, vectors[:1], vectors[:1]) == {}  # nothing to stand out from
