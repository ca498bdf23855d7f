"""The vectors of a new generation: carried over where the text is known, else embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from index.dense import STORES, Rows, Vectors
from index.embedder import Embedder
from index.foreign_questions import questions_digest
from index.generations import FOREIGN_FILE, Generation
from index.manifest import ShardRecord
from index.publishing import write_sentence_vectors
from index.records_writer import Carried, NewText, RecordsWriter
from index.shards import PASSAGE_VECTORS_FILE, SENTENCE_VECTORS_FILE, shard_folder
from index.tokens import Tokens
from ingest.foreign import read_foreign_questions
from ingest.model import Model
from ingest.stages import Stages
from ingest.tokens import TokenColumn

DENSE_STORE = "faiss"
# Rows that are in memory at a time while vectors are written.
BLOCK = 8192


class VectorSource:
    """The vectors of one shard's passages and sentences.

    Those of a text that any shard of the previous generation has are carried over from there, the
    same audience's first. What is left is embedded by itself, never in one batch with texts for
    others: in another batch the last digits of a vector differ.
    """

    def __init__(
        self, audience: str, records: RecordsWriter, model: Model, previous: Generation | None
    ) -> None:
        self._model = model
        self._counts = records.counts
        self._folder = shard_folder(audience)
        old = previous.records if previous else None
        shards = [s for s in (previous.shards if previous else ()) if s.audience == audience]
        self._passages = VectorColumn(
            records.counts["passages"],
            _in_the_whole(records.carried_passages, *(s.first_passage for s in shards)),
            records.new_passages,
            partial(old.passage_rows_by_digest, audience=audience) if old else None,
            previous.passages.vectors if previous else None,
        )
        self._sentences = VectorColumn(
            records.counts["sentences"],
            _in_the_whole(records.carried_sentences, *(s.first_sentence for s in shards)),
            records.new_sentences,
            partial(old.sentence_rows_by_digest, audience=audience) if old else None,
            previous.sentence_vectors if previous else None,
        )
        self._tokens = TokenColumn(previous.tokens if previous else None)

    @property
    def embedded(self) -> int:
        """How many texts had no vector."""
        return self._passages.to_embed + self._sentences.to_embed

    @property
    def carried_over(self) -> int:
        """How many rows have the vector that their text had before."""
        return self._passages.carried_over + self._sentences.carried_over

    def embed(self, folder: Path, stages: Stages) -> None:
        """Embed what has no vector yet; tokens wait in the shard's folder."""
        if not self.embedded:
            return
        embedder = self._model.embedder()
        with self._tokens.collecting(folder / self._folder, embedder):
            self._passages.embed(embedder, stages.advance, self._tokens.add)
        self._sentences.embed(embedder, stages.advance)

    def write(self, folder: Path) -> ShardRecord:
        """Write the shard's vectors into its folder."""
        place, dimension = folder / self._folder, self._model.record.dimension
        store = STORES[DENSE_STORE]()
        store.write(place / PASSAGE_VECTORS_FILE, self._passages.blocks(dimension), dimension)
        write_sentence_vectors(
            place / SENTENCE_VECTORS_FILE,
            self._sentences.blocks(dimension),
            (self._sentences.count, dimension),
        )
        self._tokens.write(place, self._passages.origin)
        return ShardRecord(self._folder, self._counts)


def embed_all(sources: Iterable[VectorSource], folder: Path, stages: Stages) -> None:
    """Embed what has no vector yet in a new generation's shards, one shard after the other."""
    sources = list(sources)
    total = sum(source.embedded for source in sources)
    stages.begin("embed", total)
    for source in sources:
        source.embed(folder, stages)
    stages.done("embed", total)


def write_foreign_questions(folder: Path, model: Model, previous: Generation | None) -> None:
    """Write the vectors of the foreign questions into a generation's folder.

    They are those of the previous generation where it has them of the same questions.
    """
    if previous and previous.manifest.foreign_questions == questions_digest():
        questions: Vectors = np.load(previous.folder / FOREIGN_FILE, allow_pickle=False)
    else:
        questions = read_foreign_questions(model.embedder()).vectors
    with (folder / FOREIGN_FILE).open("wb") as file:
        np.lib.format.write_array(file, questions, allow_pickle=False)


def _in_the_whole(carried: Sequence[Carried], first: int = 0) -> list[Carried]:
    """Return runs of a shard's rows as rows of the whole generation; its own begin at ``first``."""
    return [replace(run, previous=run.previous + first) for run in carried]


class VectorColumn:
    """The vectors of all rows of one kind, each carried over or, where it is new, embedded.

    ``lookup`` finds the previous row of a text by digest; ``stored`` returns vectors of such rows.
    ``origin`` has for each row the previous one with the same text, or -1.
    """

    def __init__(
        self,
        count: int,
        carried: Sequence[Carried],
        new: Sequence[NewText],
        lookup: Callable[[Sequence[str]], Mapping[str, int]] | None,
        stored: Callable[[Rows], Vectors] | None,
    ) -> None:
        self.origin = np.full(count, -1, dtype=np.int64)  # the previous row, or -1
        for run in carried:
            rows = np.arange(run.previous, run.previous + run.count)
            self.origin[run.first : run.first + run.count] = rows
        known = lookup([text.digest for text in new]) if lookup and new else {}
        for text in new:
            self.origin[text.row] = known.get(text.digest, -1)
        self.count = count
        self._stored = stored
        self._texts = [text for text in new if text.digest not in known]
        self._fresh: dict[int, Vectors] = {}

    @property
    def to_embed(self) -> int:
        """How many texts have no vector yet."""
        return len(self._texts)

    @property
    def carried_over(self) -> int:
        """How many rows have the vector that their text had before."""
        return len(self.origin) - self.to_embed

    def embed(
        self,
        embedder: Embedder,
        on_progress: Callable[[int], None],
        on_tokens: Callable[[int, Tokens | None], None] | None = None,
    ) -> None:
        """Embed what is not known; ``on_tokens`` is given the tokens of each row."""
        by_place = None
        if on_tokens is not None:
            by_place = lambda place, tokens: on_tokens(self._texts[place].row, tokens)  # noqa: E731
        texts = [text.text for text in self._texts]
        vectors = embedder.embed_passages(texts, on_progress, by_place)
        self._fresh = {text.row: vector for text, vector in zip(self._texts, vectors, strict=True)}

    def blocks(self, dimension: int) -> Iterator[Vectors]:
        """Yield the vectors of all rows in their order, at most BLOCK rows at a time."""
        for first in range(0, len(self.origin), BLOCK):
            origin = self.origin[first : first + BLOCK]
            block = np.empty((len(origin), dimension), dtype=np.float32)
            known = origin >= 0
            if self._stored and known.any():
                block[known] = self._stored(origin[known])
            for n in np.flatnonzero(~known).tolist():
                block[n] = self._fresh[first + n]
            yield block
