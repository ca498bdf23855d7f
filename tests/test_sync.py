"""The way in: what is published, what is kept, what is refused."""

from __future__ import annotations

import multiprocessing
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.diagnose.why import Outcome, explain
from assistant.engine import open_engine
from corpus.errors import AssistantError, IndexLockedError, NoUsableIndexError, UsageError
from corpus.settings import Settings
from index.generations import generation_folder, open_generation, published_generation
from index.lock import writer_lock
from index.sealed import seal, unseal
from index.shards import PASSAGE_VECTORS_FILE, RECORDS_FILE, shard_folder
from ingest.inventory import index_status, inventory
from ingest.plan import AudienceChange, make_plan
from ingest.summary import summary_json
from ingest.sync import SyncReport, sync
from tests.conftest import no_progress


def _sync(settings: Settings, *, force: bool = False, dry_run: bool = False) -> SyncReport:
    return sync(settings, force=force, dry_run=dry_run, progress=no_progress)


def _write(settings: Settings, name: str, text: str) -> Path:
    path = settings.corpus / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_why_names_the_document_that_a_file_repeats(settings: Settings) -> None:
    _write(settings, "bees.md", "# Bees\n\nThe Meadow network counts bees.\n")
    _write(settings, "old/bees.md", "# Bees\n\nThe Meadow network counts bees.\n")
    _sync(settings)
    engine = open_engine(settings)
    found = {path: explain(engine, "Who counts bees?", path) for path in ("bees.md", "old/bees.md")}
    twice = next(
        explanation for explanation in found.values() if explanation.outcome is Outcome.NOT_INDEXED
    )
    assert "content as bees.md" in twice.reason or "content as old/bees.md" in twice.reason


@pytest.fixture
def filled(settings: Settings) -> Settings:
    _write(settings, "one.txt", "The first report\nIt speaks of tides. It names 12 harbours.")
    _write(settings, "two.md", "# The second report\n\nIt speaks of bees.\n")
    return settings


def test_a_sync_publishes_documents_pages_passages_and_vectors(filled: Settings) -> None:
    report = _sync(filled)
    assert report.published
    assert report.plan.added == ["one.txt", "two.md"]
    generation = open_generation(filled.index)
    assert generation.id == report.generation
    titles = [indexed.document.title for indexed in generation.records.documents()]
    assert titles == ["The first report", "The second report"]
    assert generation.passages.size == report.counts["passages"] == 2
    vectors = generation.sentence_vectors(np.arange(report.counts["sentences"]))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)


