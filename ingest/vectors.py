"""The vectors of a new generation: carried over where the text is known, else embedded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from corpus.errors import AssistantError
from index.dense import DENSE_STORES, Rows, Vectors
from index.embedder import Embedder
from index.generations import (
    NOISE_FILE,
    PASSAGE_VECTORS_FILE,
    SENTENCE_VECTORS_FILE,
    Generation,
)
from index.noise import Noise, measure_noise, questions_digest
from index.publishing import write_sentence_vectors
from index.records_writer import Carried, NewText, RecordsWriter
from index.tokens import Tokens, centred
from ingest.foreign import read_foreign_questions
from ingest.model import Model
from ingest.passages import digest, embedded_sentence, embedded_text
from ingest.stages import Stages
from ingest.tokens import TokenColumn

DENSE_STORE = "faiss"
# Rows that are in memory at a time while vectors are written.
BLOCK = 8192
# How many passages, and as many sentences, are embedded once more before a generation is published.
SAMPLE = 4
# The same text in another batch differs by rounding only: 0.9999 and more, float16 included.
_LEAST_COSINE = 0.999
# A token in two bits has a cosine of .93 with itself, and of .1 with another.
_LEAST_OF_TOKENS = 0.8


class VectorSource:
    """The vectors of a new generation's passages and sentences, and the noise of its index."""

    def __init__(self, records: RecordsWriter, model: Model, former: Generation | None) -> None:
        self._model = model
        self._former = former
        self._languages = records.languages
        old = former.records if former else None
        self._passages = VectorColumn(
            records.counts["passages"],
            records.carried_passages,
            records.new_passages,
            old.passage_rows_by_digest if old else None,
            former.passages.vectors if former else None,
        )
        self._sentences = VectorColumn(
            records.counts["sentences"],
            records.carried_sentences,
            records.new_sentences,
            old.sentence_rows_by_digest if old else None,
            former.sentence_vectors if former else None,
        )
        self._tokens = TokenColumn(former.tokens if former else None)
        self.noise = Noise({}, {})

    @property
    def embedded(self) -> int:
        """How many texts had no vector."""
        return self._passages.to_embed + self._sentences.to_embed

    @property
    def carried_over(self) -> int:
        """How many rows have the vector that their text had before."""
        return self._passages.carried_over + self._sentences.carried_over

    def embed(self, folder: Path, stages: Stages) -> None:
        """Embed what has no vector; loads no model where there is nothing of that kind.

        Tokens of passages wait in a file in ``folder``, where ``write`` finds them.
        """
        stages.begin("embed", self.embedded)
        if self.embedded:
            embedder = self._model.embedder()
            with self._tokens.collecting(folder, embedder):
                self._passages.embed(embedder, stages.advance, self._tokens.add)
            self._sentences.embed(embedder, stages.advance)
        stages.done("embed", self.embedded)

    def write(self, folder: Path) -> None:
        """Write the vector files of a generation, and measure the noise."""
        dimension = self._model.record.dimension
        store = DENSE_STORES[DENSE_STORE]()
        store.write(folder / PASSAGE_VECTORS_FILE, self._passages.blocks(dimension), dimension)
        write_sentence_vectors(
            folder / SENTENCE_VECTORS_FILE,
            self._sentences.blocks(dimension),
            (self._sentences.count, dimension),
        )
        self._tokens.write(folder, self._passages.origin)
        questions = self._questions()
        with (folder / NOISE_FILE).open("wb") as file:
            np.lib.format.write_array(file, questions, allow_pickle=False)
        languages = [language for language, n in self._languages for _ in range(n)]
        self.noise = measure_noise(questions, self._sentences.blocks(dimension), languages)

    def _questions(self) -> Vectors:
        if self._former and self._former.manifest.noise_questions == questions_digest():
            file = self._former.folder / NOISE_FILE
            stored: Vectors = np.load(file, allow_pickle=False)
            return stored
        return read_foreign_questions(self._model.embedder()).vectors


