"""The pointer to the published generation, and what it allows to be shown.

``INDEX/CURRENT`` names the published generation. Beside its name it holds the content and the
audience of every document that is published, so that an earlier generation, which is served
while the newest is damaged, shows nothing that was removed or withdrawn since. ``CURRENT.copy`` has
the same content, for the case that ``CURRENT`` itself is damaged.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.errors import DamagedIndexError
from index.repairs import index_command, sync_command
from index.sealed import seal, unseal

POINTER_FILE = "CURRENT"
COPY_FILE = "CURRENT.copy"
# A document may be shown where its content and its audience are these.
Permitted = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Pointer:
    """The published generation, and those that were published before it, latest first.

    ``documents`` has the (SHA-256, audience) of all that is published.
    """

    generation: str
    history: tuple[str, ...] = ()
    documents: tuple[tuple[str, str], ...] = ()

    @property
    def permitted(self) -> Permitted:
        """What may be shown at all."""
        return frozenset(self.documents)


def read_pointer(index: Path) -> Pointer | None:
    """Read the pointer, or its copy where it is damaged; None when nothing was ever published.

    Raises DamagedIndexError when neither can be read.
    """
    problems = []
    for name in (POINTER_FILE, COPY_FILE):
        try:
            return _parsed((index / name).read_bytes(), index / name)
        except FileNotFoundError:
            continue
        except DamagedIndexError as error:
            problems.append(str(error))
    if problems:
        raise DamagedIndexError(
            f"{' '.join(problems)} Name the generation to serve: "
            f"{index_command('rollback GENERATION', index)}; these are there: "
            f"{', '.join(sorted(path.name for path in (index / 'generations').glob('*')))}. "
            f"An index of an older version must be rebuilt: {sync_command(index, force=True)}"
        )
    return None


def damaged_pointers(index: Path) -> list[str]:
    """Return what is wrong with the pointer and its copy; empty where both are whole."""
    problems = []
    for name in (POINTER_FILE, COPY_FILE):
        try:
            _parsed((index / name).read_bytes(), index / name)
        except FileNotFoundError:
            if name == POINTER_FILE:
                problems.append(f"{index / name} is missing.")
        except DamagedIndexError as error:
            problems.append(str(error))
    return problems


def write_pointer(index: Path, pointer: Pointer) -> None:
    """Publish what the pointer names, in one atomic step: the last rename.

    The copy goes first. A crash between the two leaves the previous pointer in force.
    """
    content = seal(
        {
            **asdict(pointer),
            "history": list(pointer.history),
            "documents": [list(pair) for pair in pointer.documents],
        }
    )
    for name in (COPY_FILE, POINTER_FILE):
        new = index / f"{name}.new"
        new.write_bytes(content)
        sync_to_disk(new)
        new.replace(index / name)
        sync_to_disk(index)


def sync_to_disk(path: Path) -> None:
    """Return when a file, or the entries of a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parsed(data: bytes, file: Path) -> Pointer:
    values = unseal(data, str(file))
    try:
        return Pointer(
            str(values["generation"]),
            tuple(map(str, values["history"])),
            tuple((str(sha256), str(audience)) for sha256, audience in values["documents"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndexError(f"{file} is damaged ({error}).") from error
