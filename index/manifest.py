"""The manifest: what built a generation, declared once as data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.errors import DamagedIndexError, NoUsableIndexError
from index.noise import Noise
from index.repairs import sync_command
from index.sealed import seal, unseal

FORMAT = 6
# Format 2 had no checksum over the manifest itself, and kept no terms beside the passages; format 3
# had no tokens, and format 4 did not note which sentences many documents share.
READABLE_FORMATS = (2, 3, 4, 5, FORMAT)
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
    the documents with their catalogue entries, ``noise_questions`` the questions behind the noise.
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
    noise_questions: str = ""

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
        values = _content(file)
        found = values["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedIndexError(f"{file} is missing or damaged ({error}).") from error
    if found not in READABLE_FORMATS:
        raise NoUsableIndexError(
            f"The index generation {folder} has format {found}, this version reads "
            f"{', '.join(map(str, READABLE_FORMATS))}. "
            f"Build it anew: {sync_command(folder.parent.parent, force=True)}"
        )
    try:
        return _manifest(values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedIndexError(f"{file} is damaged ({error}).") from error


def _content(file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    values: dict[str, Any] = json.loads(data)
    if values.get("format") == 2:  # noqa: PLR2004 - the one format that was not sealed
        return values
    content: dict[str, Any] = unseal(data, str(file))
    return content


def _manifest(values: dict[str, Any]) -> Manifest:
    embedder = values["embedder"]
    values["embedder"] = EmbedderRecord(**{**embedder, "probe": tuple(embedder["probe"])})
    values["noise"] = Noise(**values["noise"])
    values["files"] = {name: FileRecord(**f) for name, f in values["files"].items()}
    return Manifest(**values)
