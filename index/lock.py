"""Locks that the kernel holds for as long as a process lives: the writer's, and readers' pins."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import IndexLockedError

_LOCK = "lock"
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, process


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
            holder = lock_holder(index)
            raise IndexLockedError(
                f"{f'Process {holder}' if holder else 'Another process'} is writing the index "
                f"in {index}. Wait until it is done, or stop it."
            ) from error
        yield


def lock_holder(index: Path) -> int | None:
    """Return the process id of the writer that holds the index now, or None.

    Not for the holder itself: closing the file here would free its lock.
    """
    try:
        with (index / _LOCK).open("rb") as file:
            asked = struct.pack(_FLOCK, fcntl.F_RDLCK, 0, 0, 0, 0)
            answer = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return None
    return None if answer[0] == fcntl.F_UNLCK else int(answer[4])


class Pin:
    """A claim on a file, freed with this object: shared by readers, or held alone.

    Raises BlockingIOError while somebody else's claim excludes it, FileNotFoundError where there
    is no such file.
    """

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.release = weakref.finalize(self, os.close, descriptor)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise
