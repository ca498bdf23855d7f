"""Do the vectors of a new generation belong to their texts? A sample of each shard is looked at."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from corpus.documents import Passage
from corpus.errors import AssistantError
from index.dense import Vectors
from index.embedder import Embedder
from index.generations import Generation
from index.records_writer import sentence_ends
from index.shards import Shard
from index.tokens import Tokens, centred
from ingest.model import Model
from ingest.passages import digest, embedded_text
from ingest.sentence_vectors import sentence_vectors

# How many passages of each shard are embedded once more before a generation is published.
SAMPLE = 4
# The same text in another batch differs by rounding only: 0.9999 and more, float16 included.
_LEAST_COSINE = 0.999
# A token in two bits has a cosine of .93 with itself, and of .1 with another.
_LEAST_OF_TOKENS = 0.8


def check_sample(generation: Generation, model: Model, previous: Generation | None) -> None:
    """Hold some vectors of each shard against the texts in their rows, before it is published.

    Where the sync had the model at hand the texts are embedded once more; else their vectors are
    those of the previous generation. Raises AssistantError where vectors and texts do not fit.
    """
    if model.loaded:
        _check_by_embedding(generation, model.loaded)
    elif previous:
        draw = random.Random(generation.manifest.corpus_digest)  # noqa: S311 - the same every time
        for shard in generation.shards:
            rows = _drawn(shard, 8 * SAMPLE, draw)
            _check_by_the_previous(generation, rows, previous, shard.audience)


def _drawn(shard: Shard, most: int, draw: random.Random) -> list[int]:
    """Return some rows of a shard's passages, as the whole generation numbers them."""
    first, count = shard.first_passage, shard.passages.size
    return sorted(draw.sample(range(first, first + count), min(most, count)))


def _check_by_embedding(generation: Generation, embedder: Embedder) -> None:
    draw = random.Random(generation.manifest.corpus_digest)  # noqa: S311 - the same every time
    rows = [row for shard in generation.shards for row in _drawn(shard, SAMPLE, draw)]
    if not rows:
        return
    passages = generation.records.passages(rows)
    tokens: dict[int, Tokens | None] = {}
    vectors = embedder.embed_passages(
        [embedded_text(passages[row]) for row in rows],
        on_embedded=lambda place, _, read: tokens.__setitem__(place, read),
    )
    stored = generation.passages.vectors(np.array(rows, np.int64))
    least = float((vectors * stored).sum(axis=1).min())
    for place, (row, vector) in enumerate(zip(rows, vectors, strict=True)):
        least = min(least, _sentences_fit(generation, row, passages[row], vector, tokens[place]))
        if not _tokens_fit(generation, row, tokens[place]):
            least = -1.0
    if least < _LEAST_COSINE:
        raise AssistantError(
            f"Vectors of the new generation do not belong to their texts (cosine "
            f"{least:.3f}), so it was not published. Embed everything again: "
            "run the command again with --force"
        )


def _sentences_fit(
    generation: Generation, row: int, passage: Passage, vector: Vectors, tokens: Tokens | None
) -> float:
    """Return the least cosine of a passage's stored sentence vectors with those made anew."""
    found = generation.records.sentences([row])
    lengths = {
        page.number: len(page.text) for page in generation.records.pages(passage.document_id)
    }
    whole = replace(passage, sentences=tuple(stored.sentence for stored in found))
    expected = sentence_vectors(sentence_ends(whole, lengths), vector, tokens)
    stored = generation.sentence_vectors(np.array([read.row for read in found], np.int64))
    return float((expected * stored).sum(axis=1).min()) if found else 1.0


def _tokens_fit(generation: Generation, row: int, tokens: Tokens | None) -> bool:
    """Tell whether a passage's stored tokens are these, as near as two bits can tell."""
    if generation.tokens is None or tokens is None:
        return generation.tokens is None and tokens is None
    stored = generation.tokens.of(row)
    if not np.array_equal(stored.from_end, tokens.from_end):
        return False
    given = centred(tokens.vectors, generation.tokens.centres.passages)
    return not len(given) or float((stored.vectors * given).sum(axis=1).mean()) >= _LEAST_OF_TOKENS


def _check_by_the_previous(
    generation: Generation, rows: list[int], previous: Generation, audience: str
) -> None:
    texts = generation.records.passages(rows)
    digests = [digest(embedded_text(texts[row])) for row in rows]
    before = previous.records.passage_rows_by_digest(digests, audience)
    if not rows:
        return
    now = generation.passages.vectors(np.array(rows, np.int64))
    known = [before.get(key, -1) for key in digests]
    if -1 in known or not np.array_equal(now, previous.passages.vectors(np.array(known, np.int64))):
        raise AssistantError(
            "Vectors of the new generation are not those of their texts, so it was not published. "
            "Embed everything again: run the command again with --force"
        )
