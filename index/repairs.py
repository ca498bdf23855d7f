"""The commands that messages name, with the index that they are about."""

from __future__ import annotations

from pathlib import Path


def sync_command(index: Path, *, force: bool = False) -> str:
    """Return the command that brings an index in line with its corpus; ``force``: from scratch."""
    return f"python -m ingest sync --corpus DIR --index {index}{' --force' if force else ''}"


def index_command(words: str, index: Path) -> str:
    """Return another command of ``python -m ingest`` for an index, such as ``status``."""
    return f"python -m ingest {words} --index {index}"
