"""What a sync makes of files that move, double, change their description, or go."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assistant.diagnose.doctor import examine
from assistant.engine import open_engine
from corpus.errors import AssistantError, NoUsableIndexError, UsageError
from corpus.settings import ResolvedSettings, Settings
from index.generations import Generation, open_generation
from index.manifest import FORMAT, MANIFEST_FILE
from index.pointer import COPY_FILE, POINTER_FILE
from index.sealed import seal, unseal
from ingest.inventory import inventory
from ingest.plan import AudienceChange, Moved
from ingest.sync import SyncReport, sync
from tests.conftest import copy_into, no_progress, settings_in


def _sync(settings: Settings, *, force: bool = False, retry: bool = False) -> SyncReport:
    return sync(settings, force=force, retry=retry, progress=no_progress)


def _write(settings: Settings, name: str, text: str) -> Path:
    path = settings.corpus / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _paths(settings: Settings) -> list[str]:
    return [
        indexed.document.path for indexed in open_generation(settings.index).records.documents()
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Settings:
    settings = settings_in(tmp_path_factory.mktemp("filled"), tiny_model)
    _write(settings, "one.md", "# Tides\n\nThe report names 12 harbours.\n\nIt is about tides.\n")
    _write(settings, "two.md", "# Bees\n\nIt speaks of bees.\n")
    _sync(settings)
    return settings


@pytest.fixture
def filled(settings: Settings, built: Settings) -> Settings:
    return copy_into(settings, built)


def test_a_moved_document_is_not_read_and_keeps_its_vectors(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_generation(filled.index)
    (filled.corpus / "old").mkdir()
    (filled.corpus / "one.md").rename(filled.corpus / "old" / "tides.md")
    monkeypatch.setattr("ingest.model.load_embedder", None)
    monkeypatch.setattr("ingest.reader_pool._Child.read", None)
    report = _sync(filled)
    assert report.plan.moved == [Moved("old/tides.md", "one.md")]
    assert (report.plan.added, report.plan.changed, report.plan.removed) == ([], [], [])
    after = open_generation(filled.index)
    found = after.records.document("old-tides")
    assert found
    assert _vectors(after, "old/tides.md").tolist() == _vectors(before, "one.md").tolist()
    passages = after.records.passages(range(found.first, found.end)).values()
    assert {passage.document_id for passage in passages} == {"old-tides"}
    assert after.records.page("old-tides", 1)


def _vectors(generation: Generation, path: str) -> np.ndarray:
    (indexed,) = [d for d in generation.records.documents() if d.document.path == path]
    return generation.passages.vectors(np.arange(indexed.first, indexed.end))


def test_the_same_content_is_indexed_once(filled: Settings) -> None:
    shutil.copy(filled.corpus / "one.md", filled.corpus / "copy.md")
    report = _sync(filled)
    # The copy comes first by path, but the other one is published.
    assert [(d.path, d.of) for d in report.plan.duplicates] == [("copy.md", "one.md")]
    assert _paths(filled) == ["one.md", "two.md"]
    rows = {row["path"]: row for row in inventory(open_generation(filled.index))}
    assert rows["copy.md"] == {
        "state": "duplicate", "path": "copy.md", "audience": "public", "of": "one.md",
    }  # fmt: skip
    (filled.corpus / "one.md").unlink()
    report = _sync(filled)
    assert (report.plan.moved, report.plan.removed, report.embedded) == (
        [Moved("copy.md", "one.md")],
        [],
        0,
    )
    assert _paths(filled) == ["copy.md", "two.md"]


@pytest.mark.parametrize("name", ["a.bak", "a.pdf", "a.docx"])
def test_a_copy_that_cannot_be_read_does_not_push_a_document_out(
    filled: Settings, name: str
) -> None:
    shutil.copy(filled.corpus / "one.md", filled.corpus / name)
    report = _sync(filled)
    assert [q.path for q in report.quarantined] == [name]
    assert not report.plan.duplicates
    assert _paths(filled) == ["one.md", "two.md"]
    # The advice to give a file its real ending leads to the document, whatever stays beside it.
    (filled.corpus / "one.md").unlink()
    shutil.copy(filled.corpus / name, filled.corpus / "b.md")
    _sync(filled)
    assert _paths(filled) == ["b.md", "two.md"]


def test_a_dry_run_foresees_what_can_be_seen(filled: Settings) -> None:
    (filled.corpus / "image.pdf").write_bytes(b"\x89PNG")
    _write(filled, "empty.md", "")
    _write(filled, "old.doc", "x")
    report = sync(filled, dry_run=True, progress=no_progress)
    assert [q.path for q in report.quarantined] == ["empty.md", "image.pdf", "old.doc"]
    for path in filled.corpus.rglob("*"):
        path.unlink()
    with pytest.raises(UsageError, match="no documents"):
        sync(filled, dry_run=True, progress=no_progress)


def test_other_readers_are_reported(filled: Settings) -> None:
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.md"\naudience = "members"\n')
    assert _sync(filled).plan.audiences == [AudienceChange("one.md", "public", "members")]
    (filled.corpus / "one.md").rename(filled.corpus / "moved.md")
    (filled.corpus / "catalogue.toml").unlink()
    assert _sync(filled).plan.audiences == [AudienceChange("moved.md", "members", "public")]


def test_an_index_in_the_corpus_is_refused(filled: Settings) -> None:
    with pytest.raises(UsageError, match="lies in the corpus folder"):
        _sync(replace(filled, index=filled.corpus / "index"))


def test_a_catalogued_file_goes_before_its_copies_for_the_same_readers(filled: Settings) -> None:
    shutil.copy(filled.corpus / "one.md", filled.corpus / "a-copy.md")
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.md"\n')
    report = _sync(filled)
    assert [(d.path, d.of) for d in report.plan.duplicates] == [("a-copy.md", "one.md")]


def test_a_copy_for_other_readers_is_a_document_of_its_own(filled: Settings) -> None:
    shutil.copy(filled.corpus / "one.md", filled.corpus / "a-copy.md")
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.md"\naudience = "members"\n')
    report = _sync(filled)
    assert not report.plan.duplicates
    audiences = {
        indexed.document.path: indexed.document.audience
        for indexed in open_generation(filled.index).records.documents()
    }
    assert audiences == {"a-copy.md": "public", "one.md": "members", "two.md": "public"}


def test_one_content_for_two_audiences_is_two_documents(filled: Settings) -> None:
    shutil.copy(filled.corpus / "one.md", filled.corpus / "open.md")
    _write(
        filled,
        "catalogue.toml",
        '[[document]]\npath = "one.md"\naudience = "members"\n[[document]]\npath = "open.md"\n',
    )
    report = _sync(filled)
    assert not report.plan.duplicates
    assert report.embedded == 0
    assert _paths(filled) == ["one.md", "open.md", "two.md"]


def test_a_changed_description_alone_is_recognised_and_loads_no_model(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.md"\ntitle = "On tides"\n')
    monkeypatch.setattr("ingest.model.load_embedder", None)
    report = _sync(filled)
    assert report.plan.described == ["one.md"]
    assert report.published
    titles = [
        indexed.document.title for indexed in open_generation(filled.index).records.documents()
    ]
    assert titles == ["On tides", "Bees"]


def test_another_language_in_the_catalogue_cuts_the_sentences_anew(filled: Settings) -> None:
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.md"\nlanguage = "fr"\n')
    report = _sync(filled)
    assert report.plan.described == ["one.md"]
    found = open_generation(filled.index).records.document("one")
    assert found
    assert (found.document.language, found.own_language) == ("fr", "en")


def test_a_removed_document_never_answers_again(filled: Settings) -> None:
    question = "How many harbours does the report name?"
    assert "12 harbours" in open_engine(filled).answer(question).text
    (filled.corpus / "one.md").unlink()
    _sync(filled)
    engine = open_engine(filled)
    answer = engine.answer(question)
    assert "harbours" not in answer.text
    assert all("harbours" not in hit.passage.text for hit in (*answer.retrieved, *answer.nearest))
    assert engine.generation.records.page("one", 1) is None


def test_quarantined_files_are_read_again_when_asked(filled: Settings) -> None:
    (filled.corpus / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    assert _sync(filled).published
    assert not _sync(filled).published
    assert _sync(filled, retry=True).published


def test_empty_files_are_each_reported_as_empty(filled: Settings) -> None:
    _write(filled, "empty.md", "")
    _write(filled, "void.md", "")
    report = _sync(filled)
    assert [q.path for q in report.quarantined] == ["empty.md", "void.md"]
    assert all("empty" in q.reason for q in report.quarantined)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("letter.txt", b"%PDF-1.7\n", "a PDF"),
        ("scan.pdf", b"\x89PNG\r\n\x1a\n", "a PNG image"),
        ("page.txt", b"\xef\xbb\xbf\n<!DOCTYPE html><p>x</p>", "an HTML page"),
        ("note.md", b"{\\rtf1 x}", "an RTF"),
        ("book.html", b"PK\x03\x04", "a ZIP container"),
    ],
)
def test_mislabelled_files_are_reported_as_what_they_are(
    filled: Settings, name: str, content: bytes, found: str
) -> None:
    (filled.corpus / name).write_bytes(content)
    (refused,) = _sync(filled).quarantined
    assert refused.path == name
    assert f"The file is {found}" in refused.reason


@pytest.mark.parametrize("older", [3, 6])
def test_an_index_of_an_older_format_is_refused_with_the_command_that_rebuilds_it(
    filled: Settings, older: int
) -> None:
    before = open_generation(filled.index)
    content = unseal((before.folder / MANIFEST_FILE).read_bytes(), MANIFEST_FILE)
    (before.folder / MANIFEST_FILE).write_bytes(seal({**content, "format": older}))
    for refused in (open_generation, lambda _: _sync(filled), lambda _: _sync(filled, retry=True)):
        with pytest.raises(NoUsableIndexError, match=f"format {older}.*sync .*--force"):
            refused(filled.index)
    (check,) = [check for check in examine(ResolvedSettings(filled, {})) if check.name == "index"]
    assert check.repair.endswith("--force")
    assert _sync(filled, force=True).published
    assert open_generation(filled.index).manifest.format == FORMAT
    assert _paths(filled) == ["one.md", "two.md"]
    assert not _sync(filled).published


def test_an_index_whose_pointer_was_a_bare_id_is_refused_in_the_same_way(filled: Settings) -> None:
    published = open_generation(filled.index).id
    (filled.index / POINTER_FILE).write_text(f"{published}\n", encoding="utf-8")
    (filled.index / COPY_FILE).unlink()
    with pytest.raises(NoUsableIndexError, match=r"sync .*--force"):
        open_generation(filled.index)
    with pytest.raises(NoUsableIndexError, match=r"sync .*--force"):
        _sync(filled)
    assert _sync(filled, force=True).published


def test_other_chunking_is_refused_with_the_repair(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.sync.CHUNKING", "pages-1")
    monkeypatch.setattr("ingest.plan.CHUNKING", "pages-1")
    with pytest.raises(UsageError, match="with --force"):
        _sync(filled)
    assert _sync(filled, force=True).published


def test_vectors_that_do_not_belong_to_their_texts_are_not_published(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.vectors import VectorColumn

    before = open_generation(filled.index).id
    blocks = VectorColumn.blocks
    monkeypatch.setattr(
        VectorColumn, "blocks", lambda *arguments: (-block for block in blocks(*arguments))
    )
    _write(filled, "three.md", "# Stars\n\nThe atlas names 88 figures.\n")
    with pytest.raises(AssistantError, match="do not belong to their texts"):
        _sync(filled)
    (filled.corpus / "three.md").unlink()
    (filled.corpus / "one.md").rename(filled.corpus / "ones.md")  # nothing to embed
    with pytest.raises(AssistantError, match="not those of their texts"):
        _sync(filled)
    monkeypatch.undo()
    assert open_generation(filled.index).id == before


_NAMES = ("a.md", "b.md", "sub/a.md", "sub/c.txt", "d.txt")
_WORDS = ("tides", "bees", "stars", "rivers")
_CORPORA = st.lists(
    st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(_WORDS), min_size=1), min_size=2,
    max_size=4,
)  # fmt: skip


def _at_most(examples: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@_at_most(4)
@given(corpora=_CORPORA)
def test_whatever_happens_in_between_the_index_mirrors_the_folder(
    settings: Settings, corpora: list[dict[str, str]]
) -> None:
    _mirror(settings, corpora)


@pytest.mark.slow
@_at_most(24)
@given(corpora=_CORPORA)
def test_whatever_happens_more_often_the_index_mirrors_the_folder(
    settings: Settings, corpora: list[dict[str, str]]
) -> None:
    _mirror(settings, corpora)


def _mirror(settings: Settings, corpora: list[dict[str, str]]) -> None:
    """Sync one corpus after the other, and hold the index against that of the last alone."""
    shutil.rmtree(settings.index, ignore_errors=True)
    for corpus in corpora:
        shutil.rmtree(settings.corpus, ignore_errors=True)
        for name, word in corpus.items():
            _write(settings, name, f"# On {word}\n\nThis report speaks of {word} at length.\n")
        _sync(settings)
    fresh = replace(settings, index=settings.index.parent / "fresh")
    shutil.rmtree(fresh.index, ignore_errors=True)
    _sync(fresh)
    step_by_step, at_once = open_generation(settings.index), open_generation(fresh.index)
    assert _files(step_by_step) == _files(at_once)
    if step_by_step.records.duplicates():
        return  # which of two equal files is the document depends on which was there first
    assert _everything(step_by_step) == _everything(at_once)
    rows = np.arange(at_once.passages.size)
    assert np.allclose(step_by_step.passages.vectors(rows), at_once.passages.vectors(rows))
    rows = np.arange(at_once.counts["sentences"])
    assert np.array_equal(step_by_step.sentence_vectors(rows), at_once.sentence_vectors(rows))


def _files(generation: Generation) -> list[tuple[str, str]]:
    """Return path and content of every file, be it a document or a duplicate of one."""
    records = generation.records
    documents = [
        (indexed.document.path, indexed.document.sha256) for indexed in records.documents()
    ]
    return sorted([*documents, *((same.path, same.sha256) for same in records.duplicates())])


def _everything(generation: Generation) -> str:
    records = generation.records
    rows = range(generation.passages.size)
    return json.dumps(
        {
            "documents": [str(indexed) for indexed in records.documents()],
            "passages": [str(passage) for passage in records.passages(rows).values()],
            "sentences": [str(sentence) for sentence in records.sentences(rows)],
            "pages": [str(records.pages(indexed.document.id)) for indexed in records.documents()],
            "duplicates": [str(duplicate) for duplicate in records.duplicates()],
            "found": records.keyword_search(["report", "tide", "bee"], 20),
        },
        indent=1,
    )
