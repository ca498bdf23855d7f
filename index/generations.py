"""Generations: immutable builds of the index, of which exactly one is published.

::

    INDEX/CURRENT                    id of the published generation
    INDEX/generations/ID/            manifest.json and the files that it lists
    INDEX/building/                  the one being built; worthless unless its builder lives
    INDEX/lock                       held by the one writer
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import IndexLockedError, NoUsableIndexError
from index.analysis import ANALYSIS
from index.dense import DENSE_STORES, Rows, Vectors
from index.manifest import Manifest, read_manifest
from index.records import Records

RECORDS_FILE = "records.sqlite"
PASSAGE_VECTORS_FILE = "passages.vectors"
SENTENCE_VECTORS_FILE = "sentences.npy"
_CURRENT = "CURRENT"
_LOCK = "lock"
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, process


class Generation:
    """One generation, open for reading; the files stay those that were opened."""

    def __init__(self, folder: Path) -> None:
        self.manifest: Manifest = read_manifest(folder)
        if self.manifest.analysis != ANALYSIS:
            raise NoUsableIndexError(
                f"The index generation {folder} was built with other keyword rules "
                f"({self.manifest.analysis}). Build it anew: python -m ingest sync --force"
            )
        self._check_sizes(folder)
        self.records = Records(folder / RECORDS_FILE)
        kind = DENSE_STORES[self.manifest.dense_store]()
        dimension = self.manifest.embedder.dimension
        self.passages = kind.open(folder / PASSAGE_VECTORS_FILE, dimension)
        self._sentences = _open_sentences(folder / SENTENCE_VECTORS_FILE)

    @property
    def id(self) -> str:
        """The generation's id, as in the manifest."""
        return self.manifest.generation

    def sentence_vectors(self, rows: Rows) -> Vectors:
        """Return the vectors of these sentence rows, shape (len(rows), dimension), float32."""
        return np.asarray(self._sentences[rows], dtype=np.float32)

    def _check_sizes(self, folder: Path) -> None:
        for name, record in self.manifest.files.items():
            file = folder / name
            if not file.is_file() or file.stat().st_size != record.size:
                raise NoUsableIndexError(
                    f"{file} is missing or has another size than the manifest says. "
                    "Build the index anew: python -m ingest sync --force"
                )


def open_generation(index: Path, generation: str | None = None) -> Generation:
    """Open the published generation, or the one named.

    Raises NoUsableIndexError when there is none, naming the command that makes one.
    """
    wanted = generation or published_generation(index)
    if wanted is None:
        raise NoUsableIndexError(
            f"There is no index in {index}. Make one: "
            f"python -m ingest sync --corpus DIR --index {index}"
        )
    folder = generation_folder(index, wanted)
    if wanted not in generation_ids(index):
        known = ", ".join(generation_ids(index)) or "none"
        raise NoUsableIndexError(
            f"The index in {index} has no generation {wanted!r} (there: {known}). "
            "List them: python -m ingest status"
        )
    return Generation(folder)


def published_generation(index: Path) -> str | None:
    """Return the id of the published generation, or None when nothing is published."""
    try:
        return (index / _CURRENT).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def generation_ids(index: Path) -> list[str]:
    """Return the ids of all complete generations, oldest first."""
    return sorted(path.name for path in (index / "generations").glob("*") if path.is_dir())


def next_generation_id(index: Path, digest: str) -> str:
    """Return an id that sorts after all others and ends in the start of a content digest."""
    numbers = [int(name.split("-")[0]) for name in generation_ids(index)]
    return f"{max(numbers, default=0) + 1:06d}-{digest[:8]}"


@contextmanager
def writer_lock(index: Path) -> Iterator[None]:
    """Hold the index as its one writer; the kernel frees it when the process ends.

    A POSIX record lock: child processes do not inherit it, so that one which outlives its
    parent cannot keep the index held. Raises IndexLockedError when another process has it.
    """
    index.mkdir(parents=True, exist_ok=True)
    with (index / _LOCK).open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EAGAIN}:
                raise
            raise IndexLockedError(
                f"Process {lock_holder(index)} is writing the index in {index}. "
                "Wait until it is done, or stop it."
            ) from error
        yield


def lock_holder(index: Path) -> int | None:
    """Return the process id of the writer that holds the index now, or None."""
    try:
        with (index / _LOCK).open("rb") as file:
            asked = struct.pack(_FLOCK, fcntl.F_RDLCK, 0, 0, 0, 0)
            answer = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return None
    return None if answer[0] == fcntl.F_UNLCK else int(answer[4])


@contextmanager
def building_folder(index: Path) -> Iterator[Path]:
    """Give an empty folder to build in; what is left of it afterwards is removed.

    For the holder of the writer lock only.
    """
    folder = index / "building"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_sentence_vectors(path: Path, vectors: Vectors) -> None:
    """Write sentence vectors as float16: they re-rank few candidates, so the half will do."""
    np.save(path, vectors.astype(np.float16), allow_pickle=False)


def publish(index: Path, building: Path, generation: str) -> None:
    """Make a complete folder the published generation, in one atomic step.

    Everything is on disk before the pointer moves: after a crash at any moment a reader
    finds either the former generation or this one.
    """
    for file in building.iterdir():
        _sync_to_disk(file)
    _sync_to_disk(building)
    target = generation_folder(index, generation)
    target.parent.mkdir(exist_ok=True)
    building.rename(target)
    _sync_to_disk(target.parent)
    pointer = index / f"{_CURRENT}.new"
    pointer.write_text(generation + "\n", encoding="utf-8")
    _sync_to_disk(pointer)
    pointer.replace(index / _CURRENT)
    _sync_to_disk(index)


def generation_folder(index: Path, generation: str) -> Path:
    """Return the folder of a generation, whether it exists or not."""
    return index / "generations" / generation


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_sentences(path: Path) -> NDArray[np.float16]:
    try:
        vectors: NDArray[np.float16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise NoUsableIndexError(
            f"{path} is missing or damaged ({error}). "
            "Build the index anew: python -m ingest sync --force"
        ) from error
    return vectors