class VectorColumn:
    """The vectors of all rows of one kind, each carried over or, where it is new, embedded.

    ``lookup`` finds the former row of a text by digest; ``stored`` returns vectors of such rows.
    ``origin`` has for each row the former one with the same text, or -1.
    """

    def __init__(
        self,
        count: int,
        carried: Sequence[Carried],
        new: Sequence[NewText],
        lookup: Callable[[Sequence[str]], Mapping[str, int]] | None,
        stored: Callable[[Rows], Vectors] | None,
    ) -> None:
        self.origin = np.full(count, -1, dtype=np.int64)  # the former row, or -1
        for run in carried:
            rows = np.arange(run.former, run.former + run.count)
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


def check_sample(generation: Generation, model: Model, former: Generation | None) -> None:
    """Hold some stored vectors against the texts in their rows, before a generation is published.

    Where the sync had the model at hand the texts are embedded once more; else their vectors are
    those of the former generation. Raises AssistantError where vectors and texts do not fit.
    """
    if model.loaded:
        _check_by_embedding(generation, model.loaded)
    elif former:
        _check_by_the_former(generation, former)


def _check_by_embedding(generation: Generation, embedder: Embedder) -> None:
    draw = random.Random(generation.manifest.corpus_digest)  # noqa: S311 - the same every time
    records = generation.records
    count = generation.passages.size
    rows = sorted(draw.sample(range(count), min(SAMPLE, count)))
    passages = records.passages(rows)
    titles = {one.document.id: one.own_title for one in records.documents()}
    texts = [embedded_text(passages[row]) for row in rows]
    stored = [generation.passages.vectors(np.array(rows, np.int64))]
    tokens: dict[int, Tokens | None] = {}
    for row in rows:
        sentences = records.sentences([row])
        if sentences:
            one = draw.choice(sentences)
            texts.append(
                embedded_sentence(titles[passages[row].document_id], passages[row], one.sentence)
            )
            stored.append(generation.sentence_vectors(np.array([one.row], np.int64)))
    if not texts:
        return
    vectors = embedder.embed_passages(texts, on_tokens=tokens.__setitem__)
    cosines = (vectors * np.concatenate(stored)).sum(axis=1)
    fitting = all(_tokens_fit(generation, row, tokens[n]) for n, row in enumerate(rows))
    if cosines.min() < _LEAST_COSINE or not fitting:
        raise AssistantError(
            f"Vectors of the new generation do not belong to their texts (cosine "
            f"{cosines.min():.3f}), so it was not published. Embed everything anew: "
            "run the command again with --force"
        )


def _tokens_fit(generation: Generation, row: int, tokens: Tokens | None) -> bool:
    """Tell whether a passage's stored tokens are these, as near as two bits can tell."""
    if generation.tokens is None or tokens is None:
        return generation.tokens is None and tokens is None
    stored = generation.tokens.of(row)
    if not np.array_equal(stored.from_end, tokens.from_end):
        return False
    given = centred(tokens.vectors, generation.tokens.centres.passages)
    return not len(given) or float((stored.vectors * given).sum(axis=1).mean()) >= _LEAST_OF_TOKENS


def _check_by_the_former(generation: Generation, former: Generation) -> None:
    draw = random.Random(generation.manifest.corpus_digest)  # noqa: S311 - the same every time
    count = generation.passages.size
    rows = sorted(draw.sample(range(count), min(8 * SAMPLE, count)))
    texts = generation.records.passages(rows)
    digests = [digest(embedded_text(texts[row])) for row in rows]
    before = former.records.passage_rows_by_digest(digests)
    if not rows:
        return
    now = generation.passages.vectors(np.array(rows, np.int64))
    known = [before.get(key, -1) for key in digests]
    if -1 in known or not np.array_equal(now, former.passages.vectors(np.array(known, np.int64))):
        raise AssistantError(
            "Vectors of the new generation are not those of their texts, so it was not published. "
            "Embed everything anew: run the command again with --force"
        )
