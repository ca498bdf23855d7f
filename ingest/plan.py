"""What a sync has to do: the folder compared with the published generation."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from corpus.catalogue import CATALOGUE_FILE, Catalogue, CatalogueEntry, read_catalogue
from corpus.documents import Document
from corpus.folder import CorpusFile, corpus_files
from corpus.settings import DEFAULT_AUDIENCE
from index.generations import Generation
from index.records import Duplicate, IndexedDocument, Quarantined
from ingest.formats import FORMATS
from ingest.passages import CHUNKING

_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Moved:
    """A document that was published under the path ``origin`` and now lies at ``path``."""

    path: str
    origin: str


@dataclass(frozen=True)
class AudienceChange:
    """A published document that other readers may see from now on."""

    path: str
    before: str
    now: str


@dataclass(frozen=True)
class Plan:
    """The files to index and how they differ from what is published.

    ``added``, ``changed``, ``removed`` and ``described`` (the same content, another catalogue
    entry) are paths; ``missing`` are those that the catalogue names and the folder does not have.
    ``duplicates`` have the content of another file for the same audience, and are not indexed.
    ``defaulted`` counts the files of ``total`` that name no audience.
    ``audiences`` has those whose readers change. ``known`` has the published document with the
    content of a file, which then need not be read.
    ``digest`` stands for the whole corpus with its catalogue: an equal one means that there is
    nothing to do.
    """

    files: list[CorpusFile]
    catalogue: Catalogue
    digest: str
    added: list[str]
    changed: list[str]
    moved: list[Moved]
    removed: list[str]
    described: list[str]
    audiences: list[AudienceChange]
    duplicates: list[Duplicate]
    known: dict[str, IndexedDocument]
    quarantined: dict[str, Quarantined]
    missing: list[str]
    defaulted: int
    total: int

    @property
    def warnings(self) -> list[str]:
        """What staff should know of the catalogue, in words.

        A folder without a catalogue is for the public, unless a setting says otherwise.
        """
        found = [
            f"{CATALOGUE_FILE} names {path!r}, which is not in the folder. Add the file or remove "
            "its entry."
            for path in self.missing
        ]
        audience = self.catalogue.default_audience
        if self.defaulted and (self.catalogue.exists or audience != DEFAULT_AUDIENCE):
            found.append(
                f"{self.defaulted} of {self.total} files name no audience; they are indexed for "
                f'"{audience}" (setting default_audience).'
            )
        return found

    @property
    def uncatalogued(self) -> list[str]:
        """Files that the catalogue, where there is one, does not name."""
        if not self.catalogue.exists:
            return []
        return [f.path for f in self.files if f.path not in self.catalogue.entries]


def make_plan(
    corpus: Path,
    published: Generation | None,
    default_audience: str = DEFAULT_AUDIENCE,
    *,
    retry: bool = False,
    anew: bool = False,
) -> Plan:
    """Compare a corpus folder with the published generation, open for all; reads no document.

    ``default_audience`` is for whom files are that name no audience. ``retry`` gives files that
    are quarantined another chance, ``anew`` has all files read.
    """
    catalogue = read_catalogue(corpus, default_audience)
    everything = corpus_files(corpus, catalogue)
    before = _Published.of(published)
    files, duplicates = _without_duplicates(everything, catalogue, before)
    paths = {file.path for file in everything}
    now = {file.path: file.sha256 for file in files}
    audience = {file.path: file.audience for file in files}
    moved = _moved(now, before, paths)
    targets, origins = {m.path for m in moved}, {m.origin for m in moved}
    known = {} if anew or not _by_the_same_rules(published) else _known(files, before)
    return Plan(
        files=files,
        catalogue=catalogue,
        digest=_digest(everything, catalogue),
        added=sorted(now.keys() - before.hashes.keys() - targets),
        changed=sorted(p for p in now.keys() & before.hashes.keys() if now[p] != before.hashes[p]),
        moved=moved,
        removed=sorted(before.hashes.keys() - paths - origins),
        described=_described(files, catalogue, before),
        audiences=_audiences(files, before, moved),
        duplicates=duplicates,
        known=known,
        quarantined={
            path: replace(file, audience=audience[path])
            for path, file in before.refused.items()
            if now.get(path) == file.sha256 and not (retry or anew)
        },
        missing=sorted(catalogue.entries.keys() - paths),
        defaulted=sum(catalogue.entry(path).audience is None for path in paths),
        total=len(paths),
    )


def described_document(
    file: CorpusFile, entry: CatalogueEntry, title: str, language: str, *, paged: bool
) -> Document:
    """Describe a document by its catalogue entry, and by itself where that is silent.

    ``title`` and ``language`` are what the file says itself; its name stands for a title that is
    empty.
    """
    return Document(
        id=file.document_id,
        title=entry.title or title or PurePosixPath(file.path).stem,
        path=file.path,
        sha256=file.sha256,
        language=entry.language or language,
        number=entry.number,
        edition=entry.edition,
        type=entry.type,
        published=entry.published,
        audience=file.audience,
        url=entry.url,
        sources=entry.sources,
        supersedes=entry.supersedes,
        translation_of=entry.translation_of,
        paged=paged,
    )


@dataclass(frozen=True)
class _Published:
    """What is published: documents and refused files by path, and the hashes of all files."""

    documents: dict[str, IndexedDocument]
    refused: dict[str, Quarantined]
    hashes: dict[str, str]

    @classmethod
    def of(cls, published: Generation | None) -> _Published:
        if published is None:
            return cls({}, {}, {})
        documents = {indexed.document.path: indexed for indexed in published.records.documents()}
        refused = {file.path: file for file in published.records.quarantined()}
        hashes = {path: indexed.document.sha256 for path, indexed in documents.items()}
        hashes |= {path: file.sha256 for path, file in refused.items()}
        hashes |= {file.path: file.sha256 for file in published.records.duplicates()}
        return cls(documents, refused, hashes)


def _precedence(
    file: CorpusFile, catalogue: Catalogue, before: _Published
) -> tuple[bool, bool, str]:
    published = before.documents.get(file.path)
    same = published is not None and (
        (published.document.sha256, published.document.audience) == (file.sha256, file.audience)
    )
    return file.path not in catalogue.entries, not same, file.path


def _without_duplicates(
    files: Iterable[CorpusFile], catalogue: Catalogue, before: _Published
) -> tuple[list[CorpusFile], list[Duplicate]]:
    """Part the files that have the content of another one from those that are indexed.

    Only files of the same format are compared: the same bytes under an ending that cannot
    be read are no document. One with a catalogue entry goes first, then one that is published,
    then the first by path. Files for different audiences are never compared: leaving one out would
    hide it from its readers, and reveal the other to them.
    """
    by_content: dict[tuple[str, str, str], list[CorpusFile]] = defaultdict(list)
    kept, duplicates = [], []
    for file in files:
        file_format = FORMATS.get(PurePosixPath(file.path).suffix.lower())
        if file_format is None or file.sha256 == _EMPTY:
            kept.append(file)  # to be quarantined, each with its reason
        else:
            by_content[file.sha256, file_format, file.audience].append(file)
    for (sha256, _, audience), group in by_content.items():
        first, *others = sorted(group, key=lambda f: _precedence(f, catalogue, before))
        kept.append(first)
        duplicates += [Duplicate(file.path, sha256, first.path, audience) for file in others]
    return sorted(kept, key=lambda f: f.path), sorted(duplicates, key=lambda d: d.path)


def _moved(now: Mapping[str, str], before: _Published, paths: set[str]) -> list[Moved]:
    """Pair new paths with published documents of the same content whose path is gone."""
    gone: dict[str, list[str]] = defaultdict(list)
    for path, indexed in sorted(before.documents.items(), reverse=True):
        if path not in paths:
            gone[indexed.document.sha256].append(path)
    new = sorted(now.keys() - before.documents.keys())
    return [Moved(path, gone[now[path]].pop()) for path in new if gone.get(now[path])]


def _known(files: Iterable[CorpusFile], before: _Published) -> dict[str, IndexedDocument]:
    by_content = {indexed.document.sha256: indexed for indexed in before.documents.values()}
    found = {}
    for file in files:
        same_place = before.documents.get(file.path)
        if same_place and same_place.document.sha256 == file.sha256:
            found[file.path] = same_place
        elif file.sha256 in by_content and _read_alike(file, by_content[file.sha256]):
            found[file.path] = by_content[file.sha256]
    return found


def _read_alike(file: CorpusFile, known: IndexedDocument) -> bool:
    """Tell whether both are of one format: the same bytes as text are not the same as Markdown."""
    endings = (PurePosixPath(path).suffix.lower() for path in (file.path, known.document.path))
    return len({FORMATS.get(ending) for ending in endings}) == 1


def _described(files: Iterable[CorpusFile], catalogue: Catalogue, before: _Published) -> list[str]:
    changed = []
    for file in files:
        published = before.documents.get(file.path)
        if published is None or published.document.sha256 != file.sha256:
            continue
        entry = catalogue.entry(file.path)
        now = described_document(
            file, entry, published.own_title, published.own_language, paged=published.document.paged
        )
        if now != published.document:
            changed.append(file.path)
    return changed


def _audiences(
    files: Iterable[CorpusFile], before: _Published, moved: Iterable[Moved]
) -> list[AudienceChange]:
    origins = {move.path: move.origin for move in moved}
    changes = []
    for file in files:
        published = before.documents.get(origins.get(file.path, file.path))
        if published and published.document.audience != file.audience:
            changes.append(AudienceChange(file.path, published.document.audience, file.audience))
    return changes


def _by_the_same_rules(published: Generation | None) -> bool:
    return published is not None and published.manifest.chunking == CHUNKING


def _digest(files: Iterable[CorpusFile], catalogue: Catalogue) -> str:
    content = [
        sorted((file.path, file.sha256, file.audience) for file in files),
        [asdict(entry) for _, entry in sorted(catalogue.entries.items())],
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
