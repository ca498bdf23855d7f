"""The vectors of a new generation: carried over where the text is known, else embedded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from index.dense import STORES, Rows, Vectors
from index.embedder import Embedder
from index.foreign_questions import questions_digest
from index.generations import FOREIGN_FILE, Generation
from index.manifest import ShardRecord
from index.publishing import write_sentence_vectors
from index.records_writer import Carried, NewPassage, RecordsWriter
from index.shards import PASSAGE_VECTORS_FILE, SENTENCE_VECTORS_FILE, shard_folder
from index.tokens import Tokens
from ingest.foreign import read_foreign_questions
from ingest.model import Model
from ingest.sentence_vectors import SentenceColumn, sentence_vectors
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
        origins = _Origins(records, audience, previous)
        self._passages = VectorColumn(
            origins.passages,
            [passage for passage in records.new_passages if origins.passages[passage.row] < 0],
            previous.passages.vectors if previous else None,
        )
        self._sentences = SentenceColumn(
            origins.sentences, previous.sentence_vectors if previous else None
        )
        self._tokens = TokenColumn(previous.tokens if previous else None)

    @property
    def embedded(self) -> int:
        """How many passages had no vector."""
        return self._passages.to_embed

    @property
    def carried_over(self) -> int:
        """How many passages have the vector that their text had before."""
        return self._passages.carried_over

    def embed(self, folder: Path, stages: Stages) -> None:
        """Embed what has no vector yet; tokens and sentences wait in the shard's folder."""
        if not self.embedded:
            return
        embedder, place = self._model.embedder(), folder / self._folder
        with (
            self._tokens.collecting(place, embedder),
            self._sentences.collecting(place, embedder.record.dimension),
        ):
            self._passages.embed(embedder, stages.advance, self._add)

    def _add(self, passage: NewPassage, vector: Vectors, tokens: Tokens | None) -> None:
        self._tokens.add(passage.row, tokens)
        self._sentences.add(passage, sentence_vectors(passage.sentences, vector, tokens))

    def write(self, folder: Path) -> ShardRecord:
        """Write the shard's vectors into its folder."""
        place, dimension = folder / self._folder, self._model.record.dimension
        store = STORES[DENSE_STORE]()
        store.write(place / PASSAGE_VECTORS_FILE, self._passages.blocks(dimension), dimension)
        write_sentence_vectors(
            place / SENTENCE_VECTORS_FILE,
            self._sentences.blocks(BLOCK),
            (self._sentences.count, dimension),
        )
        self._tokens.write(place, self._passages.origin)
        return ShardRecord(self._folder, self._counts)


class _Origins:
    """For each new row of passages and of sentences the previous row, of the whole, or -1."""

    def __init__(self, records: RecordsWriter, audience: str, previous: Generation | None) -> None:
        self.passages = np.full(records.counts["passages"], -1, dtype=np.int64)
        self.sentences = np.full(records.counts["sentences"], -1, dtype=np.int64)
        if previous is None:
            return
        for shard in previous.shards:
            if shard.audience == audience:
                _carry(self.passages, records.carried_passages, shard.first_passage)
                _carry(self.sentences, records.carried_sentences, shard.first_sentence)
        self._find(records.new_passages, audience, previous)

    def _find(self, new: Sequence[NewPassage], audience: str, previous: Generation) -> None:
        """Find passages that are new at their place, but were there with the same sentences."""
        known = previous.records.passage_rows_by_digest([p.digest for p in new], audience)
        sentences: dict[int, list[int]] = defaultdict(list)
        for sentence, row in previous.records.sentence_rows(set(known.values())):
            sentences[row].append(sentence)
        for passage in new:
            row = known.get(passage.digest, -1)
            if row >= 0 and len(sentences[row]) == len(passage.sentences):
                self.passages[passage.row] = row
                first = passage.first_sentence
                self.sentences[first : first + len(passage.sentences)] = sentences[row]


def _carry(origin: Rows, carried: Sequence[Carried], first: int) -> None:
    """Enter runs of rows of a previous shard, whose own rows begin at ``first`` in the whole."""
    for run in carried:
        rows = np.arange(run.previous, run.previous + run.count) + first
        origin[run.first : run.first + run.count] = rows


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


class VectorColumn:
    """The vectors of all passages, each carried over or, where it is new, embedded.

    ``origin`` has for each row the previous one with the same text, or -1; ``new`` are the
    passages to embed. ``stored`` returns vectors of previous rows.
    """

    def __init__(
        self,
        origin: Rows,
        new: Sequence[NewPassage],
        stored: Callable[[Rows], Vectors] | None,
    ) -> None:
        self.origin = origin
        self._new = new
        self._stored = stored
        self._fresh: dict[int, Vectors] = {}

    @property
    def to_embed(self) -> int:
        """How many passages have no vector yet."""
        return len(self._new)

    @property
    def carried_over(self) -> int:
        """How many rows have the vector that their text had before."""
        return len(self.origin) - self.to_embed

    def embed(
        self,
        embedder: Embedder,
        on_progress: Callable[[int], None],
        on_embedded: Callable[[NewPassage, Vectors, Tokens | None], None],
    ) -> None:
        """Embed what is not known; ``on_embedded`` is given each passage's vector and tokens."""

        def take(place: int, vector: Vectors, tokens: Tokens | None) -> None:
            self._fresh[self._new[place].row] = vector
            on_embedded(self._new[place], vector, tokens)

        embedder.embed_passages([passage.text for passage in self._new], on_progress, take)

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
