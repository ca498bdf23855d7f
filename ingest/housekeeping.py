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
from index.pointer import Pointer
from index.publishing import known_pointer, prune, publish
from index.repairs import index_command
from index.verification import problems_of


def rollback(index: Path, generation: str | None = None, *, force: bool = False) -> dict[str, Any]:
    """Serve another generation from now on: the one named, or the one published before.

    Returns its id, the one that was served ``before``, and the paths of the documents that
    ``returned`` to what is served and that are ``gone`` from it. Raises UsageError when there is
    no such generation, and without ``force`` when documents would be served for another audience
    than now; DamagedIndexError when it is damaged, IndexLockedError during a sync.
    """
    if not generation_ids(index):
        raise no_index(index)
    with writer_lock(index):
        pointer = known_pointer(index)
        wanted = generation or _one_before(index, pointer)
        opened = _sound(index, wanted)
        before, now = _audiences(_served(index, pointer)), _audiences(opened)
        if not force:
            _refuse_other_readers(opened, pointer, before)
        publish(index, opened)
    return {
        "generation": wanted,
        "before": pointer.generation if pointer else None,
        "returned": sorted(now.keys() - before.keys()),
        "gone": sorted(before.keys() - now.keys()),
    }


def prune_index(index: Path, keep: int) -> tuple[list[str], list[str]]:
    """Remove all but the ``keep`` newest generations, and return the removed and those in use.

    The published one always stays. Raises UsageError for ``keep`` under 1, NoUsableIndexError
    when there is no index, IndexLockedError during a sync.
    """
    if not generation_ids(index):
        raise no_index(index)
    with writer_lock(index):
        return prune(index, keep)


def _one_before(index: Path, pointer: Pointer | None) -> str:
    there = set(generation_ids(index))
    for name in pointer.history if pointer else ():
        if name in there:
            return name
    raise UsageError(
        f"No earlier generation is there. There are: {', '.join(generation_ids(index))}. "
        f"Name the one to serve: {index_command('rollback GENERATION', index)}"
    )


def _sound(index: Path, generation: str) -> Generation:
    known = generation_ids(index)
    if generation not in known:
        raise UsageError(
            f"There is no generation {generation!r} in {index}. There are: {', '.join(known)}."
        )
    problems = problems_of(generation_folder(index, generation))
    if problems:
        raise DamagedIndexError(
            f"Generation {generation} is not sound, and was not published: {' '.join(problems)} "
            f"Name another: {index_command('status', index)}"
        )
    return Generation(generation_folder(index, generation))


def _refuse_other_readers(
    opened: Generation, pointer: Pointer | None, before: dict[str, str]
) -> None:
    """Refuse where a document, by its path or by its content, is for other readers than now."""
    by_content: dict[str, set[str]] = {}
    for sha256, audience in pointer.documents if pointer else ():
        by_content.setdefault(sha256, set()).add(audience)
    changed = []
    for indexed in opened.records.documents():
        then = indexed.document.audience
        now = by_content.get(indexed.document.sha256, {before.get(indexed.document.path, then)})
        if then not in now:
            changed.append(f"{indexed.document.path} ({', '.join(sorted(now))} now, {then} then)")
    if changed:
        raise UsageError(
            f"In generation {opened.id} these documents are for other readers: "
            f"{'; '.join(changed)}. To serve it all the same, add --force."
        )


def _served(index: Path, pointer: Pointer | None) -> Generation | None:
    """Return what is served now; None where that is not known."""
    try:
        return open_generation(index) if pointer else None
    except NoUsableIndexError:
        return None


def _audiences(generation: Generation | None) -> dict[str, str]:
    """Return the audience of each document by path."""
    documents = generation.records.documents() if generation else []
    return {indexed.document.path: indexed.document.audience for indexed in documents}
