"""Fixtures: a small corpus in every format, a tiny model, the real model, and built indexes."""

from __future__ import annotations

import random
import shutil
from dataclasses import fields
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
    for setting in fields(Settings):
        monkeypatch.delenv(f"ITU_ASSISTANT_{setting.name.upper()}", raising=False)


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
    return settings_in(tmp_path, tiny_model)


def settings_in(base: Path, model: Path) -> Settings:
    """Return settings over an empty corpus folder in ``base``."""
    folder = base / "documents"
    folder.mkdir()
    return Settings(corpus=folder, index=base / "index", cache=base / "cache", embedder=str(model))


def copy_into(settings: Settings, built: Settings) -> Settings:
    """Copy corpus and index, which are built once, to where one test may change them."""
    shutil.copytree(built.corpus, settings.corpus, dirs_exist_ok=True)
    shutil.copytree(built.index, settings.index)
    return settings


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
def catalogued_settings(
    real_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Return settings over the small corpus with its catalogue, indexed with the real model.

    The small corpus is there already, so that only what the catalogued one adds is embedded.
    """
    base = tmp_path_factory.mktemp("catalogued")
    settings = Settings(corpus=base / "documents", index=base / "index")
    copy_into(settings, real_settings)
    documents.write_catalogued_corpus(settings.corpus)
    sync(settings, progress=no_progress)
    return settings
