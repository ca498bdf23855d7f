"""Several shards read as one index: rows, and keyword scores as those of one database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from corpus.documents import Document, Page, Passage
from corpus.settings import Settings
from index.generations import Generation, open_generation
from index.records import DocumentContent, Records, RecordsPart
from index.records_writer import RecordsWriter
from index.shard_records import ShardRecords
from index.shards import shard_folder
from ingest.sync import sync
from tests.conftest import no_progress

# A title and the passages of a document, each of some words.
Words = list[str]
Texts = list[tuple[Words, list[Words]]]
_WORDS = st.lists(
    st.sampled_from(["tide", "bee", "lamp", "ports", "42", "été", "港口"]), max_size=9
)
_TEXTS = st.lists(st.tuples(_WORDS, st.lists(_WORDS, min_size=1, max_size=3)), max_size=5)
_QUERY = ["tide", "bee", "42", "港口", "absent"]


def _records(path: Path, texts: Texts, first: int) -> ShardRecords:
    """Write a database of some documents, numbered from ``first`` on."""
    with RecordsWriter(path, None, str, lambda *_: "", str) as writer:
        for number, (title, passages) in enumerate(texts, first):
            name = f"d{number}"
            own = Document(name, " ".join(title), name, name, "en")
            found = [
                Passage(f"{name}.{n}", name, 1, 1, (), 0, 1, " ".join(words))
                for n, words in enumerate(passages)
            ]
            content = DocumentContent("", "en", False, [Page(name, 1, None, "x")], found)
            writer.add_document(own, content)
    return ShardRecords(path, "public")


def _joined(shards: Sequence[ShardRecords]) -> Records:
    parts, first = [], 0
    for records in shards:
        passages = records.counts()["passages"]
        parts.append(RecordsPart(records, first, passages, 0, 0))
        first += passages
    return Records(parts)


@hypothesis_settings(max_examples=60, deadline=None)
@given(parts=st.tuples(_TEXTS, _TEXTS, _TEXTS))
def test_scores_over_shards_are_those_of_one_database(parts: tuple[Texts, Texts, Texts]) -> None:
    together = [text for texts in parts for text in texts]
    with TemporaryDirectory() as folder:
        firsts = list(accumulate((len(texts) for texts in parts[:-1]), initial=0))
        shards = [
            _records(Path(folder, f"{n}.sqlite"), texts, first)
            for n, (texts, first) in enumerate(zip(parts, firsts, strict=True))
        ]
        whole = _records(Path(folder, "whole.sqlite"), together, 0)
        expected = whole.keyword_search(_QUERY, 100)
        joined = _joined(shards)
        found = joined.keyword_search(_QUERY, 100)
        assert dict(found) == pytest.approx(dict(expected), abs=1e-6)
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)
        some = [f"d{number}" for number in range(0, len(together), 2)]
        only = dict(whole.keyword_search(_QUERY, 100, ["en"], some))
        assert dict(joined.keyword_search(_QUERY, 100, ["en"], some)) == pytest.approx(only)
        assert joined.keyword_search(_QUERY, 100, ["fr"]) == []


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Settings, Settings]:
    """Return one corpus indexed twice: for the public alone, and parted by audiences."""
    made = []
    for audiences in (["public"], ["public", "members", "board"]):
        base = tmp_path_factory.mktemp("pair")
        corpus = base / "documents"
        corpus.mkdir()
        entries = []
        for n in range(7):
            text = f"Harbour {n} has {n} lamps. " * (1 + n % 3) + f"\n\n## Tides\n\nTide {n} came."
            (corpus / f"d{n}.md").write_text(f"# Document {n}\n\n{text}\n", "utf-8")
            audience = audiences[n % len(audiences)]
            entries.append(f'[[document]]\npath = "d{n}.md"\naudience = "{audience}"\n')
        (corpus / "catalogue.toml").write_text("".join(entries), "utf-8")
        settings = Settings(corpus, base / "index", base / "cache", str(tiny_model))
        sync(settings, progress=no_progress)
        made.append(settings)
    return made[0], made[1]


def _contents(generation: Generation) -> dict[str, object]:
    """Return all that is stored of each document, with its vectors, by id."""
    found: dict[str, object] = {}
    for indexed in generation.records.documents():
        rows = np.arange(indexed.first, indexed.end)
        sentences = [row for row, _ in generation.records.sentence_rows(rows.tolist())]
        stored = generation.records.sentences(rows.tolist())
        assert [sentence.row for sentence in stored] == sentences
        assert generation.records.passage_rows(sentences) == rows.tolist()
        found[indexed.document.id] = (
            str(replace(indexed.document, audience="")),
            str(generation.records.content(indexed)),
            generation.passages.vectors(rows).tolist(),
            generation.sentence_vectors(np.array(sentences)).tolist(),
        )
    return found


def test_parted_by_audiences_it_is_the_same_index(pair: tuple[Settings, Settings]) -> None:
    whole, parted = (open_generation(settings.index) for settings in pair)
    assert [shard.audience for shard in parted.shards] == ["board", "members", "public"]
    assert whole.counts == parted.counts == parted.manifest.counts
    assert list(_contents(whole)) == [indexed.document.id for indexed in parted.records.documents()]
    assert _contents(whole) == _contents(parted)
    query = whole.passages.vectors(np.array([3]))[0]
    for k in (1, 5, 50):
        found = [
            [(_named(generation, row), round(cosine, 5)) for row, cosine in hits]
            for generation in (whole, parted)
            for hits in [generation.passages.search(query, k)]
        ]
        assert sorted(found[0]) == sorted(found[1]) or k < 50
        assert [cosine for _, cosine in found[0]] == [cosine for _, cosine in found[1]]
    allowed = np.array([row for indexed in parted.records.documents()[2:4]
                        for row in range(indexed.first, indexed.end)])  # fmt: skip
    assert {row for row, _ in parted.passages.search(query, 50, allowed)} == set(allowed.tolist())
    assert parted.counterparts("d1", "d2").keys() <= {
        row for indexed in parted.records.documents() if indexed.document.id == "d1"
        for row, _ in parted.records.sentence_rows(range(indexed.first, indexed.end))
    }  # fmt: skip


def _named(generation: Generation, row: int) -> str:
    return generation.records.passages([row])[row].id


def test_a_document_that_changes_its_audience_is_not_embedded_again(
    pair: tuple[Settings, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = pair
    before = _contents(open_generation(settings.index))
    monkeypatch.setattr("ingest.model.load_embedder", None)
    monkeypatch.setattr("ingest.reader_pool._Child.read", None)
    catalogue = settings.corpus / "catalogue.toml"
    catalogue.write_text(catalogue.read_text("utf-8").replace("members", "board"), "utf-8")
    report = sync(settings, progress=no_progress)
    assert (report.published, report.embedded) == (True, 0)
    after = open_generation(settings.index)
    assert [shard.audience for shard in after.shards] == ["board", "public"]
    assert _contents(after) == before


@pytest.mark.parametrize("audience", ["public", "PUBLIC", "a/b", "..", "成员", "", "x" * 300, "é"])
def test_any_audience_has_a_folder_of_its_own(tmp_path: Path, audience: str) -> None:
    name = shard_folder(audience)
    (tmp_path / name).mkdir()
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    assert len(name) < 60
    assert name.isascii()
    assert hashlib.sha256(audience.encode()).hexdigest()[:8] in name


def test_a_row_that_is_not_there_is_not_shown(pair: tuple[Settings, Settings]) -> None:
    generation = open_generation(pair[0].index)
    size = generation.passages.size
    shard = generation.shards[0].records
    assert shard.shows(np.array([-1, 0, size - 1, size])).tolist() == [False, True, True, False]
    assert generation.records.passages([-1, size]) == {}
    assert generation.records.sentences([size]) == []
