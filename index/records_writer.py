"""Writing a new generation's ``records.sqlite``, one document at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from types import TracebackType

from corpus.documents import Document, Passage, Sentence
from index.analysis import terms
from index.records import DocumentContent, Quarantined

# Functions from a passage (and one of its sentences) to the digest of what is embedded for it.
PassageDigest = Callable[[Passage], str]
SentenceDigest = Callable[[Passage, Sentence], str]


class RecordsWriter:
    """Fills a new database; rows are numbered from 0 in the order of the calls."""

    def __init__(
        self, path: Path, passage_digest: PassageDigest, sentence_digest: SentenceDigest
    ) -> None:
        self._passage_digest = passage_digest
        self._sentence_digest = sentence_digest
        self.passages = 0
        self.sentences = 0
        self.pages = 0
        self.documents = 0
        # Nobody reads the file before it is complete and published, so it needs no journal.
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.executescript(
            files("index").joinpath("schema.sql").read_text(encoding="utf-8")
        )

    def __enter__(self) -> RecordsWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._connection.execute("INSERT INTO keywords (keywords) VALUES ('optimize')")
            self._connection.commit()
        self._connection.close()

    def add_document(self, document: Document, content: DocumentContent) -> None:
        """Store a document with its pages, passages, sentences and keyword terms."""
        first = self.passages
        for page in content.pages:
            self._insert("pages", page.document_id, page.number, page.printed_number, page.text)
            self.pages += 1
        for passage in content.passages:
            self._add_passage(passage, document.language)
        self._insert(
            "documents",
            document.id,
            json.dumps(asdict(document), ensure_ascii=False),
            content.own_title,
            content.own_language,
            document.path,
            document.sha256,
            document.language,
            document.published,
            document.number,
            document.edition,
            document.audience,
            first,
            self.passages,
        )
        self.documents += 1

    def add_quarantined(self, file: Quarantined) -> None:
        """Store that a file could not be read, and why."""
        self._insert("quarantine", file.path, file.sha256, file.reason)

    def _add_passage(self, passage: Passage, language: str) -> None:
        row = self.passages
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
            self._passage_digest(passage),
        )
        leads = " ".join(dict.fromkeys(s.lead for s in passage.sentences if s.lead))
        words = " ".join(terms(" \n".join((*passage.section, leads, passage.text)), language))
        self._connection.execute("INSERT INTO keywords (rowid, terms) VALUES (?, ?)", (row, words))
        for sentence in passage.sentences:
            self._add_sentence(row, passage, sentence)
        self.passages += 1

    def _add_sentence(self, passage_row: int, passage: Passage, sentence: Sentence) -> None:
        spans = [[span.page, span.start, span.end] for span in sentence.spans]
        self._insert(
            "sentences",
            self.sentences,
            passage_row,
            sentence.text,
            json.dumps(spans),
            sentence.kind,
            sentence.lead,
            self._sentence_digest(passage, sentence),
        )
        self.sentences += 1

    def _insert(self, table: str, *values: object) -> None:
        marks = ", ".join("?" * len(values))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608
