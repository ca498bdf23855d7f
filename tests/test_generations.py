"""Generations: served, pinned, rolled back, pruned, and never damaged without a word."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from assistant.engine import open_engine
from corpus.errors import AssistantError, DamagedIndexError, NoUsableIndexError, UsageError
from corpus.settings import Settings
from index.generations import (
    FOREIGN_FILE,
    Generation,
    generation_ids,
    open_generation,
    published_generation,
)
from index.pointer import COPY_FILE, POINTER_FILE, read_pointer
from index.reader_files import fingerprint
from index.shards import (
    PASSAGE_VECTORS_FILE,
    RECORDS_FILE,
    SENTENCE_VECTORS_FILE,
    shard_folder,
)
from ingest.__main__ import main as ingest
from ingest.housekeeping import prune_index, rollback
from ingest.inventory import index_status, verified
from ingest.sync import sync
from tests.conftest import copy_into, no_progress, settings_in

BLOCK = 4096
QUESTION = "How many harbours does the register name?"


def _publish(settings: Settings, harbours: int, **others: str) -> str:
    """Publish a corpus of a harbour register and some other files; returns the generation."""
    shutil.rmtree(settings.corpus)
    settings.corpus.mkdir()
    texts = {"harbours": f"The harbour register names {harbours} harbours.", **others}
    for name, text in texts.items():
        (settings.corpus / f"{name}.md").write_text(f"# About {name}\n\n{text}\n", "utf-8")
    report = sync(settings, progress=no_progress)
    assert report.generation
    return report.generation


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Settings:
    settings = settings_in(tmp_path_factory.mktemp("two"), tiny_model)
    _publish(settings, 12, letter="The letter of the board is secret.", bees="It counts bees.")
    _publish(settings, 13, bees="It counts bees.")
    return settings


@pytest.fixture
def two(settings: Settings, built: Settings) -> Settings:
    """Two generations: the first has a letter that was removed since."""
    return copy_into(settings, built)


def test_a_reader_keeps_the_generation_that_it_opened(two: Settings) -> None:
    engine = open_engine(two)
    _publish(two, 14)
    assert "13 harbours" in engine.answer(QUESTION).text
    assert "14 harbours" in open_engine(two).answer(QUESTION).text
    first = generation_ids(two.index)[0]
    assert "12 harbours" in open_engine(two, first).answer(QUESTION).text


def test_a_generation_that_is_left_leaves_no_file_open(two: Settings) -> None:
    def opened() -> list[str]:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
        return sorted(
            str(link.readlink()) for link in links if two.index in link.readlink().parents
        )

    engine = open_engine(two)
    engine.answer(QUESTION)
    assert opened()
    other = open_engine(two)  # loading freezes what is there for the garbage collector
    other.answer(QUESTION)
    del engine, other
    assert opened() == []


def test_rollback_serves_an_earlier_generation_and_says_what_comes_back(two: Settings) -> None:
    first, second = generation_ids(two.index)
    done = rollback(two.index)
    assert done == {
        "generation": first, "before": second, "returned": ["letter.md"], "gone": [],
    }  # fmt: skip
    assert "12 harbours" in open_engine(two).answer(QUESTION).text
    assert rollback(two.index, second)["gone"] == ["letter.md"]
    with pytest.raises(UsageError, match="no generation '000099-x'"):
        rollback(two.index, "000099-x")
    # A sync brings the index in line with the folder again.
    rollback(two.index, first)
    report = sync(two, progress=no_progress)
    assert report.published
    assert "13 harbours" in open_engine(two).answer(QUESTION).text


def test_a_damaged_generation_cannot_be_rolled_back_to(two: Settings) -> None:
    first, second = generation_ids(two.index)
    flipped = _flipped(_in_shard(two.index, first, RECORDS_FILE), 5000)
    with flipped, pytest.raises(DamagedIndexError, match="not sound"):
        rollback(two.index)
    assert published_generation(two.index) == second


def test_a_rollback_that_opens_a_document_to_others_is_refused(settings: Settings) -> None:
    first = _publish(settings, 12, letter="The letter of the board is secret.")
    (settings.corpus / "catalogue.toml").write_text(
        '[[document]]\npath = "letter.md"\naudience = "members"\n', "utf-8"
    )
    sync(settings, progress=no_progress)
    second = generation_ids(settings.index)[1]
    with pytest.raises(UsageError, match=r"letter.md \(members now, public then\)"):
        rollback(settings.index)
    flipped = _flipped(_in_shard(settings.index, second, SENTENCE_VECTORS_FILE), 150)
    with flipped, pytest.raises(UsageError, match=r"letter.md \(members now, public then\)"):
        rollback(settings.index)
    assert published_generation(settings.index) == second
    assert rollback(settings.index, force=True)["generation"] == first


def test_prune_drops_damaged_generations_first(two: Settings) -> None:
    _publish(two, 14)
    ids = generation_ids(two.index)
    _in_shard(two.index, ids[1], RECORDS_FILE).write_bytes(b"")
    found = verified(two.index)
    assert found["repair"] == f"python -m ingest prune --keep 3 --index {two.index}"
    assert prune_index(two.index, 2) == ([ids[1]], [])
    assert generation_ids(two.index) == [ids[0], ids[2]]
    assert verified(two.index)["ok"]


def test_prune_keeps_the_newest_the_published_and_what_is_read(two: Settings) -> None:
    for n in range(14, 18):
        _publish(two, n)
    ids = generation_ids(two.index)
    rollback(two.index, ids[0])
    reader = open_generation(two.index, ids[1])
    removed, in_use = prune_index(two.index, 2)
    assert (removed, in_use) == (ids[2:-1], [ids[1]])
    assert generation_ids(two.index) == [ids[0], ids[1], ids[-1]]
    assert len(reader.records.documents()) == 2
    del reader
    assert prune_index(two.index, 2) == ([ids[1]], [])
    with pytest.raises(UsageError, match="at least 1"):
        prune_index(two.index, 0)
    assert prune_index(two.index, 1) == ([ids[-1]], [])
    assert "12 harbours" in open_engine(two).answer(QUESTION).text


def test_while_the_newest_is_damaged_the_previous_shows_nothing_that_was_removed(
    two: Settings,
) -> None:
    _, second = generation_ids(two.index)
    with _flipped(_in_shard(two.index, second, PASSAGE_VECTORS_FILE), 100):
        engine = open_engine(two)
        warning = engine.generation.warning
        assert warning
        assert "checksum" in warning
        assert "ingest sync" in warning
        documents = engine.generation.records
        # The register changed, the letter was removed: only what is still published is shown.
        assert [indexed.document.path for indexed in documents.documents()] == ["bees.md"]
        assert documents.document("letter") is None
        for question in ("What is secret about the letter of the board?", QUESTION):
            answer = engine.answer(question)
            hits = (*answer.retrieved, *answer.nearest)
            assert {hit.document.path for hit in hits} <= {"bees.md"}
        report = sync(two, progress=no_progress)
        assert report.published
    assert open_generation(two.index).warning is None
    assert "13 harbours" in open_engine(two).answer(QUESTION).text


def test_a_document_for_members_does_not_become_public_again(settings: Settings) -> None:
    _publish(settings, 12, letter="The letter of the board is secret.")
    (settings.corpus / "catalogue.toml").write_text(
        '[[document]]\npath = "letter.md"\naudience = "members"\n', "utf-8"
    )
    sync(settings, progress=no_progress)
    second = generation_ids(settings.index)[1]
    with _flipped(_in_shard(settings.index, second, SENTENCE_VECTORS_FILE), 150):
        found = open_generation(settings.index, audiences=["public"]).records.documents()
        assert [indexed.document.path for indexed in found] == ["harbours.md"]


def test_it_names_the_reader_it_was_built_beside_and_works_with_any(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("ingest.sync.fingerprint", lambda: "another reader")
        published = _publish(settings, 12)
    (row,) = index_status(settings.index)["generations"]
    assert (row["id"], row["reader"]) == (published, "another reader")
    assert open_generation(settings.index).manifest.reader == "another reader"
    assert not sync(settings, progress=no_progress).published
    sync(settings, force=True, progress=no_progress)
    assert open_generation(settings.index).manifest.reader == fingerprint()


def test_without_a_previous_generation_damage_ends_with_the_repair(settings: Settings) -> None:
    only = _publish(settings, 12)
    with _flipped(_in_shard(settings.index, only, RECORDS_FILE), 5000):
        with pytest.raises(NoUsableIndexError, match="--force"):
            open_generation(settings.index)
        with pytest.raises(NoUsableIndexError, match="--force"):
            sync(settings, progress=no_progress)
        assert sync(settings, force=True, progress=no_progress).published


def test_with_the_previous_generations_pruned_the_repair_is_to_embed_again(two: Settings) -> None:
    published = published_generation(two.index)
    assert published
    assert prune_index(two.index, 1)[0]
    with _flipped(two.index / "generations" / published / FOREIGN_FILE, 200):
        repair = verified(two.index)["repair"]
        assert repair == f"python -m ingest sync --corpus DIR --index {two.index} --force"
        with pytest.raises(NoUsableIndexError, match="--force"):
            sync(two, progress=no_progress)
        assert sync(two, force=True, progress=no_progress).published


def test_a_damaged_pointer_is_reported_and_repaired(two: Settings) -> None:
    for name in (POINTER_FILE, COPY_FILE):
        content = (two.index / name).read_bytes()
        (two.index / name).write_bytes(content[:40])
        generation = open_generation(two.index)
        assert name in (generation.warning or "")
        assert verified(two.index)["ok"] is False
        assert not sync(two, progress=no_progress).published
        assert (two.index / name).read_bytes() == content
        assert open_generation(two.index).warning is None
    for name in (POINTER_FILE, COPY_FILE):
        (two.index / name).write_bytes(b"{")
    with pytest.raises(NoUsableIndexError, match="rollback GENERATION"):
        open_generation(two.index)
    assert [g["id"] for g in index_status(two.index)["generations"]] == generation_ids(two.index)
    for name in (POINTER_FILE, COPY_FILE):
        (two.index / name).unlink()
    with pytest.raises(NoUsableIndexError, match="rollback GENERATION"):
        open_generation(two.index)
    rollback(two.index, generation_ids(two.index)[1])
    assert "13 harbours" in open_engine(two).answer(QUESTION).text


def test_what_is_published_is_kept_in_the_pointer(two: Settings) -> None:
    first, second = generation_ids(two.index)
    pointer = read_pointer(two.index)
    assert pointer
    assert (pointer.generation, pointer.history) == (second, (first,))
    assert len(pointer.permitted or ()) == 2
    assert [g["state"] for g in index_status(two.index)["generations"]] == ["earlier", "published"]


def test_verify_names_what_is_wrong(two: Settings) -> None:
    assert verified(two.index)["ok"]
    first, second = generation_ids(two.index)
    for left in (
        two.index / "generations" / second / "left-over",
        _in_shard(two.index, second, "x"),
    ):
        left.write_text("x")
        assert f"{left} is in no manifest" in verified(two.index)["generations"][second][0]
        left.unlink()
    (two.index / "generations" / second / "left-over").mkdir()
    assert "left-over is in no manifest" in verified(two.index)["generations"][second][0]
    assert verified(two.index, first)["ok"]
    assert ingest(["verify", "--index", str(two.index)]) == 1
    assert ingest(["verify", first, "--index", str(two.index)]) == 0
    with pytest.raises(UsageError, match="no generation"):
        verified(two.index, "x")


def test_wrong_counts_are_found_even_where_the_checksums_fit(two: Settings) -> None:
    from dataclasses import replace

    from corpus.folder import file_sha256
    from index.manifest import FileRecord, read_manifest

    folder = two.index / "generations" / generation_ids(two.index)[1]
    file = _in_shard(two.index, folder.name, RECORDS_FILE)
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM sentences WHERE row = 0")
    connection.close()
    manifest = read_manifest(folder)
    known = FileRecord(file.stat().st_size, file_sha256(file))
    name = file.relative_to(folder).as_posix()
    replace(manifest, files={**manifest.files, name: known}).write(folder)
    problems = verified(two.index)["generations"][folder.name]
    assert any("sentences in the manifest" in problem for problem in problems)
    assert any("sentence vectors" in problem for problem in problems)


def _damaged(index: Path, published: str) -> list[str]:
    """Return in which ways damage goes unnoticed, or keeps a reader from being served."""
    found = []
    try:
        if verified(index)["ok"]:
            found.append("verify finds nothing")
    except sqlite3.Error as error:
        found.append(f"verify fails: {error}")
    try:
        generation = open_generation(index)
    except AssistantError as error:
        return [*found, str(error)]
    if generation.warning is None:
        found.append("opened without a warning")
    if generation.id == published and not read_again(generation):
        found.append("the damaged generation is served")
    return found


def read_again(generation: Generation) -> bool:
    """Tell whether a generation is what was published: then only the pointer is damaged."""
    try:
        Generation(generation.folder)
    except DamagedIndexError:
        return False
    return True


def _in_shard(index: Path, generation: str, name: str) -> Path:
    """Return a file of the shard for the public."""
    return index / "generations" / generation / shard_folder("public") / name


def _files(index: Path, generation: str) -> list[Path]:
    folder = index / "generations" / generation
    inside = sorted(path for path in folder.rglob("*") if path.is_file())
    return [*inside, index / POINTER_FILE, index / COPY_FILE]


@contextmanager
def _flipped(file: Path, position: int, bit: int = 0) -> Iterator[None]:
    """Let one bit of a file be wrong for a while."""
    with file.open("r+b") as stream:
        stream.seek(position)
        byte = stream.read(1)[0]
        stream.seek(position)
        stream.write(bytes([byte ^ (1 << bit)]))
    try:
        yield
    finally:
        if file.exists():
            with file.open("r+b") as stream:
                stream.seek(position)
                stream.write(bytes([byte]))


def _flips(index: Path, generation: str, count: int) -> list[str]:
    """Flip single bits all over an index; returns what went unnoticed or unserved."""
    draw = random.Random(11)
    files = _files(index, generation)
    sizes = np.array([file.stat().st_size for file in files], float)
    problems = []
    for _ in range(count):
        file = (
            draw.choices(files, weights=list(sizes))[0]
            if draw.random() < 0.5
            else draw.choice(files)
        )
        position, bit = draw.randrange(file.stat().st_size), draw.randrange(8)
        with _flipped(file, position, bit):
            problems += [f"{file.name} {position}.{bit}: {p}" for p in _damaged(index, generation)]
    return problems


@pytest.mark.parametrize("count", [150, pytest.param(10_000, marks=pytest.mark.slow)])
def test_every_flipped_bit_is_noticed_and_the_previous_generation_serves(
    two: Settings, count: int
) -> None:
    assert _flips(two.index, generation_ids(two.index)[1], count) == []


def test_without_checksums_flipped_bits_go_unnoticed(
    two: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.generations.check_files", lambda *_: None)
    assert len(_flips(two.index, generation_ids(two.index)[1], 100)) > 10


def test_every_truncation_is_noticed_and_the_previous_generation_serves(two: Settings) -> None:
    _publish(two, 15, bees="It counts bees.", **{f"n{n}": "It is long. " * 200 for n in range(12)})
    published = published_generation(two.index)
    assert published
    for file in _files(two.index, published):
        content = file.read_bytes()
        for size in {*range(0, len(content), BLOCK), len(content) - 1}:
            file.write_bytes(content[:size])
            assert _damaged(two.index, published) == [], f"{file.name} cut to {size}"
        file.unlink()
        # Without one of the two pointers there is nothing wrong that a reader could see.
        if file.name != COPY_FILE:
            assert not verified(two.index)["ok"]
        file.write_bytes(content)
    assert verified(two.index)["ok"]
