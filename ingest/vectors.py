"""The vectors of a new generation: carried over where the text is known, else embedded."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from index.dense import Rows, Vectors
from index.embedder import Embedder, same_model
from index.generations import Generation

# Called with a stage's name, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


class VectorSource:
    """Embeds texts, carrying over the vectors of those that were embedded before."""

    def __init__(
        self, embedder: Embedder, published: Generation | None, total: int, progress: Progress
    ) -> None:
        usable = published and same_model(embedder.record, published.manifest.embedder)
        self._former = published if usable else None
        self._embedder = embedder
        self._total = total
        self._progress = progress
        self.embedded = 0
        self.carried_over = 0

    def of_passages(self, texts: list[tuple[str, str]]) -> Vectors:
        """Return the vectors of passages, given as (digest, text), in their order."""
        if self._former is None:
            return self._all(texts, {}, None)
        return self._all(
            texts, self._former.records.passage_digests(), self._former.passages.vectors
        )

    def of_sentences(self, texts: list[tuple[str, str]]) -> Vectors:
        """Return the vectors of sentences, given as (digest, text), in their order."""
        if self._former is None:
            return self._all(texts, {}, None)
        return self._all(
            texts, self._former.records.sentence_digests(), self._former.sentence_vectors
        )

    def _all(
        self,
        texts: list[tuple[str, str]],
        known: Mapping[str, int],
        stored: Callable[[Rows], Vectors] | None,
    ) -> Vectors:
        vectors = np.zeros((len(texts), self._embedder.record.dimension), dtype=np.float32)
        carried = [n for n, (key, _) in enumerate(texts) if key in known]
        if stored and carried:
            vectors[carried] = stored(np.array([known[texts[n][0]] for n in carried], np.int64))
        new = [n for n, (key, _) in enumerate(texts) if key not in known]
        self.carried_over += len(carried)
        vectors[new] = self._embedder.embed_passages([texts[n][1] for n in new], self._advance)
        return vectors

    def _advance(self, done: int) -> None:
        self.embedded += done
        self._progress("embed", self.embedded + self.carried_over, self._total)
