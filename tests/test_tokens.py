"""Token vectors: packed, stored, carried over, and compared with a question's."""

from __future__ import annotations

import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assistant.engine import Engine
from assistant.interaction import borne_out, nearest_in_passages, weakest
from corpus.errors import DamagedIndexError
from corpus.settings import Settings
from index.embedder import load_embedder
from index.generations import open_generation
from index.tokens import (
    TOKENS_FILE,
    Centres,
    Tokens,
    centred,
    open_tokens,
    packed,
    unpacked,
    width,
    write_tokens,
)
from ingest.sync import sync
from ingest.vector_check import _tokens_fit
from tests.conftest import no_progress

_CENTRES = Centres(np.full(10, 0.5, np.float32), {"en": np.zeros(10, np.float32)})


def _tokens(count: int, dimension: int = 10, seed: int = 1) -> Tokens:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return Tokens(vectors, np.arange(count, dtype=np.int64)[::-1].copy())


@given(
    arrays(np.float32, (7, 10), elements=st.floats(-8, 8, width=32)),
    st.lists(st.integers(0, 100_000), min_size=7, max_size=7),
)
def test_what_is_packed_keeps_places_signs_and_length(vectors: np.ndarray, ends: list[int]) -> None:
    tokens = Tokens(vectors, np.array(ends, np.int64))
    stored = packed(tokens, np.zeros(10, np.float32))
    assert stored.shape == (7, width(10))
    found = unpacked(stored, 10)
    assert found.from_end.tolist() == [min(end, 65_535) for end in ends]
    assert np.array_equal(found.vectors > 0, vectors > 0)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)


def test_two_bits_keep_the_direction() -> None:
    tokens = _tokens(200, dimension=384)
    centre = np.full(384, 0.1, np.float32)
    found = unpacked(packed(tokens, centre), 384)
    cosines = (found.vectors * centred(tokens.vectors, centre)).sum(axis=1)
    assert cosines.min() > 0.9


def test_what_is_written_is_read_passages_without_tokens_included(tmp_path: Path) -> None:
    parts = [packed(_tokens(n, seed=n), _CENTRES.passages) for n in (3, 0, 5)]
    write_tokens(tmp_path, [3, 0, 5], parts, _CENTRES)
    store = open_tokens(tmp_path, 10)
    assert store is not None
    assert [store.count(row) for row in range(store.passages)] == [3, 0, 5]
    assert all(np.array_equal(store.stored(row), part) for row, part in enumerate(parts))
    assert np.array_equal(store.centres.passages, _CENTRES.passages)
    assert np.array_equal(store.centres.of_questions("en"), np.zeros(10))
    assert np.array_equal(store.centres.of_questions("de"), np.zeros(10))  # of all questions
    nearest = nearest_in_passages(
        centred(_tokens(2).vectors, np.zeros(10, np.float32)), [1, 2], store
    )
    assert borne_out(nearest[1]) == 0
    assert borne_out(nearest[2]) > weakest(nearest[2]) > -1


def test_files_of_tokens_that_do_not_fit_are_noticed(tmp_path: Path) -> None:
    assert open_tokens(tmp_path, 10) is None
    write_tokens(tmp_path, [2], [packed(_tokens(2), _CENTRES.passages)], _CENTRES)
    with pytest.raises(DamagedIndexError, match="do not fit"):
        open_tokens(tmp_path, 12)
    (tmp_path / TOKENS_FILE).write_bytes(b"no array")
    with pytest.raises(DamagedIndexError, match="missing or damaged"):
        open_tokens(tmp_path, 10)


def test_tokens_are_carried_over_as_they_are(real_settings: Settings, tmp_path: Path) -> None:
    settings = replace(real_settings, corpus=tmp_path / "documents", index=tmp_path / "index")
    shutil.copytree(real_settings.corpus, settings.corpus)
    shutil.copytree(real_settings.index, settings.index)
    before = open_generation(settings.index)
    (settings.corpus / "added.txt").write_text("Added\nThe added note has one sentence.\n", "utf-8")
    assert sync(settings, progress=no_progress).embedded
    after = open_generation(settings.index)
    assert before.tokens is not None
    assert after.tokens is not None
    for then in before.records.documents():
        now = after.records.document(then.document.id)
        assert now is not None
        for old, new in zip(range(then.first, then.end), range(now.first, now.end), strict=True):
            assert np.array_equal(before.tokens.stored(old), after.tokens.stored(new))
    added = after.records.document("added")
    assert added is not None
    assert after.tokens.count(added.first) > 4
    assert not list(after.folder.rglob("*.new"))


def test_a_damaged_file_of_tokens_is_noticed_at_opening(
    real_settings: Settings, tmp_path: Path
) -> None:
    shutil.copytree(real_settings.index, tmp_path / "index")
    folder = open_generation(tmp_path / "index").shards[0].folder
    data = bytearray((folder / TOKENS_FILE).read_bytes())
    data[len(data) // 2] ^= 4
    (folder / TOKENS_FILE).write_bytes(data)
    with pytest.raises(DamagedIndexError, match="checksum"):
        open_generation(tmp_path / "index")


def test_a_store_that_is_left_is_freed_at_once(real_settings: Settings) -> None:
    """Without waiting for the garbage collector, which the models' objects are hidden from."""
    generation = open_generation(real_settings.index)
    assert generation.tokens is not None
    generation.tokens.of(0)
    gone = weakref.ref(generation.tokens)
    gc.disable()
    try:
        del generation
        assert gone() is None
    finally:
        gc.enable()


def test_a_model_that_is_left_is_freed_when_another_is_loaded(
    tiny_model: Path, tmp_path: Path
) -> None:
    def load(folder: Path) -> weakref.ref[object]:
        return weakref.ref(load_embedder(str(folder), folder))

    others = [Path(shutil.copytree(tiny_model, tmp_path / name)) for name in ("left", "next")]
    load(tiny_model)
    left, _ = map(load, others)
    assert left() is None
    assert gc.get_freeze_count() > len(gc.get_objects())  # the libraries, and they only


def test_the_latest_tokens_are_kept_at_hand(engine: Engine) -> None:
    store = engine.generation.tokens
    assert store is not None
    assert store.of(0) is store.of(0)


def test_tokens_of_another_passage_are_noticed(engine: Engine) -> None:
    generation = engine.generation
    given: dict[int, Tokens | None] = {}
    passages = generation.records.passages([0, 1])
    texts = [passages[0].text, passages[1].text]
    engine.retriever._embedder.embed_passages(texts, on_tokens=given.__setitem__)
    assert generation.tokens is not None
    own = generation.tokens.of(0)
    same = Tokens(own.vectors + generation.tokens.centres.passages, own.from_end)
    assert _tokens_fit(generation, 0, same)
    assert not _tokens_fit(generation, 0, given[1])
    assert not _tokens_fit(generation, 0, None)
