"""The corpus folder: which files it holds and what each contains, by hash."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from corpus.catalogue import CATALOGUE_FILE, Catalogue, CatalogueEntry
from corpus.errors import UsageError

# Files that stand beside documents and are none themselves.
_NOT_DOCUMENTS = {CATALOGUE_FILE, "golden.jsonl", "README.md", "README"}


@dataclass(frozen=True)
class CorpusFile:
    """A file of the corpus: its document id, path relative to the folder, and content hash."""

    document_id: str
    path: str
    sha256: str


def corpus_files(corpus: Path, catalogue: Catalogue) -> list[CorpusFile]:
    """List the documents of a folder and its sub-folders, sorted by path.

    Hidden files and links that lead out of the folder are passed over, and so are
    ``catalogue.toml``, ``golden.jsonl`` and a README at the top. Raises UsageError when the
    folder is missing, or when the catalogue names a file or an original that is not there.
    """
    if not corpus.is_dir():
        raise UsageError(
            f"There is no corpus folder {corpus}. Create it and put documents in it, "
            "or name another with --corpus DIR."
        )
    paths = sorted(_document_paths(corpus))
    missing = sorted(set(catalogue.entries) - set(paths))
    if missing:
        raise UsageError(
            f"{corpus / CATALOGUE_FILE} names {missing[0]!r}, which is not in the folder. "
            "Add the file or remove its entry."
        )
    ids = _document_ids(paths, catalogue)
    for entry in catalogue.entries.values():
        _refuse_no_original(entry, ids, corpus / CATALOGUE_FILE)
    return [CorpusFile(ids[path], path, file_sha256(corpus / path)) for path in paths]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _document_paths(corpus: Path) -> list[str]:
    root = corpus.resolve()
    found = []
    for file in corpus.rglob("*"):
        relative = file.relative_to(corpus)
        hidden = any(part.startswith((".", "~$")) for part in relative.parts)
        if hidden or str(relative) in _NOT_DOCUMENTS or not file.is_file():
            continue
        if file.resolve().is_relative_to(root):
            found.append(relative.as_posix())
    return found


def _document_ids(paths: list[str], catalogue: Catalogue) -> dict[str, str]:
    """Give each path a readable id; two names that would share one keep their ending."""
    short = {path: _slug(str(PurePosixPath(path).with_suffix(""))) for path in paths}
    count = Counter(short.values())
    ids = {path: s if count[s] == 1 else _slug(path) for path, s in short.items()}
    ids |= {path: entry.id for path, entry in catalogue.entries.items() if entry.id}
    twice = [name for name, n in Counter(ids.values()).items() if n > 1]
    if twice:
        same = sorted(path for path, name in ids.items() if name == twice[0])
        raise UsageError(
            f"{' and '.join(same)} would share the document id {twice[0]!r}. "
            f"Rename one, or give it an id in {CATALOGUE_FILE}."
        )
    return ids


def _refuse_no_original(entry: CatalogueEntry, ids: dict[str, str], file: Path) -> None:
    """Refuse a translation of itself, and of what is no document of the corpus.

    A document that the catalogue does not name may have translations; it goes by its own id.
    """
    original = entry.translation_of
    if original is None or original in set(ids.values()) - {ids[entry.path]}:
        return
    where = f"{file}, entry {entry.path!r}: translation_of = {original!r}"
    if original in {ids[entry.path], entry.path}:
        raise UsageError(f"{where} names the document itself. Write the original's id.")
    if original in ids:
        raise UsageError(f"{where} is a path. Write the id of that document, {ids[original]!r}.")
    raise UsageError(
        f"{where} is no document of this corpus. Write the id of the original, or remove the key."
    )


def _slug(path: str) -> str:
    text = unicodedata.normalize("NFKC", path).casefold()
    return re.sub(r"[^\w.]+", "-", text).strip("-") or "document"
