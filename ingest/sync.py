"""A document's way in: read → pages → passages → vectors → a generation → published."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.catalogue import CatalogueEntry
from corpus.documents import Document
from corpus.errors import AssistantError, NoUsableIndexError, UnreadableDocumentError, UsageError
from corpus.folder import CorpusFile, file_sha256
from corpus.settings import Settings
from index.analysis import ANALYSIS
from index.dense import DENSE_STORES
from index.embedder import load_embedder
from index.generations import (
    PASSAGE_VECTORS_FILE,
    RECORDS_FILE,
    SENTENCE_VECTORS_FILE,
    Generation,
    building_folder,
    next_generation_id,
    open_generation,
    publish,
    published_generation,
    write_sentence_vectors,
    writer_lock,
)
from index.language import detect_language
from index.manifest import FORMAT, EmbedderRecord, FileRecord, Manifest
from index.noise import Noise, measure_noise
from index.records import DocumentContent, IndexedDocument, Quarantined
from index.records_writer import RecordsWriter
from ingest.passages import (
    CHUNKING,
    cut_passages,
    digest,
    embedded_sentence,
    embedded_text,
    first_heading,
    stored_pages,
)
from ingest.plan import Plan, make_plan
from ingest.readers import READERS, read
from ingest.vectors import Progress, VectorSource

DENSE_STORE = "faiss"


@dataclass(frozen=True)
class SyncReport:
    """What a sync did. ``generation`` is the published one; ``published`` says if it is new."""

    generation: str | None
    published: bool
    plan: Plan
    quarantined: list[Quarantined]
    counts: dict[str, int]
    embedded: int = 0
    carried_over: int = 0


def sync(
    settings: Settings, *, dry_run: bool = False, force: bool = False, progress: Progress
) -> SyncReport:
    """Make the index mirror the corpus folder, and publish one new generation if it changed.

    ``force`` reads and embeds everything anew, and lets an index become empty. Whatever goes
    wrong, the generation that was published before stays published. Raises UsageError for
    a folder without documents or a faulty catalogue, AssistantError when no document at all
    could be read, IndexLockedError when another process writes this index.
    """
    if dry_run:
        published = _published(settings.index, force)
        plan = make_plan(settings.corpus, published)
        return _unchanged_report(plan, published)
    with writer_lock(settings.index):
        published = _published(settings.index, force)
        plan = make_plan(settings.corpus, published)
        _refuse_empty(plan, settings, force)
        if published and not force and _is_up_to_date(plan, published, settings):
            return _unchanged_report(plan, published)
        return _build(settings, plan, None if force else published, progress)


def _build(
    settings: Settings, plan: Plan, published: Generation | None, progress: Progress
) -> SyncReport:
    """Build a generation beside the published one, and publish it."""
    passages: list[tuple[str, str]] = []  # what is embedded, as (digest, text), by row
    sentences: list[tuple[str, str]] = []
    languages: list[str] = []  # of the sentences
    quarantined: list[Quarantined] = []
    with building_folder(settings.index) as folder:
        with RecordsWriter(
            folder / RECORDS_FILE,
            lambda passage: _noted(passages, embedded_text(passage)),
            lambda passage, sentence: _noted(sentences, embedded_sentence(passage, sentence)),
        ) as records:
            for found in _documents(settings.corpus, plan, published, progress):
                if isinstance(found, Quarantined):
                    records.add_quarantined(found)
                    quarantined.append(found)
                else:
                    records.add_document(*found)
                    languages += [found[0].language] * (len(sentences) - len(languages))
        _refuse_all_quarantined(plan, quarantined)

        embedder = load_embedder(
            settings.embedder, settings.cache, settings.query_prefix, settings.passage_prefix
        )
        vectors = VectorSource(embedder, published, len(passages) + len(sentences), progress)
        dense = DENSE_STORES[DENSE_STORE]()
        dense.write(folder / PASSAGE_VECTORS_FILE, vectors.of_passages(passages))
        sentence_vectors = vectors.of_sentences(sentences)
        write_sentence_vectors(folder / SENTENCE_VECTORS_FILE, sentence_vectors)
        noise = measure_noise(embedder.embed_query, sentence_vectors, languages)

        counts = {
            "documents": records.documents,
            "pages": records.pages,
            "passages": records.passages,
            "sentences": records.sentences,
            "quarantined": len(quarantined),
        }
        manifest = _manifest(settings, plan, folder, embedder.record, noise, counts)
        manifest.write(folder)
        publish(settings.index, folder, manifest.generation)
    return SyncReport(
        manifest.generation, True, plan, quarantined, counts, vectors.embedded, vectors.carried_over
    )


def _noted(texts: list[tuple[str, str]], text: str) -> str:
    texts.append((digest(text), text))
    return texts[-1][0]


def _documents(
    corpus: Path, plan: Plan, published: Generation | None, progress: Progress
) -> Iterator[tuple[Document, DocumentContent] | Quarantined]:
    """Yield each document with its content; a file that cannot be read is quarantined."""
    for n, file in enumerate(plan.files):
        progress("read", n, len(plan.files))
        entry = plan.catalogue.entry(file.path)
        known = plan.unchanged.get(file.path)
        if published and known and _reads_the_same(known, file, entry):
            content = published.records.content(known)
            yield _document(file, entry, content), content
        elif published and file.path in plan.quarantined:
            yield plan.quarantined[file.path]
        else:
            try:
                content = _read(corpus, file, entry)
            except UnreadableDocumentError as error:
                yield Quarantined(file.path, file.sha256, str(error))
            else:
                yield _document(file, entry, content), content
    progress("read", len(plan.files), len(plan.files))


def _reads_the_same(known: IndexedDocument, file: CorpusFile, entry: CatalogueEntry) -> bool:
    """Passage ids follow from the document's id, sentences from its language."""
    language = entry.language or known.own_language
    return known.document.id == file.document_id and known.document.language == language


