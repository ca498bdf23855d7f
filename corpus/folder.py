"""The corpus folder: which files it holds and what each contains, by hash."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from corpus.catalogue import CATALOGUE_FILE, Catalogue, composed
from corpus.errors import UsageError

# Files that stand beside documents and are none themselves.
_NOT_DOCUMENTS = {CATALOGUE_FILE, "golden.jsonl", "README.md", "README"}


@dataclass(frozen=True)
class CorpusFile:
    """A file of the corpus: its document id, path, content hash, and for whom it is.

    ``path`` is relative to the folder, in the composed form of Unicode; ``file`` is where the
    system has it.
    """

    document_id: str
    path: str
    sha256: str
    audience: str
    file: Path


def corpus_files(corpus: Path, catalogue: Catalogue) -> list[CorpusFile]:
    """List the documents of a folder and its sub-folders, sorted by path.

    Hidden files and links that lead out of the folder are passed over, and so are
    ``catalogue.toml``, ``golden.jsonl`` and a README at the top. Raises UsageError when the
    folder is missing, when two documents would have one id or one path, or when the catalogue
    names an original that is not there.
    """
    if not corpus.is_dir():
        raise UsageError(
            f"There is no corpus folder {corpus}. Create it and put documents in it, "
            "or name another with --corpus DIR."
        )
    files = _document_files(corpus)
    ids = _document_ids(sorted(files), catalogue)
    known = _known_ids(catalogue, ids)
    for path in sorted(files.keys() & catalogue.entries.keys()):
        original = catalogue.entry(path).translation_of
        if original and (original not in known or original == ids[path]):
            raise _no_original(path, original, ids, corpus / CATALOGUE_FILE)
    return [
        CorpusFile(ids[path], path, file_sha256(file), catalogue.audience(path), file)
        for path, file in sorted(files.items())
    ]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _document_files(corpus: Path) -> dict[str, Path]:
    root = corpus.resolve()
    found: dict[str, Path] = {}
    for file in corpus.rglob("*"):
        relative = file.relative_to(corpus)
        hidden = any(part.startswith((".", "~$")) for part in relative.parts)
        if hidden or str(relative) in _NOT_DOCUMENTS or not file.is_file():
            continue
        if not file.resolve().is_relative_to(root):
            continue
        path = composed(relative.as_posix())
        if path in found:
            raise UsageError(
                f"{corpus / path} is there twice: the two names differ only in how their letters "
                "are encoded. Rename one."
            )
        found[path] = file
    return found


def _document_ids(paths: list[str], catalogue: Catalogue) -> dict[str, str]:
    """Give each path a readable id; two names that would share one keep their ending.

    Only names for the same audience are compared, so that no id tells of a document that its
    readers may not see.
    """
    short = {path: (catalogue.audience(path), _short_id(path)) for path in paths}
    count = Counter(short.values())
    ids = {path: s[1] if count[s] == 1 else _slug(path) for path, s in short.items()}
    ids |= {path: given for path in paths if (given := catalogue.entry(path).id)}
    twice = [name for name, n in Counter(ids.values()).items() if n > 1]
    if twice:
        same = sorted(path for path, name in ids.items() if name == twice[0])
        raise UsageError(
            f"{' and '.join(same)} would share the document id {twice[0]!r}. "
            f"Rename one, or give it an id in {CATALOGUE_FILE}."
        )
    return ids


def _no_original(path: str, original: str, ids: dict[str, str], file: Path) -> UsageError:
    """Return the error for a translation of itself, or of what is no document of the corpus.

    A document that the catalogue does not name may have translations; it goes by its own id. One
    that the catalogue names may be gone.
    """
    where = f"{file}, entry {path!r}: translation_of = {original!r}"
    if original in {ids[path], path}:
        return UsageError(f"{where} names the document itself. Write the original's id.")
    if original in ids:
        return UsageError(f"{where} is a path. Write the id of that document, {ids[original]!r}.")
    return UsageError(
        f"{where} is no document of this corpus. Write the id of the original, or remove the key."
    )


def _known_ids(catalogue: Catalogue, ids: dict[str, str]) -> set[str]:
    """Return the ids of all documents, and of those in the catalogue whose file is gone."""
    gone = {path: entry for path, entry in catalogue.entries.items() if path not in ids}
    known = {*ids.values(), *(entry.id for entry in gone.values() if entry.id)}
    return known | {name for path in gone for name in (_short_id(path), _slug(path))}


def _short_id(path: str) -> str:
    return _slug(str(PurePosixPath(path).with_suffix("")))


def _slug(path: str) -> str:
    text = unicodedata.normalize("NFKC", path).casefold()
    return re.sub(r"[^\w.]+", "-", text).strip("-") or "document"
