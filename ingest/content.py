"""From the files of a plan to the records of a new generation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from corpus.documents import Document
from corpus.errors import AssistantError, UnreadableDocumentError
from corpus.folder import CorpusFile, file_sha256
from index.generations import Generation
from index.language import detect_language
from index.records import DocumentContent, IndexedDocument, Quarantined
from index.records_writer import RecordsWriter
from ingest.passages import (
    cut_passages,
    digest,
    embedded_sentence,
    embedded_text,
    first_heading,
    of_document,
    stored_pages,
)
from ingest.plan import Plan, described_document
from ingest.reader_pool import ReaderPool
from ingest.reading import Reading
from ingest.stages import Stages


@dataclass(frozen=True)
class Content:
    """The records of a new generation, closed, and the files that could not be read."""

    records: RecordsWriter
    quarantined: list[Quarantined]


def write_content(
    path: Path, corpus: Path, plan: Plan, former: Generation | None, stages: Stages
) -> Content:
    """Write documents, pages, passages and sentences to ``path``, in the order of their paths.

    Known content is copied from the former generation, the rest is read, some files at a time.
    Raises AssistantError for a file that changes meanwhile.
    """
    copied = former.records if former and former.records.has_terms() else None
    stages.begin("read", len(plan.files))
    with (
        RecordsWriter(path, copied, embedded_text, embedded_sentence, digest) as records,
        ReaderPool() as pool,
    ):
        content = Content(records, [])
        readings = pool.read_all([corpus / f.path for f in plan.files if _must_be_read(f, plan)])
        for file in plan.files:
            known = _known(file, plan)
            if file.path in plan.quarantined:
                _quarantine(content, plan.quarantined[file.path])
            elif known is None or former is None:
                _add_read(content, corpus, file, plan, next(readings))
            elif copied and known.document.id == file.document_id:
                records.carry_over(_described(file, plan, known), known)
            else:
                again = _renamed(former.records.content(known), file.document_id)
                records.add_document(_described(file, plan, known), again)
            stages.advance(1)
        for duplicate in plan.duplicates:
            records.add_duplicate(duplicate.path, duplicate.sha256, duplicate.of)
    stages.done("read", len(plan.files))
    return content


def _known(file: CorpusFile, plan: Plan) -> IndexedDocument | None:
    """Return the published document with this content, unless the file must be read again.

    Sentences follow from the language that the catalogue gives.
    """
    known = plan.known.get(file.path)
    if known is None:
        return None
    language = plan.catalogue.entry(file.path).language or known.own_language
    return known if known.document.language == language else None


def _must_be_read(file: CorpusFile, plan: Plan) -> bool:
    return file.path not in plan.quarantined and _known(file, plan) is None


def _described(file: CorpusFile, plan: Plan, known: IndexedDocument) -> Document:
    entry = plan.catalogue.entry(file.path)
    paged = known.document.paged
    return described_document(file, entry, known.own_title, known.own_language, paged=paged)


def _quarantine(content: Content, file: Quarantined) -> None:
    content.records.add_quarantined(file)
    content.quarantined.append(file)


def _add_read(
    content: Content,
    corpus: Path,
    file: CorpusFile,
    plan: Plan,
    reading: Reading | UnreadableDocumentError,
) -> None:
    if file_sha256(corpus / file.path) != file.sha256:
        raise AssistantError(f"{file.path} changed while it was read. Run the command again.")
    if isinstance(reading, UnreadableDocumentError):
        _quarantine(content, Quarantined(file.path, file.sha256, str(reading)))
        return
    entry = plan.catalogue.entry(file.path)
    pages = stored_pages(file.document_id, reading)
    language = detect_language("\n".join(page.text for page in pages))
    passages = cut_passages(file.document_id, reading, entry.language or language)
    title = first_heading(reading)
    document = described_document(file, entry, title, language, paged=reading.paged)
    content.records.add_document(
        document, DocumentContent(title, language, reading.paged, pages, passages)
    )


def _renamed(content: DocumentContent, document_id: str) -> DocumentContent:
    """Return the same content under another document id, as when its file was moved."""
    return replace(
        content,
        pages=[replace(page, document_id=document_id) for page in content.pages],
        passages=[of_document(passage, document_id) for passage in content.passages],
    )
