"""Do the vectors of a new generation belong to their texts? A sample of each shard is looked at."""

from __future__ import annotations

import random

import numpy as np

from corpus.errors import AssistantError
from index.embedder import Embedder
from index.generations import Generation
from index.shards import Shard
from index.tokens import Tokens, centred
from ingest.model import Model
from ingest.passages import digest, embedded_sentence, embedded_text

# How many passages, and as many sentences, are embedded once more before a generation is published.
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
    records = generation.records
    rows = [row for shard in generation.shards for row in _drawn(shard, SAMPLE, draw)]
    passages = records.passages(rows)
    titles = {indexed.document.id: indexed.own_title for indexed in records.documents()}
    texts = [embedded_text(passages[row]) for row in rows]
    stored = [generation.passages.vectors(np.array(rows, np.int64))]
    tokens: dict[int, Tokens | None] = {}
    for row in rows:
        sentences = records.sentences([row])
        if sentences:
            stored_sentence = draw.choice(sentences)
            texts.append(
                embedded_sentence(
                    titles[passages[row].document_id], passages[row], stored_sentence.sentence
                )
            )
            stored.append(generation.sentence_vectors(np.array([stored_sentence.row], np.int64)))
    if not texts:
        return
    vectors = embedder.embed_passages(texts, on_tokens=tokens.__setitem__)
    cosines = (vectors * np.concatenate(stored)).sum(axis=1)
    fitting = all(_tokens_fit(generation, row, tokens[n]) for n, row in enumerate(rows))
    if cosines.min() < _LEAST_COSINE or not fitting:
        raise AssistantError(
            f"Vectors of the new generation do not belong to their texts (cosine "
            f"{cosines.min():.3f}), so it was not published. Embed everything again: "
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
