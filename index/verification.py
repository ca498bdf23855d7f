"""Is a generation what its manifest says? Every checksum, every count."""

from __future__ import annotations

from pathlib import Path

from corpus.errors import NoUsableIndexError
from index.generations import Generation
from index.manifest import MANIFEST_FILE


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
        *(f"{generation.records.path}: {problem}" for problem in generation.records.damage()),
        *_wrong_counts(generation),
    ]


def _unknown(generation: Generation) -> list[str]:
    known = {MANIFEST_FILE, *generation.manifest.files}
    return sorted(file.name for file in generation.folder.iterdir() if file.name not in known)


def _wrong_counts(generation: Generation) -> list[str]:
    found = generation.records.counts()
    counted = generation.manifest.counts
    passages = sum(one.end - one.first for one in generation.records.documents())
    expected = [
        *((f"{name} in the manifest", counted.get(name), n) for name, n in found.items()),
        ("passage vectors", generation.passages.size, found["passages"]),
        ("sentence vectors", len(generation.sentences), found["sentences"]),
        ("passages of documents", passages, found["passages"]),
    ]
    if generation.tokens:
        expected.append(("passages with tokens", generation.tokens.passages, found["passages"]))
    return [
        f"{generation.folder}: {what}: {n}, but {stored} are stored."
        for what, n, stored in expected
        if n != stored
    ]
