"""From the files of a plan to the records of a new generation."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.documents import Document
from corpus.errors import AssistantError, UnreadableDocumentError
from corpus.folder import CorpusFile, file_sha256
from index.generations import Generation
from index.language import detect_language
from index.records import DocumentContent, IndexedDocument, Quarantined
from index.records_writer import RecordsWriter
from index.shards import RECORDS_FILE, Shard, shard_folder
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
    """The records of a new generation's shards by audience, and the files that cannot be read."""

    records: dict[str, RecordsWriter]
    quarantined: list[Quarantined]


def shard_of(audience: str) -> str:
    """Return the audience in whose shard files for an audience are stored: nobody else's."""
    return audience


def write_content(folder: Path, plan: Plan, previous: Generation | None, stages: Stages) -> Content:
    """Write documents, pages, passages and sentences to shards in ``folder``, by path in each.

    Known content is copied from the previous generation, the rest is read, some files at a time.
    Raises AssistantError for a file that changes meanwhile.
    """
    stages.begin("read", len(plan.files))
    before = {shard.audience: shard for shard in previous.shards} if previous else {}
    content = Content({}, [])
    with ExitStack() as stack:
        for audience in sorted({shard_of(file.audience) for file in plan.files}):
            writer = _writer(folder, audience, before.get(audience))
            content.records[audience] = stack.enter_context(writer)
        pool = stack.enter_context(ReaderPool())
        readings = pool.read_all([f.file for f in plan.files if _must_be_read(f, plan)])
        for file in plan.files:
            known = _known(file, plan)
            if file.path in plan.quarantined:
                _quarantine(content, plan.quarantined[file.path])
            elif known is None or previous is None:
                _add_read(content, file, plan, next(readings))
            else:
                _add_known(content, file, plan, known, previous)
            stages.advance(1)
        for duplicate in plan.duplicates:
            content.records[shard_of(duplicate.audience)].add_duplicate(duplicate)
    stages.done("read", len(plan.files))
    return content


def _writer(folder: Path, audience: str, before: Shard | None) -> RecordsWriter:
    place = folder / shard_folder(audience)
    place.mkdir()
    copied = before.records if before else None
    return RecordsWriter(place / RECORDS_FILE, copied, embedded_text, embedded_sentence, digest)


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


def _add_known(
    content: Content, file: CorpusFile, plan: Plan, known: IndexedDocument, previous: Generation
) -> None:
    """Add a document that was indexed before; its rows are copied where it stays in its shard."""
    records = content.records[shard_of(file.audience)]
    document = _described(file, plan, known)
    if records.previous and known.document.id == file.document_id:
        same = records.previous.document(file.document_id)
        if same is not None:
            records.carry_over(document, same)
            return
    records.add_document(document, _renamed(previous.records.content(known), file.document_id))


def _quarantine(content: Content, file: Quarantined) -> None:
    content.records[shard_of(file.audience)].add_quarantined(file)
    content.quarantined.append(file)


def _add_read(
    content: Content, file: CorpusFile, plan: Plan, reading: Reading | UnreadableDocumentError
) -> None:
    if file_sha256(file.file) != file.sha256:
        raise AssistantError(f"{file.path} changed while it was read. Run the command again.")
    if isinstance(reading, UnreadableDocumentError):
        _quarantine(content, Quarantined(file.path, file.sha256, str(reading), file.audience))
        return
    entry = plan.catalogue.entry(file.path)
    pages = stored_pages(file.document_id, reading)
    language = detect_language("\n".join(page.text for page in pages))
    passages = cut_passages(file.document_id, reading, entry.language or language)
    title = first_heading(reading)
    document = described_document(file, entry, title, language, paged=reading.paged)
    content.records[shard_of(file.audience)].add_document(
        document, DocumentContent(title, language, reading.paged, pages, passages)
    )


def _renamed(content: DocumentContent, document_id: str) -> DocumentContent:
    """Return the same content under another document id, as when its file was moved."""
    return replace(
        content,
        pages=[replace(page, document_id=document_id) for page in content.pages],
        passages=[of_document(passage, document_id) for passage in content.passages],
    )
