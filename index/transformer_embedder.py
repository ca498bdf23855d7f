"""Embedding by any sentence-transformers model, such as staff may set."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from index.dense import Vectors
from index.manifest import EmbedderRecord
from index.probe import probe_of
from index.tokens import Tokens

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Sorted by length, small batches waste little on padding: 13 against 9 passages/s at 32.
BATCH_SIZE = 8


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
        probe = probe_of(self.embed_query)
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


def load_transformer(
    source: str, place: str, query_prefix: str, passage_prefix: str, *, local_only: bool
) -> SentenceTransformerEmbedder:
    """Load a model from ``place``, a folder or the name of one on the hub.

    Raises OSError or ValueError where it cannot be loaded.
    """
    with _garbage_collection_paused():
        _freeze_libraries()
        model = _load_model(place, local_only=local_only)
    return SentenceTransformerEmbedder(model, source, query_prefix, passage_prefix)


def _load_model(place: str, *, local_only: bool) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call] # stderr belongs to our own progress
    return SentenceTransformer(
        place, device="cpu", local_files_only=local_only, model_kwargs={"dtype": "float32"}
    )


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
