"""Is a generation what its manifest says? Every checksum, every count."""

from __future__ import annotations

from pathlib import Path

from corpus.errors import NoUsableIndexError
from index.generations import Generation
from index.manifest import MANIFEST_FILE
from index.shards import Shard


def problems_of(folder: Path) -> list[str]:
    """Return what is wrong with the generation in a folder; empty where it is sound.

    Reads every byte of it, counts what is stored, and compares both with the manifest.
    """
    try:
        generation = Generation(folder)
    except NoUsableIndexError as error:
        return [str(error)]
    return [
        *(f"{folder / name} is in no manifest." for name in _unknown(generation)),
        *_wrong_total(generation),
        *(problem for shard in generation.shards for problem in _problems_of_shard(shard)),
    ]


def _problems_of_shard(shard: Shard) -> list[str]:
    return [
        *(f"{shard.records.path}: {problem}" for problem in shard.records.damage()),
        *_misplaced(shard),
        *_wrong_counts(shard),
    ]


def _unknown(generation: Generation) -> list[str]:
    known = {MANIFEST_FILE, *generation.manifest.files}
    known |= {shard.folder for shard in generation.manifest.shards.values()}
    there = (
        path.relative_to(generation.folder).as_posix() for path in generation.folder.rglob("*")
    )
    return sorted(name for name in there if name not in known)


def _wrong_total(generation: Generation) -> list[str]:
    return [
        f"{generation.folder}: {name} in the manifest: {generation.manifest.counts.get(name)}, but "
        f"its shards have {count}."
        for name, count in generation.counts.items()
        if generation.manifest.counts.get(name) != count
    ]


def _misplaced(shard: Shard) -> list[str]:
    """Return what lies in the shard and is for another audience than it is."""
    found = [(d.document.path, d.document.audience) for d in shard.records.documents()]
    found += [(file.path, file.audience) for file in shard.records.quarantined()]
    found += [(file.path, file.audience) for file in shard.records.duplicates()]
    return [
        f"{shard.folder}: {path} is for {audience}, but lies among what is for {shard.audience}."
        for path, audience in found
        if audience != shard.audience
    ]


def _wrong_counts(shard: Shard) -> list[str]:
    found = shard.records.counts()
    passages = sum(d.end - d.first for d in shard.records.documents())
    known, _ = shard.records.keyword_size()
    expected = [
        *((f"{name} in the manifest", shard.counts.get(name), n) for name, n in found.items()),
        ("passage vectors", shard.passages.size, found["passages"]),
        ("sentence vectors", len(shard.sentences), found["sentences"]),
        ("passages of documents", passages, found["passages"]),
        ("passages in the keyword search", known, found["passages"]),
    ]
    if shard.tokens:
        expected.append(("passages with tokens", shard.tokens.passages, found["passages"]))
    return [
        f"{shard.folder}: {what}: {n}, but {stored} are stored."
        for what, n, stored in expected
        if n != stored
    ]
