"""Are the files of a generation those that its manifest names?"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus.errors import DamagedIndexError
from corpus.folder import file_sha256
from index.manifest import Manifest
from index.shards import opened


def check_files(folder: Path, manifest: Manifest, audiences: Collection[str] | None = None) -> None:
    """Compare the files for these audiences with sizes and checksums in the manifest.

    None means all. Raises DamagedIndexError, naming the file.
    """
    shards = {manifest.shards[name].folder for name in opened(manifest, audiences)}
    records = {
        name: record
        for name, record in manifest.files.items()
        if "/" not in name or name.split("/")[0] in shards
    }
    for name, record in records.items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != record.size:
            raise DamagedIndexError(
                f"{file} is missing or has another size than the manifest says."
            )
    names = sorted(records, key=lambda name: -records[name].size)
    with ThreadPoolExecutor(max_workers=2) as pool:  # hashing leaves the interpreter's lock
        found = pool.map(lambda name: file_sha256(folder / name), names)
    for name, sha256 in zip(names, found, strict=True):
        if sha256 != records[name].sha256:
            raise DamagedIndexError(f"{folder / name} is damaged: its checksum does not fit.")
