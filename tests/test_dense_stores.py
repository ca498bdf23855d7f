"""The contract of every vector store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.errors import DamagedIndexError
from index.dense import STORES, DenseStoreKind, Vectors


@pytest.fixture(params=sorted(STORES))
def kind(request: pytest.FixtureRequest) -> DenseStoreKind:
    return STORES[request.param]()


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    drawn = np.random.default_rng(3).normal(size=(200, 16)).astype(np.float32)
    lengths = np.linalg.norm(drawn, axis=1, keepdims=True)
    return np.asarray(drawn / lengths, dtype=np.float32)


def test_it_finds_what_an_exhaustive_search_finds(
    kind: DenseStoreKind, vectors: Vectors, tmp_path: Path
) -> None:
    kind.write(tmp_path / "v", [vectors[:7], vectors[7:]], vectors.shape[1])
    store = kind.open(tmp_path / "v", 16)
    assert store.size == 200
    cosines = vectors @ vectors[17]
    expected = np.argsort(-cosines)[:10]
    found = store.search(vectors[17], 10)
    assert [row for row, _ in found] == expected.tolist()
    assert np.allclose([score for _, score in found], cosines[expected], atol=1e-5)


def test_it_returns_only_allowed_rows(
    kind: DenseStoreKind, vectors: Vectors, tmp_path: Path
) -> None:
    kind.write(tmp_path / "v", [vectors[:7], vectors[7:]], vectors.shape[1])
    store = kind.open(tmp_path / "v", 16)
    allowed = np.array([3, 50, 199], dtype=np.int64)
    assert {row for row, _ in store.search(vectors[17], 10, allowed)} == {3, 50, 199}
    assert store.search(vectors[17], 10, np.zeros(0, np.int64)) == []


def test_it_gives_the_vectors_back(kind: DenseStoreKind, vectors: Vectors, tmp_path: Path) -> None:
    kind.write(tmp_path / "v", [vectors[:7], vectors[7:]], vectors.shape[1])
    store = kind.open(tmp_path / "v", 16)
    assert np.array_equal(store.vectors(np.array([5, 2])), vectors[[5, 2]])
    assert store.vectors(np.zeros(0, np.int64)).shape == (0, 16)


def test_an_empty_store_finds_nothing(kind: DenseStoreKind, tmp_path: Path) -> None:
    kind.write(tmp_path / "v", [np.zeros((0, 16), np.float32)], 16)
    assert kind.open(tmp_path / "v", 16).search(np.ones(16, np.float32), 5) == []


def test_equal_scores_come_in_the_order_of_rows(kind: DenseStoreKind, tmp_path: Path) -> None:
    kind.write(tmp_path / "v", [np.full((6, 4), 0.5, np.float32)], 4)
    rows = [row for row, _ in kind.open(tmp_path / "v", 4).search(np.ones(4, np.float32), 6)]
    assert rows == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("damage", ["missing", "truncated", "other dimension"])
def test_a_damaged_file_is_refused(
    kind: DenseStoreKind, vectors: Vectors, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "v"
    kind.write(path, [vectors], 16)
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DamagedIndexError, match="missing or damaged"):
        kind.open(path, 8 if damage == "other dimension" else 16)
