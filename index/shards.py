"""Shards: one audience's part of a generation, in files of its own.

::

    GENERATION/SHARD/records.sqlite      documents, pages, passages, sentences, keyword terms
    GENERATION/SHARD/passages.vectors    and sentences.npy: their vectors
    GENERATION/SHARD/tokens.npy          and two more files: the tokens of the passages

What an asker gets is computed from the shards of their audiences alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import DamagedIndexError
from index.dense import STORES, DenseStore
from index.manifest import Manifest
from index.pointer import Permitted
from index.shard_records import ShardRecords
from index.tokens import JoinedTokens, TokenStore, open_tokens

RECORDS_FILE = "records.sqlite"
PASSAGE_VECTORS_FILE = "passages.vectors"
SENTENCE_VECTORS_FILE = "sentences.npy"
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Shard:
    """One audience's part of a generation, open for reading.

    In a generation that is open its passages are the rows from ``first_passage`` on, and its
    sentences those from ``first_sentence`` on; in its own files rows count from 0. ``sentences``
    are the sentences' vectors, shape (n, dimension). ``counts`` has how many documents, pages,
    passages, sentences and quarantined files it holds.
    """

    audience: str
    folder: Path
    records: ShardRecords
    passages: DenseStore
    sentences: NDArray[np.float16]
    tokens: TokenStore | None
    counts: dict[str, int]
    first_passage: int
    first_sentence: int


def shard_folder(audience: str) -> str:
    """Return the name of the folder for an audience: readable, and another one for each."""
    readable = re.sub(r"[^a-z0-9]+", "-", audience.lower()).strip("-")[:_LONGEST_NAME]
    digest = hashlib.sha256(audience.encode()).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest


def open_shards(
    folder: Path,
    manifest: Manifest,
    audiences: Collection[str] | None,
    permitted: Permitted | None,
) -> tuple[Shard, ...]:
    """Open the shards of these audiences, all for None, in the order of the audiences' names.

    Raises DamagedIndexError for a file that is missing or damaged.
    """
    kind = STORES[manifest.dense_store]()
    dimension = manifest.embedder.dimension
    shards: list[Shard] = []
    passage = sentence = 0
    for audience in opened(manifest, audiences):
        record = manifest.shards[audience]
        place = folder / record.folder
        shard = Shard(
            audience,
            place,
            ShardRecords(place / RECORDS_FILE, audience, audiences, permitted),
            kind.open(place / PASSAGE_VECTORS_FILE, dimension),
            _open_sentences(place / SENTENCE_VECTORS_FILE, dimension),
            open_tokens(place, dimension),
            record.counts,
            passage,
            sentence,
        )
        shards.append(shard)
        passage += shard.passages.size
        sentence += len(shard.sentences)
    return tuple(shards)


def opened(manifest: Manifest, audiences: Collection[str] | None) -> list[str]:
    """Return those of the audiences, of all for None, that have a shard; sorted."""
    return sorted(name for name in manifest.shards if audiences is None or name in audiences)


def joined_tokens(shards: Iterable[Shard]) -> TokenStore | None:
    """Return the tokens of all passages; None where a shard with passages has none."""
    filled = [shard for shard in shards if shard.passages.size]
    stores = [shard.tokens for shard in filled if shard.tokens is not None]
    if not stores or len(stores) < len(filled):
        return None
    return stores[0] if len(stores) == 1 else JoinedTokens(stores)


def _open_sentences(path: Path, dimension: int) -> NDArray[np.float16]:
    try:
        vectors: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedIndexError(f"{path} is missing or damaged ({error}).") from error
    if vectors.ndim != 2 or vectors.shape[1] != dimension:  # noqa: PLR2004 - rows and columns
        raise DamagedIndexError(f"{path} has vectors of another dimension.")
    return vectors
