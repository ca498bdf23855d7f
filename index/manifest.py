"""The manifest: what built a generation, declared once as data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.errors import DamagedIndexError, NoUsableIndexError
from index.repairs import sync_command
from index.sealed import seal, unseal

# Others are refused: `sync --force` rebuilds the index.
FORMAT = 7
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class EmbedderRecord:
    """The embedder of a generation: its source, its prefixes, and how it is recognised.

    ``probe`` is the vector (``dimension`` floats, unit length) of ``index.embedder.PROBE``. A model
    whose own probe points elsewhere is another model, whatever its name.
    """

    source: str
    dimension: int
    query_prefix: str
    passage_prefix: str
    probe: tuple[float, ...]


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 of one file of a generation."""

    size: int
    sha256: str


@dataclass(frozen=True)
class ShardRecord:
    """One audience's part of a generation; ``folder`` is its name in the generation's folder."""

    folder: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """Everything a reader must know before it opens a generation.

    ``chunking`` names the rules that made the passages, ``analysis`` those that made the
    keyword terms, ``corpus_digest`` stands for the documents with their catalogue entries,
    ``foreign_questions`` for the questions whose vectors lie beside it. ``reader`` is the
    fingerprint of the reader that was packaged at the time; any other can read the generation, too.
    ``counts`` are those of all ``shards`` together, which are listed by audience. ``files`` are
    named as seen from the generation's folder, with forward slashes.
    """

    format: int
    generation: str
    created: str
    embedder: EmbedderRecord
    dense_store: str
    chunking: str
    analysis: str
    corpus_digest: str
    counts: dict[str, int]
    shards: dict[str, ShardRecord]
    files: dict[str, FileRecord]
    foreign_questions: str = ""
    reader: str = ""

    def write(self, folder: Path) -> None:
        """Write the manifest into the generation's folder."""
        content = json.loads(json.dumps(asdict(self)))  # tuples as the lists that are read back
        (folder / MANIFEST_FILE).write_bytes(seal(content))


def read_manifest(folder: Path) -> Manifest:
    """Read a generation's manifest.

    Raises DamagedIndexError when it is missing or altered, NoUsableIndexError when it is of a
    format that this version does not read.
    """
    file = folder / MANIFEST_FILE
    try:
        values: dict[str, Any] = unseal(file.read_bytes(), str(file))
        found = values["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError(f"{file} is missing or damaged ({error}).") from error
    if found != FORMAT:
        raise NoUsableIndexError(
            f"The index generation {folder} has format {found}, this version reads {FORMAT} only. "
            f"Rebuild it: {sync_command(folder.parent.parent, force=True)}"
        )
    try:
        return _manifest(values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedIndexError(f"{file} is damaged ({error}).") from error


def _manifest(values: dict[str, Any]) -> Manifest:
    embedder = values["embedder"]
    values["embedder"] = EmbedderRecord(**{**embedder, "probe": tuple(embedder["probe"])})
    values["shards"] = {
        audience: ShardRecord(**shard) for audience, shard in values["shards"].items()
    }
    values["files"] = {name: FileRecord(**f) for name, f in values["files"].items()}
    return Manifest(**values)
