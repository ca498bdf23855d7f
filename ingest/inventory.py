"""What an index holds, for ``list`` and ``status``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.errors import NoUsableIndexError
from index.generations import (
    generation_folder,
    generation_ids,
    lock_holder,
    open_generation,
    published_generation,
)
from index.manifest import read_manifest


def inventory(index: Path) -> list[dict[str, Any]]:
    """Return a row for each document and each quarantined file, by path.

    ``characters_per_page`` and ``empty_pages`` say how well a file could be read. Raises
    NoUsableIndexError when there is no index.
    """
    records = open_generation(index).records
    rows: list[dict[str, Any]] = []
    for indexed in records.documents():
        document = indexed.document
        pages = records.pages(document.id)
        characters = sum(len(page.text) for page in pages)
        rows.append(
            {
                "state": "indexed",
                "path": document.path,
                "id": document.id,
                "title": document.title,
                "number": document.number,
                "published": document.published,
                "language": document.language,
                "audience": document.audience,
                "pages": len(pages),
                "passages": indexed.end - indexed.first,
                "characters_per_page": characters // max(len(pages), 1),
                "empty_pages": sum(not page.text for page in pages),
            }
        )
    for file in records.quarantined():
        rows.append({"state": "quarantined", "path": file.path, "reason": file.reason})
    return sorted(rows, key=lambda row: str(row["path"]))


def index_status(index: Path) -> dict[str, Any]:
    """Return the generations, oldest first, and who writes the index at this moment.

    Raises NoUsableIndexError when nothing was ever published there.
    """
    published = published_generation(index)
    if published is None:
        raise NoUsableIndexError(
            f"There is no index in {index}. Make one: "
            f"python -m ingest sync --corpus DIR --index {index}"
        )
    return {
        "index": str(index),
        "published": published,
        "generations": [_generation_row(index, name, published) for name in generation_ids(index)],
        "lock_holder": lock_holder(index),
    }


def _generation_row(index: Path, name: str, published: str) -> dict[str, Any]:
    manifest = read_manifest(generation_folder(index, name))
    return {
        "id": name,
        "published": name == published,
        "created": manifest.created,
        "bytes": sum(file.size for file in manifest.files.values()),
        "counts": manifest.counts,
        "embedder": manifest.embedder.source,
        "dimension": manifest.embedder.dimension,
        "chunking": manifest.chunking,
    }
