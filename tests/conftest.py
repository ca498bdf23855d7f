"""Fixtures: a small corpus in every format, a tiny model, the real model, and built indexes.

What takes long to build is built by the first worker that needs it, and shared by all.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from assistant import Engine, open_engine
from corpus.settings import Settings
from index.reader_model import Reader, load_reader
from ingest.sync import sync
from tests import documents


def no_progress(stage: str, done: int, total: int) -> None:
    """Stand in for a progress bar."""


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of this name; ``build`` fills it once, whatever the number of workers."""
    base = factory.getbasetemp()
    root = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder, done = root / f"shared-{name}", root / f"shared-{name}.done"
    with (root / f"shared-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in fields(Settings):
        monkeypatch.delenv(f"ITU_ASSISTANT_{setting.name.upper()}", raising=False)


@pytest.fixture(autouse=True, scope="session")
def _reader() -> Reader:
    """Keep the reader loaded from one test to the next."""
    return load_reader(Settings().cache)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a real sentence-transformers folder that embeds in microseconds: a bag of words."""
    return built_once(tmp_path_factory, "tiny", _build_tiny_model)


def _build_tiny_model(folder: Path) -> None:
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
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=weights.numpy())]
    )
    model.save(str(folder))


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    """Return settings over an empty corpus folder, with the tiny model."""
    return settings_in(tmp_path, tiny_model)


def settings_in(base: Path, model: Path) -> Settings:
    """Return settings over an empty corpus folder in ``base``."""
    folder = base / "documents"
    folder.mkdir()
    return Settings(corpus=folder, index=base / "index", embedder=str(model))


def copy_into(settings: Settings, built: Settings) -> Settings:
    """Copy corpus and index, which are built once, to where one test may change them."""
    shutil.copytree(built.corpus, settings.corpus, dirs_exist_ok=True)
    shutil.copytree(built.index, settings.index)
    return settings


def _settings_at(base: Path) -> Settings:
    return Settings(corpus=base / "documents", index=base / "index")


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings over the small corpus, indexed with the model that the product uses."""

    def build(base: Path) -> None:
        documents.write_corpus(base / "documents")
        sync(_settings_at(base), progress=no_progress)

    return _settings_at(built_once(tmp_path_factory, "real", build))


@pytest.fixture(scope="session")
def engine(real_settings: Settings) -> Engine:
    """Return an engine over the small corpus."""
    return open_engine(real_settings)


@pytest.fixture(scope="session")
def catalogued_settings(
    real_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Return settings over the small corpus with its catalogue, indexed with the real model.

    The small corpus is there already, so that only what the catalogued one adds is embedded.
    """

    def build(base: Path) -> None:
        copy_into(_settings_at(base), real_settings)
        documents.write_catalogued_corpus(base / "documents")
        sync(_settings_at(base), progress=no_progress)

    return _settings_at(built_once(tmp_path_factory, "catalogued", build))