def test_nothing_changed_publishes_nothing_and_loads_no_model(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _sync(filled)
    monkeypatch.setattr("ingest.model.load_embedder", None)
    second = _sync(filled)
    assert not second.published
    assert second.generation == first.generation


def test_force_reads_and_embeds_everything_anew(filled: Settings) -> None:
    first = _sync(filled)
    second = _sync(filled, force=True)
    assert second.published
    assert second.generation != first.generation
    assert (second.embedded, second.carried_over) == (first.embedded, 0)


def test_a_dry_run_writes_nothing(filled: Settings) -> None:
    report = _sync(filled, dry_run=True)
    assert report.plan.added == ["one.txt", "two.md"]
    assert not filled.index.exists()


def test_changes_are_mirrored_and_vectors_carried_over(filled: Settings) -> None:
    first = _sync(filled)
    (filled.corpus / "one.txt").unlink()
    _write(filled, "two.md", "# The second report\n\nIt speaks of bees.\n\nAnd of honey, too.\n")
    _write(filled, "three.txt", "A third one\nIt speaks of stars.")
    report = _sync(filled)
    assert (report.plan.added, report.plan.changed, report.plan.removed) == (
        ["three.txt"],
        ["two.md"],
        ["one.txt"],
    )
    assert report.carried_over == 1  # the sentence on bees
    assert report.generation is not None
    assert report.generation > (first.generation or "")
    found = {indexed.document.path for indexed in open_generation(filled.index).records.documents()}
    assert found == {"three.txt", "two.md"}


def test_a_renamed_document_embeds_nothing_anew(filled: Settings) -> None:
    before = _sync(filled)
    old = open_generation(filled.index).passages.vectors(np.array([0]))
    (filled.corpus / "one.txt").rename(filled.corpus / "moved.txt")
    report = _sync(filled)
    assert report.embedded == 0
    assert report.carried_over == before.embedded
    assert np.array_equal(open_generation(filled.index).passages.vectors(np.array([0])), old)


def test_the_name_of_a_file_without_headings_is_its_title_and_is_not_embedded(
    filled: Settings,
) -> None:
    _write(filled, "three.txt", "It speaks of tides, and it names 12 harbours.\n")
    _sync(filled)
    (filled.corpus / "three.txt").rename(filled.corpus / "moved.txt")
    _write(filled, "four.txt", "It is new, so that vectors are checked by the model.\n")
    _sync(filled)
    documents = open_generation(filled.index).records.documents()
    titles = {
        indexed.document.path: (indexed.document.title, indexed.own_title) for indexed in documents
    }
    assert titles["moved.txt"] == ("moved", "")
    assert titles["four.txt"] == ("four", "")


def test_every_passage_is_found_by_the_title_that_the_catalogue_gives(filled: Settings) -> None:
    _sync(filled)
    assert not open_generation(filled.index).records.keyword_search(["lagoon"], 20)
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.txt"\ntitle = "The lagoon"\n')
    assert _sync(filled).embedded == 0
    records = open_generation(filled.index).records
    (indexed,) = [indexed for indexed in records.documents() if indexed.document.path == "one.txt"]
    found = {row for row, _ in records.keyword_search(["lagoon"], 20)}
    assert found == set(range(indexed.first, indexed.end))


def test_the_catalogue_describes_documents_without_embedding_anew(filled: Settings) -> None:
    _sync(filled)
    _write(
        filled,
        "catalogue.toml",
        '[[document]]\npath = "one.txt"\ntitle = "Tides"\nnumber = "T/1"\npublished = 2025-07-11\n'
        'type = "report"\naudience = "members"\n',
    )
    report = _sync(filled)
    assert report.published
    assert report.embedded == 0
    assert report.plan.uncatalogued == ["two.md"]
    document = open_generation(filled.index).records.documents()[0].document
    assert (document.title, document.number, document.published, document.audience) == (
        "Tides", "T/1", "2025-07-11", "members",
    )  # fmt: skip
    assert document.type == "report"
    (filled.corpus / "catalogue.toml").unlink()
    _sync(filled)
    assert open_generation(filled.index).records.documents()[0].document.title == "The first report"


def test_another_type_alone_is_another_description(filled: Settings) -> None:
    entry = '[[document]]\npath = "one.txt"\n'
    _write(filled, "catalogue.toml", entry)
    _sync(filled)
    _write(filled, "catalogue.toml", f'{entry}type = "report"\n')
    report = _sync(filled)
    assert (report.plan.described, report.published, report.embedded) == (["one.txt"], True, 0)
    records = open_generation(filled.index).records
    paths = {
        kind: [indexed.document.path for indexed in records.select_documents({"type": kind})]
        for kind in ("report", "resolution")
    }
    assert paths == {"report": ["one.txt"], "resolution": []}


def test_a_file_that_cannot_be_read_is_quarantined_and_the_rest_indexed(filled: Settings) -> None:
    (filled.corpus / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    report = _sync(filled)
    assert [q.path for q in report.quarantined] == ["broken.pdf"]
    rows = {row["path"]: row for row in inventory(open_generation(filled.index))}
    assert rows["broken.pdf"]["state"] == "quarantined"
    assert "damaged" in rows["broken.pdf"]["reason"]
    assert rows["one.txt"]["state"] == "indexed"
    assert [q.path for q in _sync(filled).quarantined] == ["broken.pdf"]


def test_when_nothing_can_be_read_the_previous_generation_stays(filled: Settings) -> None:
    first = _sync(filled)
    for path in filled.corpus.iterdir():
        path.unlink()
    (filled.corpus / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(AssistantError, match="None of the documents"):
        _sync(filled)
    assert published_generation(filled.index) == first.generation


def test_an_empty_folder_is_refused_and_nothing_lost(filled: Settings) -> None:
    first = _sync(filled)
    for path in filled.corpus.iterdir():
        path.unlink()
    with pytest.raises(UsageError, match="no documents"):
        _sync(filled)
    assert published_generation(filled.index) == first.generation
    assert _sync(filled, force=True).counts["documents"] == 0


def test_a_missing_folder_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(UsageError, match="--corpus"):
        _sync(replace(settings, corpus=settings.corpus / "nowhere"))


@pytest.mark.parametrize(
    "step", ["vectors.write_sentence_vectors", "sync.publish", "model.load_embedder"]
)
def test_a_failed_sync_leaves_the_previous_generation(
    filled: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = _sync(filled)
    _write(filled, "three.txt", "A third one\nIt speaks of stars.")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"ingest.{step}", fail)
    with pytest.raises(OSError, match="No space"):
        _sync(filled)
    monkeypatch.undo()
    assert published_generation(filled.index) == first.generation
    assert not (filled.index / "building").exists()
    assert open_generation(filled.index).id == first.generation
    assert _sync(filled).published


def _hold(index: Path, ready: multiprocessing.synchronize.Event) -> None:
    with writer_lock(index):
        ready.set()
        multiprocessing.Event().wait(30)


def test_one_writer_at_a_time_and_a_dead_one_frees_the_index(filled: Settings) -> None:
    _sync(filled)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    writer = context.Process(target=_hold, args=(filled.index, ready))
    writer.start()
    try:
        assert ready.wait(30)
        assert index_status(filled.index)["lock_holder"] == writer.pid
        with pytest.raises(IndexLockedError, match=str(writer.pid)):
            _sync(filled)
    finally:
        writer.kill()
        writer.join()
    assert index_status(filled.index)["lock_holder"] is None
    assert not _sync(filled).published


def test_a_damaged_or_foreign_index_is_refused_with_the_repair(filled: Settings) -> None:
    report = _sync(filled)
    folder = generation_folder(filled.index, report.generation or "")
    shard = shard_folder("public")
    for name in ("manifest.json", f"{shard}/{PASSAGE_VECTORS_FILE}", f"{shard}/{RECORDS_FILE}"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(NoUsableIndexError, match="--force"):
            open_generation(filled.index)
        (folder / name).write_bytes(content)
    open_generation(filled.index)
    content = unseal((folder / "manifest.json").read_bytes(), "manifest")
    (folder / "manifest.json").write_bytes(seal({**content, "format": 99}))
    with pytest.raises(NoUsableIndexError, match="format 99"):
        _sync(filled)
    assert _sync(filled, force=True).published


def test_another_embedder_is_refused_with_the_repair(filled: Settings, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    _sync(filled)
    model = SentenceTransformer(filled.embedder, device="cpu")
    for weights in model.parameters():
        weights.data = weights.data.flip(1)
    model.save(str(tmp_path / "other"))
    other = replace(filled, embedder=str(tmp_path / "other"))
    with pytest.raises(UsageError, match="--force"):
        _sync(other)
    report = _sync(other, force=True)
    assert report.published
    assert report.carried_over == 0


def test_a_model_that_moved_is_still_the_same(filled: Settings, tmp_path: Path) -> None:
    first = _sync(filled)
    shutil.copytree(filled.embedder, tmp_path / "elsewhere")
    report = _sync(replace(filled, embedder=str(tmp_path / "elsewhere")))
    assert report.published
    assert (report.embedded, report.carried_over) == (0, first.embedded)


# Not of the UN, not of ISO 639-1, with a script, a country, a region and variants.
_TAGS = ("de", "sw", "arz", "haw", "pt-BR", "zh-Hant-TW", "es-419", "sr-Latn", "de-CH-1996")
_WITH = '[[document]]\npath = "one.txt"\n{}'


@pytest.mark.parametrize(
    "line", [*(f'language = "{tag}"' for tag in _TAGS), 'translation_of = "two"']
)
def test_a_catalogue_may_hold_any_language_and_any_original(filled: Settings, line: str) -> None:
    _write(filled, "catalogue.toml", _WITH.format(line))
    make_plan(filled.corpus, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml at all", "not valid TOML"),
        ('[[document]]\ntitle = "x"', "no path"),
        ('[[document]]\npath = "one.txt"\ncolour = "red"', "unknown key 'colour'"),
        ('[[document]]\npath = "one.txt"\npublished = "soon"', "must be a date"),
        ('[[document]]\npath = "one.txt"\n[[document]]\npath = "one.txt"', "given twice"),
        ('[[document]]\npath = "one.txt"\nid = "two"', "share the document id"),
        (_WITH.format('language = "englsh"'), "entry 1: 'englsh' is not a language tag"),
        (_WITH.format('language = "xx-nonsense"'), "'xx-nonsense' is not a language tag"),
        (_WITH.format('language = "EN"'), "Write 'en'"),
        (_WITH.format('language = "eng"'), "Write 'en'"),
        (_WITH.format('language = "fre_CA"'), "Write 'fr-CA'"),
        (_WITH.format('translation_of = "three"'), "entry 'one.txt'.*'three' is no document"),
        (_WITH.format('translation_of = "one"'), "names the document itself"),
        (_WITH.format('translation_of = "one.txt"'), "names the document itself"),
        (_WITH.format('translation_of = "two.md"'), "is a path. Write .*'two'"),
    ],
)
def test_a_faulty_catalogue_is_named(filled: Settings, text: str, words: str) -> None:
    _write(filled, "catalogue.toml", text)
    with pytest.raises(UsageError, match=words):
        _sync(filled)


def test_files_that_share_a_name_keep_their_ending_as_id(filled: Settings) -> None:
    _write(filled, "one.md", "# Another\n\nText here.")
    _sync(filled)
    ids = {indexed.document.id for indexed in open_generation(filled.index).records.documents()}
    assert ids == {"one.txt", "one.md", "two"}


def test_an_entry_whose_file_is_gone_is_reported_and_does_not_stop_the_sync(
    filled: Settings,
) -> None:
    _write(
        filled,
        "catalogue.toml",
        '[[document]]\npath = "gone.txt"\nid = "gone"\naudience = "members"\n[[document]]\n'
        'path = "one.txt"\ntranslation_of = "gone"\naudience = "public"\n[[document]]\n'
        'path = "two.md"\naudience = "public"\n',
    )
    report = _sync(filled)
    assert report.published
    assert report.plan.missing == summary_json(report, dry_run=False)["missing"] == ["gone.txt"]
    assert len(report.warnings) == 1
    assert "names 'gone.txt', which is not in the folder" in report.warnings[0]
    again = _sync(filled)
    assert (again.published, again.warnings) == (False, report.warnings)
    assert _sync(filled, dry_run=True).warnings == report.warnings


def test_names_are_compared_in_their_composed_form(settings: Settings) -> None:
    decomposed = unicodedata.normalize("NFD", "résumé.md")
    _write(settings, decomposed, "# A summary\n\nIt names 12 harbours.\n")
    _write(settings, "catalogue.toml", '[[document]]\npath = "résumé.md"\naudience = "members"\n')
    report = _sync(settings)
    assert (report.plan.missing, report.plan.uncatalogued) == ([], [])
    (found,) = open_generation(settings.index).records.documents()
    assert (found.document.path, found.document.audience) == ("résumé.md", "members")
    (settings.corpus / decomposed).rename(settings.corpus / "résumé.md")
    assert not _sync(settings).published
    _write(settings, decomposed, "# Another\n\nIt names 13 harbours.\n")
    with pytest.raises(UsageError, match="there twice"):
        _sync(settings)


def test_files_that_name_no_audience_are_for_the_default_one_and_counted(filled: Settings) -> None:
    report = _sync(filled)
    assert report.warnings == []
    assert _default_audience(report) == {"name": "public", "files": 2}
    _write(filled, "catalogue.toml", '[[document]]\npath = "one.txt"\naudience = "public"\n')
    report = _sync(filled)
    assert report.published
    (warning,) = report.warnings
    assert warning.startswith('1 of 2 files name no audience; they are indexed for "public"')
    members = replace(filled, default_audience="members")
    report = _sync(members)
    assert (report.published, report.embedded) == (True, 0)
    assert report.plan.audiences == [AudienceChange("two.md", "public", "members")]
    assert _default_audience(report) == {"name": "members", "files": 1}
    assert 'for "members" (setting default_audience)' in report.warnings[0]
    records = open_generation(filled.index, audiences=["public"]).records
    assert [indexed.document.path for indexed in records.documents()] == ["one.txt"]
    assert not _sync(members).published


def _default_audience(report: SyncReport) -> object:
    return summary_json(report, dry_run=False)["default_audience"]


def test_one_id_for_two_audiences_is_refused_with_the_repair(filled: Settings) -> None:
    _write(filled, "one.md", "# Another\n\nText here.")
    entry = '[[document]]\npath = "one.md"\naudience = "members"\n'
    _write(filled, "catalogue.toml", entry)
    with pytest.raises(UsageError, match=r"one.md and one.txt would share .*'one'.* give it an id"):
        _sync(filled)
    _write(filled, "catalogue.toml", f'{entry}id = "one-for-members"\n')
    _sync(filled)
    ids = {indexed.document.id for indexed in open_generation(filled.index).records.documents()}
    assert ids == {"one-for-members", "one", "two"}  # the public one keeps its short id
