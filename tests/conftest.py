"""Fixtures: a small corpus in every format, a tiny model, the real model, and built indexes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from assistant.query_engine import QueryEngine, open_query_engine
from corpus.settings import Settings
from ingest.sync import sync
from tests import documents


def no_progress(stage: str, done: int, total: int) -> None:
    """Stand in for a progress bar."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CORPUS", "INDEX", "EMBEDDER", "CACHE", "QUERY_PREFIX", "PASSAGE_PREFIX"):
        monkeypatch.delenv(f"ITU_ASSISTANT_{name}", raising=False)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a real sentence-transformers folder that embeds in microseconds: a bag of words."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(special_tokens=["[UNK]"])
    words = random.Random(1).sample(range(10_000), 500)
    texts = [*documents.SENTENCES, *(f"word{n}" for n in words)]
    tokenizer.train_from_iterator(texts, trainer)
    weights = torch.randn(
        tokenizer.get_vocab_size(), 32, generator=torch.Generator().manual_seed(7)
    )
    folder = tmp_path_factory.mktemp("model") / "tiny"
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights.numpy())]
    )
    model.save(str(folder))
    return folder


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    """Return settings over an empty corpus folder, with the tiny model."""
    folder = tmp_path / "documents"
    folder.mkdir()
    return Settings(
        corpus=folder,
        index=tmp_path / "index",
        cache=tmp_path / "cache",
        embedder=str(tiny_model),
    )


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings over the small corpus, indexed with the model that the product uses."""
    base = tmp_path_factory.mktemp("real")
    documents.write_corpus(base / "documents")
    settings = Settings(corpus=base / "documents", index=base / "index")
    sync(settings, progress=no_progress)
    return settings


@pytest.fixture(scope="session")
def engine(real_settings: Settings) -> QueryEngine:
    """Return a query engine over the small corpus."""
    return open_query_engine(real_settings)


@pytest.fixture(scope="session")
def catalogued_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings over the small corpus with its catalogue, indexed with the real model."""
    base = tmp_path_factory.mktemp("catalogued")
    documents.write_catalogued_corpus(base / "documents")
    settings = Settings(corpus=base / "documents", index=base / "index")
    sync(settings, progress=no_progress)
    return settings
