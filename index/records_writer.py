"""Writing a shard's ``records.sqlite``, one document at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from types import TracebackType

from corpus.documents import Document, Passage, Sentence
from index.analysis import terms
from index.records import DocumentContent, Duplicate, IndexedDocument, Quarantined
from index.shard_records import ShardRecords, read_only_uri

# Functions from a passage (for one of its sentences, with the document's own title) to what is
# embedded, and from that to the digest by which it is recognised.
PassageText = Callable[[Passage], str]
SentenceText = Callable[[str, Passage, Sentence], str]
Digest = Callable[[str], str]
# What the counts of a shard, and of a generation, are of.
COUNTED = ("documents", "pages", "passages", "sentences", "quarantined")


@dataclass(frozen=True)
class Carried:
    """``count`` rows from ``first`` on are the rows from ``previous`` on of the previous shard."""

    first: int
    previous: int
    count: int


@dataclass(frozen=True)
class NewText:
    """A row whose vector is not known by its place: the text to embed, and its digest."""

    row: int
    digest: str
    text: str


class RecordsWriter:
    """Fills a new database; rows are numbered from 0 in the order of the calls.

    ``previous`` are the records of the same audience in the previous generation, if any.

    What has to be embedded for them is collected on the way: ``new_passages`` and
    ``new_sentences``, with ``carried_passages`` and ``carried_sentences`` for the rest. Every
    method raises OSError when the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        previous: ShardRecords | None,
        passage_text: PassageText,
        sentence_text: SentenceText,
        digest: Digest,
    ) -> None:
        self._path = path
        self.previous = previous
        self._passage_text = passage_text
        self._sentence_text = sentence_text
        self._digest = digest
        self.counts = dict.fromkeys(COUNTED, 0)
        self.new_passages: list[NewText] = []
        self.new_sentences: list[NewText] = []
        self.carried_passages: list[Carried] = []
        self.carried_sentences: list[Carried] = []
        with self._writing():
            self._connection = sqlite3.connect(path, uri=True)
            # Nobody reads the file before it is complete and published, so it needs no journal.
            self._connection.execute("PRAGMA journal_mode = OFF")
            if previous:
                self._connection.execute("ATTACH ? AS previous", (read_only_uri(previous.path),))
            schema = files("index").joinpath("schema.sql").read_text(encoding="utf-8")
            self._connection.executescript(schema)

    def __enter__(self) -> RecordsWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with self._writing():
                    self._connection.execute("INSERT INTO keywords (keywords) VALUES ('rebuild')")
                    self._connection.execute("INSERT INTO keywords (keywords) VALUES ('optimize')")
                    self._connection.execute(_NOTE_SIZE, (self.counts["passages"],))
                    self._connection.commit()
        finally:
            self._connection.close()

    def add_document(self, document: Document, content: DocumentContent) -> None:
        """Store a document with its pages, passages, sentences and keyword terms."""
        first = self.counts["passages"]
        with self._writing():
            for page in content.pages:
                self._insert("pages", page.document_id, page.number, page.printed_number, page.text)
            self.counts["pages"] += len(content.pages)
            for passage in content.passages:
                self._add_passage(passage, content.own_title, document.language)
            self._add_document(document, content.own_title, content.own_language, first)

    def carry_over(self, document: Document, known: IndexedDocument) -> None:
        """Copy a document's rows from the previous shard, under the description given.

        Its id, content and language are those that it had there; the rows of ``known`` are those
        of that shard.
        """
        first, row = self.counts["passages"], self.counts["sentences"]
        shift = first - known.first
        previous = self.previous
        if previous is None:
            raise ValueError("Nothing can be carried over without a previous shard.")
        low, high = previous.extent_of_sentences(known.first, known.end)
        of_passages = (known.first, known.end)
        with self._writing():
            pages = self._connection.execute(_COPY_PAGES, (document.id,)).rowcount
            self._connection.execute(_COPY_PASSAGES, (shift, *of_passages))
            self._connection.execute(_COPY_SENTENCES, (row - low, shift, *of_passages))
            self.counts["pages"] += pages
            self.counts["passages"] += known.end - known.first
            self.counts["sentences"] += high - low
            self._add_document(document, known.own_title, known.own_language, first)
        self.carried_passages.append(Carried(first, known.first, known.end - known.first))
        self.carried_sentences.append(Carried(row, low, high - low))

    def add_quarantined(self, file: Quarantined) -> None:
        """Store that a file could not be read, and why."""
        with self._writing():
            self._insert("quarantine", file.path, file.sha256, file.reason, file.audience)
        self.counts["quarantined"] += 1

    def add_duplicate(self, file: Duplicate) -> None:
        """Store that a file has the content of another document, and is no second one."""
        with self._writing():
            self._insert("duplicates", file.path, file.sha256, file.of, file.audience)

    def _add_document(
        self, document: Document, own_title: str, own_language: str, first: int
    ) -> None:
        self._insert(
            "documents",
            document.id,
            _record(document),
            own_title,
            own_language,
            document.path,
            document.sha256,
            document.language,
            document.published,
            document.number,
            document.edition,
            document.audience,
            " ".join(terms(document.title, document.language)),
            first,
            self.counts["passages"],
        )
        self.counts["documents"] += 1

    def _add_passage(self, passage: Passage, title: str, language: str) -> None:
        row = self.counts["passages"]
        leads = " ".join(dict.fromkeys(s.lead for s in passage.sentences if s.lead))
        words = " ".join(terms(" \n".join((*passage.section, leads, passage.text)), language))
        self._insert(
            "passages",
            row,
            passage.id,
            passage.document_id,
            passage.first_page,
            passage.last_page,
            json.dumps(passage.section, ensure_ascii=False),
            passage.start,
            passage.end,
            passage.text,
            self._noted(self.new_passages, row, self._passage_text(passage)),
            words,
        )
        for sentence in passage.sentences:
            self._add_sentence(row, passage, title, sentence)
        self.counts["passages"] += 1

    def _add_sentence(
        self, passage_row: int, passage: Passage, title: str, sentence: Sentence
    ) -> None:
        row = self.counts["sentences"]
        spans = [[span.page, span.start, span.end] for span in sentence.spans]
        self._insert(
            "sentences",
            row,
            passage_row,
            sentence.text,
            json.dumps(spans),
            sentence.kind,
            sentence.lead,
            self._noted(self.new_sentences, row, self._sentence_text(title, passage, sentence)),
        )
        self.counts["sentences"] += 1

    def _noted(self, texts: list[NewText], row: int, text: str) -> str:
        texts.append(NewText(row, self._digest(text), text))
        return texts[-1].digest

    def _insert(self, table: str, *values: object) -> None:
        marks = ", ".join("?" * len(values))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(f"{self._path} cannot be written; is the disk full? ({error})") from error


def _record(document: Document) -> str:
    """Return a document as JSON, without what is not known of it."""
    known = {name: value for name, value in asdict(document).items() if value is not None}
    return json.dumps(known, ensure_ascii=False)


_NOTE_SIZE = "INSERT INTO keyword_size SELECT ?, coalesce(sum(cnt), 0) FROM keyword_counts"
_COPY_PAGES = "INSERT INTO pages SELECT * FROM previous.pages WHERE document_id = ?"
_COPY_PASSAGES = """
    INSERT INTO passages
    SELECT row + ?, id, document_id, first_page, last_page, section, start, end, text, digest, terms
    FROM previous.passages WHERE row >= ? AND row < ?
"""
_COPY_SENTENCES = """
    INSERT INTO sentences
    SELECT row + ?, passage + ?, text, spans, kind, lead, digest
    FROM previous.sentences WHERE passage >= ? AND passage < ? ORDER BY row
"""
