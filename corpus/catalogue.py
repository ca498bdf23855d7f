"""``catalogue.toml``: what staff say about the documents beside it."""

from __future__ import annotations

import datetime
import re
import tomllib
import unicodedata
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from corpus.errors import UsageError
from corpus.languages import is_language_tag, meant_tag
from corpus.settings import DEFAULT_AUDIENCE

CATALOGUE_FILE = "catalogue.toml"
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class CatalogueEntry:
    """One ``[[document]]`` table: the file it names and what is known of it.

    Every field but ``path`` may be missing; the document itself then decides, and the setting
    ``default_audience`` for whom it is. ``path`` is in the composed form of Unicode (NFC).
    """

    path: str
    id: str | None = None
    title: str | None = None
    number: str | None = None
    edition: str | None = None
    type: str | None = None
    published: str | None = None
    language: str | None = None
    audience: str | None = None
    url: str | None = None
    sources: tuple[str, ...] = ()
    supersedes: str | None = None
    translation_of: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """The entries by path; empty where the corpus has no catalogue file.

    A document without an audience of its own is for ``default_audience``.
    """

    entries: dict[str, CatalogueEntry] = field(default_factory=dict)
    exists: bool = False
    default_audience: str = DEFAULT_AUDIENCE

    def entry(self, path: str) -> CatalogueEntry:
        """Return the entry for a path, or one that only knows the path."""
        return self.entries.get(path) or CatalogueEntry(path)

    def audience(self, path: str) -> str:
        """Return for whom the document at a path is."""
        return self.entry(path).audience or self.default_audience


def composed(path: str) -> str:
    """Return a path in the composed form of Unicode, in which file names are compared.

    Some systems write an ``é`` as two characters, which a catalogue seldom does.
    """
    return unicodedata.normalize("NFC", path)


def read_catalogue(corpus: Path, default_audience: str = DEFAULT_AUDIENCE) -> Catalogue:
    """Read ``catalogue.toml`` in the corpus folder.

    Raises UsageError, naming the file and the entry, for invalid TOML, an unknown key, a
    value of the wrong kind, a language that is none, or a path or id that is given twice.
    """
    file = corpus / CATALOGUE_FILE
    if not file.is_file():
        return Catalogue(default_audience=default_audience)
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML ({error}). Correct the file.") from error
    rows = tables.pop("document", [])
    if tables or not isinstance(rows, list):
        raise UsageError(f"{file} may hold [[document]] tables only, not {sorted(tables)}.")
    entries = [_entry(row, f"{file}, entry {n}") for n, row in enumerate(rows, 1)]
    _refuse_twice([entry.path for entry in entries], "path", file)
    _refuse_twice([entry.id for entry in entries if entry.id], "id", file)
    return Catalogue({entry.path: entry for entry in entries}, True, default_audience)


def _entry(row: dict[str, Any], where: str) -> CatalogueEntry:
    known = [f.name for f in fields(CatalogueEntry)]
    unknown = sorted(set(row) - set(known))
    if unknown:
        raise UsageError(f"{where}: unknown key {unknown[0]!r}. Known: {', '.join(known)}.")
    if "path" not in row:
        raise UsageError(f'{where}: no path. Add path = "FILE", relative to the corpus folder.')
    values = {key: _value(key, value, where) for key, value in row.items()}
    if values.get("id") and not _ID.fullmatch(values["id"]):
        raise UsageError(f"{where}: an id may hold letters, digits, '.', '_' and '-' only.")
    return CatalogueEntry(**values)


def _value(key: str, value: Any, where: str) -> Any:
    if isinstance(value, datetime.date):
        value = value.isoformat()
    if key == "published" and isinstance(value, int):
        value = str(value)  # a year, as people write it
    if key == "sources":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{where}: sources must be a list of texts.")
        return tuple(value)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} must be text, in quotes, and not empty.")
    if key == "path":
        return composed(value)
    if key == "published" and not _DATE.fullmatch(value):
        raise UsageError(f"{where}: published must be a date such as 2025-07-11, 2025-07 or 2025.")
    if key == "language" and not is_language_tag(value):
        meant = meant_tag(value)
        advice = f"Write {meant!r}" if meant else "Write one such as 'en', 'fr' or 'pt-BR'"
        raise UsageError(
            f"{where}: {value!r} is not a language tag (BCP 47). {advice}, or leave the key out: "
            "the document's own text then decides."
        )
    return value


def _refuse_twice(values: list[str], name: str, file: Path) -> None:
    for value in values:
        if values.count(value) > 1:
            raise UsageError(f"{file}: the {name} {value!r} is given twice. Keep one entry.")
