"""The manifest: what built a generation, declared once as data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.errors import NoUsableIndexError
from index.noise import Noise

FORMAT = 2
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
    """Size in bytes and SHA-256 of one file of the generation."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything a reader must know before it opens a generation.

    ``chunking`` names the rules that made the passages, ``analysis`` those that made the
    keyword terms, ``noise`` how near the sentences come to foreign questions, ``corpus_digest``
    the documents with their catalogue entries.
    """

    format: int
    generation: str
    created: str
    embedder: EmbedderRecord
    dense_store: str
    chunking: str
    analysis: str
    noise: Noise
    corpus_digest: str
    counts: dict[str, int]
    files: dict[str, FileRecord]

    def write(self, folder: Path) -> None:
        """Write the manifest into the generation's folder."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read a generation's manifest.

    Raises NoUsableIndexError when it is missing, damaged or of another format.
    """
    try:
        values = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        found = values["format"]
        if found != FORMAT:
            raise NoUsableIndexError(
                f"The index generation {folder} has format {found}, this version reads {FORMAT}. "
                "Build it anew: python -m ingest sync --force"
            )
        embedder = values["embedder"]
        values["embedder"] = EmbedderRecord(**{**embedder, "probe": tuple(embedder["probe"])})
        values["noise"] = Noise(**values["noise"])
        values["files"] = {name: FileRecord(**f) for name, f in values["files"].items()}
        return Manifest(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoUsableIndexError(
            f"The manifest of the index generation {folder} is missing or damaged ({error}). "
            "Build the index anew: python -m ingest sync --force"
        ) from error
