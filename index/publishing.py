"""Writing generations: built aside, moved into place, published, rolled back, pruned.

All of it is for the holder of the writer lock only.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from corpus.errors import DamagedIndexError, UsageError
from index.dense import Vectors
from index.generations import Generation, generation_folder, generation_ids
from index.lock import Pin
from index.manifest import MANIFEST_FILE
from index.pointer import Pointer, read_pointer, sync_to_disk, write_pointer
from index.verification import problems_of

_BUILDING = "building"
_PRUNED = "pruned-"


@contextmanager
def building_folder(index: Path) -> Iterator[Path]:
    """Give an empty folder to build in; what is left of it afterwards is removed.

    What a killed writer left behind is removed first.
    """
    for left in (index / _BUILDING, *index.glob(f"{_PRUNED}*")):
        shutil.rmtree(left, ignore_errors=True)
    folder = index / _BUILDING
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def next_generation_id(index: Path, digest: str) -> str:
    """Return an id that sorts after all others and ends in the start of a content digest."""
    pointer = known_pointer(index)
    known = [*generation_ids(index), *((pointer.generation, *pointer.history) if pointer else ())]
    numbers = [int(name.split("-")[0]) for name in known]
    return f"{max(numbers, default=0) + 1:06d}-{digest[:8]}"


def write_sentence_vectors(path: Path, blocks: Iterable[Vectors], shape: tuple[int, int]) -> None:
    """Write blocks of sentence vectors, (rows, dimension) together, as float16 in NumPy's format.

    Sentence vectors re-rank few candidates, so the half will do. They are written rather than
    mapped: on a full disk a mapped page would end the process instead of failing.
    """
    header = {"descr": np.dtype(np.float16).str, "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=np.float16).data)


def settle(index: Path, building: Path, generation: str) -> Path:
    """Move a complete folder among the generations, where it is found but not yet published.

    Everything in it is on disk before it moves. Returns its new place.
    """
    for file in building.rglob("*"):
        sync_to_disk(file)
    sync_to_disk(building)
    target = generation_folder(index, generation)
    if not target.parent.exists():
        target.parent.mkdir()
        sync_to_disk(index)
    building.rename(target)
    sync_to_disk(target.parent)
    return target


def publish(index: Path, generation: Generation) -> None:
    """Make a settled generation the published one, in one atomic step.

    After a crash at any moment a reader finds either the previous generation or this one.
    """
    before = known_pointer(index)
    earlier = [before.generation, *before.history] if before else []
    kept = set(generation_ids(index)) - {generation.id}
    documents = (indexed.document for indexed in generation.records.documents())
    write_pointer(
        index,
        Pointer(
            generation.id,
            tuple(name for name in dict.fromkeys(earlier) if name in kept),
            tuple(sorted({(d.sha256, d.audience) for d in documents})),
        ),
    )


def prune(index: Path, keep: int) -> tuple[list[str], list[str]]:
    """Remove damaged generations, and all but the ``keep`` newest sound ones.

    The published one always stays, and counts among those.

    Returns the ids that were removed, and those that a reader has open and that therefore stay.
    Raises UsageError for ``keep`` under 1.
    """
    if keep < 1:
        raise UsageError("--keep must be at least 1: the published generation stays.")
    pointer = read_pointer(index)
    published = pointer.generation if pointer else None
    others = [name for name in generation_ids(index) if name != published]
    damaged = [name for name in others if problems_of(generation_folder(index, name))]
    sound = [name for name in others if name not in damaged]
    removed: list[str] = []
    in_use: list[str] = []
    for name in sorted([*damaged, *sound[: max(len(sound) - (keep - 1), 0)]]):
        (removed if _remove(index, name) else in_use).append(name)
    return removed, in_use


def _remove(index: Path, generation: str) -> bool:
    """Remove a generation unless a reader has it; renamed first, it is never half there."""
    folder = generation_folder(index, generation)
    pin = None
    try:
        pin = Pin(folder / MANIFEST_FILE, alone=True)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        pass  # without a manifest nobody can have it open
    gone = index / f"{_PRUNED}{generation}"
    folder.rename(gone)
    sync_to_disk(folder.parent)
    if pin is not None:
        pin.release()
    shutil.rmtree(gone, ignore_errors=True)
    return True


def known_pointer(index: Path) -> Pointer | None:
    """Return the pointer; a damaged one, which is about to be replaced, counts as none."""
    try:
        return read_pointer(index)
    except DamagedIndexError:
        return None
