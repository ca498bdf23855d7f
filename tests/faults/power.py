"""What a disk would hold after a power cut: only what was synced to it is sure to be there."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path


class Disk:
    """Follows a folder, and writes what could be found in it if the power failed now.

    Two worst cases. ``nothing``: entries of a folder are there only as they were when the folder
    was last synced. ``names``: every renaming has reached the disk already. In both, a file has
    the content that it had when it was last synced, and is empty if it never was.
    """

    def __init__(self, root: Path, states: Path) -> None:
        self._root = root
        self._states = states
        self._contents: dict[int, bytes] = {}
        self._entries: dict[int, dict[str, tuple[int, bool]]] = {}
        self._held: list[int] = []  # open descriptors, so that no inode is given out twice
        self.count = 0
        for folder, _, files in os.walk(root):
            self._folder_synced(Path(folder))
            for name in files:
                self._file_synced(Path(folder, name))

    def follow(self, *, ignoring_syncs: bool = False) -> None:
        """Follow this process from now on, with every sync to disk left out if so asked."""
        fsync, rename, replace = os.fsync, os.rename, os.replace

        def followed(descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if not ignoring_syncs and path.is_relative_to(self._root):
                fsync(descriptor)
                (self._folder_synced if path.is_dir() else self._file_synced)(path)
                self.snapshot()

        os.fsync = followed  # type: ignore[assignment]
        os.rename = self._then_snapshot(rename)
        os.replace = self._then_snapshot(replace)

    def snapshot(self) -> None:
        """Write both worst cases of this moment as folders below ``states``."""
        for case in ("nothing", "names"):
            target = self._states / f"{self.count:04d}-{case}"
            self._restore(self._root.stat().st_ino, self._root, target, names=case == "names")
        self.count += 1

    def _then_snapshot(self, move: Callable[..., None]) -> Callable[..., None]:
        def moved(*arguments: object, **options: object) -> None:
            move(*arguments, **options)
            self.snapshot()

        return moved

    def _file_synced(self, path: Path) -> None:
        self._hold(path)
        self._contents[path.stat().st_ino] = path.read_bytes()

    def _folder_synced(self, path: Path) -> None:
        self._hold(path)
        self._entries[path.stat().st_ino] = _entries(path)

    def _hold(self, path: Path) -> None:
        self._held.append(os.open(path, os.O_RDONLY))

    def _restore(self, inode: int, now: Path | None, target: Path, *, names: bool) -> None:
        target.mkdir(parents=True)
        entries = _entries(now) if names and now else self._entries.get(inode, {})
        for name, (child, is_folder) in entries.items():
            if is_folder:
                below = now / name if now and (now / name).is_dir() else None
                self._restore(child, below, target / name, names=names)
            else:
                (target / name).write_bytes(self._contents.get(child, b""))


def _entries(folder: Path) -> dict[str, tuple[int, bool]]:
    found = {}
    for entry in os.scandir(folder):
        status = entry.stat()
        found[entry.name] = (status.st_ino, stat.S_ISDIR(status.st_mode))
    return found


def put_in_place(state: Path, index: Path) -> None:
    """Make a state that ``Disk`` wrote the index folder."""
    shutil.rmtree(index)
    shutil.copytree(state, index)
