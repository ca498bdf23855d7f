"""What an index holds, for ``list`` and ``status``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.errors import NoUsableIndexError, UsageError
from index.generations import (
    Generation,
    generation_folder,
    generation_ids,
    no_index,
)
from index.lock import lock_holder
from index.manifest import read_manifest
from index.pointer import Pointer, damaged_pointers
from index.publishing import known_pointer
from index.repairs import index_command, sync_command
from index.verification import problems_of


def inventory(generation: Generation) -> list[dict[str, Any]]:
    """Return a row for each document, each quarantined file and each duplicate, by path.

    ``characters_per_page`` and ``empty_pages`` say how well a file could be read.
    """
    records = generation.records
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
                "type": document.type,
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
        about = {"path": file.path, "audience": file.audience, "reason": file.reason}
        rows.append({"state": "quarantined", **about})
    for duplicate in records.duplicates():
        about = {"path": duplicate.path, "audience": duplicate.audience, "of": duplicate.of}
        rows.append({"state": "duplicate", **about})
    return sorted(rows, key=lambda row: str(row["path"]))


def index_status(index: Path) -> dict[str, Any]:
    """Return the generations, oldest first, and who writes the index at this moment.

    Raises NoUsableIndexError when there is no generation at all.
    """
    names = generation_ids(index)
    pointer = known_pointer(index) or Pointer("")
    if not names:
        raise no_index(index)
    return {
        "index": str(index),
        "published": pointer.generation or None,
        "problems": damaged_pointers(index),
        "generations": [_generation_row(index, name, pointer) for name in names],
        "lock_holder": lock_holder(index),
    }


def _generation_row(index: Path, name: str, pointer: Pointer) -> dict[str, Any]:
    try:
        manifest = read_manifest(generation_folder(index, name))
    except NoUsableIndexError as error:
        published = name == pointer.generation
        return {"id": name, "state": "damaged", "published": published, "reason": str(error)}
    return {
        "id": name,
        "state": _state(name, pointer),
        "published": name == pointer.generation,
        "created": manifest.created,
        "bytes": sum(file.size for file in manifest.files.values()),
        "counts": manifest.counts,
        "format": manifest.format,
        "embedder": manifest.embedder.source,
        "dimension": manifest.embedder.dimension,
        "chunking": manifest.chunking,
        "reader": manifest.reader,
    }


def _state(name: str, pointer: Pointer) -> str:
    if name == pointer.generation:
        return "published"
    if not pointer.generation:
        return "not published"
    return "held back" if name > pointer.generation and name not in pointer.history else "earlier"


def verified(index: Path, generation: str | None = None) -> dict[str, Any]:
    """Check every byte of one generation, or of all, and the pointer.

    Returns ``ok``, the problems of each of the ``generations``, those of the ``pointer``, and the
    command to ``repair`` them.
    Raises NoUsableIndexError when there is no index, UsageError for an unknown generation.
    """
    known = generation_ids(index)
    if not known:
        raise no_index(index)
    if generation and generation not in known:
        raise UsageError(f"There is no generation {generation!r}. There are: {', '.join(known)}.")
    names = [generation] if generation else known
    problems = {name: problems_of(generation_folder(index, name)) for name in names}
    pointer = damaged_pointers(index)
    ok = not pointer and not any(problems.values())
    repair = "" if ok else _repair(index, {name for name, found in problems.items() if found})
    return {"ok": ok, "generations": problems, "pointer": pointer, "repair": repair}


def _repair(index: Path, damaged: set[str]) -> str:
    """Return the command that leaves nothing damaged."""
    pointer = known_pointer(index)
    if pointer is None:
        return index_command("rollback GENERATION", index)
    if pointer.generation not in damaged:
        if not damaged:
            return sync_command(index)  # the pointer or its copy
        return index_command(f"prune --keep {len(generation_ids(index))}", index)
    previous = set(pointer.history) & set(generation_ids(index))  # those that were not pruned
    return sync_command(index, force=not previous - damaged)