def _read(corpus: Path, file: CorpusFile, entry: CatalogueEntry) -> DocumentContent:
    reading = read(corpus / file.path)
    if file_sha256(corpus / file.path) != file.sha256:
        raise AssistantError(f"{file.path} changed while it was read. Run the command again.")
    pages = stored_pages(file.document_id, reading)
    language = detect_language("\n".join(page.text for page in pages))
    passages = cut_passages(file.document_id, reading, entry.language or language)
    title = first_heading(reading) or Path(file.path).stem
    return DocumentContent(title, language, reading.paged, pages, passages)


def _document(file: CorpusFile, entry: CatalogueEntry, content: DocumentContent) -> Document:
    """Describe a document by its catalogue entry, and by itself where that is silent."""
    return Document(
        id=file.document_id,
        title=entry.title or content.own_title,
        path=file.path,
        sha256=file.sha256,
        language=entry.language or content.own_language,
        number=entry.number,
        edition=entry.edition,
        published=entry.published,
        audience=entry.audience,
        url=entry.url,
        sources=entry.sources,
        supersedes=entry.supersedes,
        translation_of=entry.translation_of,
        paged=content.paged,
    )


def _published(index: Path, force: bool) -> Generation | None:
    if published_generation(index) is None:
        return None
    try:
        return open_generation(index)
    except NoUsableIndexError:
        if force:
            return None
        raise


def _refuse_empty(plan: Plan, settings: Settings, force: bool) -> None:
    if not plan.files and not force:
        raise UsageError(
            f"There are no documents in {settings.corpus}. Put documents there "
            f"({', '.join(sorted(READERS))}), or name another folder with --corpus DIR. "
            "To publish an empty index, add --force."
        )


def _refuse_all_quarantined(plan: Plan, quarantined: list[Quarantined]) -> None:
    if plan.files and len(quarantined) == len(plan.files):
        reasons = "\n".join(f"  {q.path}: {q.reason}" for q in quarantined)
        raise AssistantError(
            f"None of the documents could be read, so nothing was published:\n{reasons}"
        )


def _is_up_to_date(plan: Plan, published: Generation, settings: Settings) -> bool:
    manifest = published.manifest
    embedder = manifest.embedder
    return (
        manifest.corpus_digest == plan.digest
        and (manifest.chunking, manifest.dense_store) == (CHUNKING, DENSE_STORE)
        and (embedder.source, embedder.query_prefix, embedder.passage_prefix)
        == (settings.embedder, settings.query_prefix, settings.passage_prefix)
    )


def _unchanged_report(plan: Plan, published: Generation | None) -> SyncReport:
    return SyncReport(
        generation=published.id if published else None,
        published=False,
        plan=plan,
        quarantined=published.records.quarantined() if published else [],
        counts=published.manifest.counts if published else {},
    )


def _manifest(
    settings: Settings,
    plan: Plan,
    folder: Path,
    embedder: EmbedderRecord,
    noise: Noise,
    counts: dict[str, int],
) -> Manifest:
    return Manifest(
        format=FORMAT,
        generation=next_generation_id(settings.index, plan.digest),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        embedder=embedder,
        dense_store=DENSE_STORE,
        chunking=CHUNKING,
        analysis=ANALYSIS,
        noise=noise,
        corpus_digest=plan.digest,
        counts=counts,
        files={
            file.name: FileRecord(file.stat().st_size, file_sha256(file))
            for file in sorted(folder.iterdir())
        },
    )
