"""Looking after generations: serve an earlier one, drop old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.errors import DamagedIndexError, NoUsableIndexError, UsageError
from index.generations import (
    Generation,
    generation_folder,
    generation_ids,
    no_index,
    open_generation,
)
from index.lock import writer_lock
from index.pointer import Pointer, read_pointer
from index.publishing import known_pointer, prune, publish
from index.verification import problems_of


def rollback(index: Path, generation: str | None = None) -> dict[str, Any]:
    """Serve another generation from now on: the one named, or the one published before.

    Returns its id, the one that was served ``before``, and the paths of the documents that
    ``returned`` to what is served and that are ``gone`` from it. Raises UsageError when there is
    no such generation, DamagedIndexError when it is damaged, IndexLockedError during a sync.
    """
    _refuse_missing(index)
    with writer_lock(index):
        pointer = known_pointer(index)
        wanted = generation or _one_before(index, pointer)
        if wanted not in generation_ids(index):
            known = ", ".join(generation_ids(index)) or "none"
            raise UsageError(f"There is no generation {wanted!r} in {index}. There are: {known}.")
        problems = problems_of(generation_folder(index, wanted))
        if problems:
            raise DamagedIndexError(
                f"Generation {wanted} is not sound, and was not published: {' '.join(problems)} "
                "Name another: python -m ingest status"
            )
        before = _paths(index, pointer)
        opened = Generation(generation_folder(index, wanted))
        now = {one.document.path for one in opened.records.documents()}
        publish(index, opened)
    return {
        "generation": wanted,
        "before": pointer.generation if pointer else None,
        "returned": sorted(now - before),
        "gone": sorted(before - now),
    }


def prune_index(index: Path, keep: int) -> tuple[list[str], list[str]]:
    """Remove all but the ``keep`` newest generations, and return the removed and those in use.

    The published one always stays. Raises UsageError for ``keep`` under 1, NoUsableIndexError
    when there is no index, IndexLockedError during a sync.
    """
    _refuse_missing(index)
    with writer_lock(index):
        return prune(index, keep)


def _refuse_missing(index: Path) -> None:
    if not generation_ids(index):
        read_pointer(index)
        raise no_index(index)


def _one_before(index: Path, pointer: Pointer | None) -> str:
    there = set(generation_ids(index))
    for name in pointer.history if pointer else ():
        if name in there:
            return name
    raise UsageError(
        "No earlier generation is there. Name the one to serve: python -m ingest status lists them."
    )


def _paths(index: Path, pointer: Pointer | None) -> set[str]:
    """Return the paths of the documents served now; none where that cannot be told."""
    try:
        served = open_generation(index, pointer.generation if pointer else None)
    except NoUsableIndexError:
        return set()
    return {one.document.path for one in served.records.documents()}
