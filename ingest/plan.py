"""What a sync has to do: the folder held against the published generation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.catalogue import Catalogue, read_catalogue
from corpus.folder import CorpusFile, corpus_files
from index.generations import Generation
from index.records import IndexedDocument, Quarantined
from ingest.passages import CHUNKING


@dataclass(frozen=True)
class Plan:
    """The files of the corpus and how they differ from what is published.

    ``added``, ``changed`` and ``removed`` are paths. ``unchanged`` files were read before,
    by the same rules, and need not be read again. ``digest`` stands for the whole corpus
    with its catalogue: an equal one means that there is nothing to do.
    """

    files: list[CorpusFile]
    catalogue: Catalogue
    digest: str
    added: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: dict[str, IndexedDocument]
    quarantined: dict[str, Quarantined]

    @property
    def uncatalogued(self) -> list[str]:
        """Files that the catalogue, where there is one, does not name."""
        if not self.catalogue.exists:
            return []
        return [f.path for f in self.files if f.path not in self.catalogue.entries]


def make_plan(corpus: Path, published: Generation | None) -> Plan:
    """Compare a corpus folder with the published generation; reads no document."""
    catalogue = read_catalogue(corpus)
    files = corpus_files(corpus, catalogue)
    by_the_same_rules = published and published.manifest.chunking == CHUNKING
    documents = published.records.documents() if published else []
    before = {d.document.path: d.document.sha256 for d in documents}
    refused = {q.path: q for q in published.records.quarantined()} if published else {}
    before |= {path: q.sha256 for path, q in refused.items()}
    now = {file.path: file.sha256 for file in files}
    return Plan(
        files=files,
        catalogue=catalogue,
        digest=_digest(now, catalogue),
        added=sorted(now.keys() - before.keys()),
        changed=sorted(path for path in now.keys() & before.keys() if now[path] != before[path]),
        removed=sorted(before.keys() - now.keys()),
        unchanged={
            d.document.path: d
            for d in documents
            if by_the_same_rules and now.get(d.document.path) == d.document.sha256
        },
        quarantined={path: q for path, q in refused.items() if now.get(path) == q.sha256},
    )


def _digest(hashes: Mapping[str, str], catalogue: Catalogue) -> str:
    content = [sorted(hashes.items()), [asdict(e) for _, e in sorted(catalogue.entries.items())]]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
