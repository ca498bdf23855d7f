"""Reading the documents, pages, passages and keywords of one shard from its SQLite file."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.documents import Document, Page, Passage, Sentence, Span
from corpus.errors import DamagedIndexError
from index.dense import Rows
from index.filters import FILTERS
from index.pointer import Permitted
from index.records import Duplicate, IndexedDocument, Quarantined, SentenceRow
from index.shown import Shown

_SELECT_DOCUMENTS = (
    "SELECT record, own_title, own_language, first_passage, end_passage FROM documents"
)

_KEYWORD_SEARCH = """
    SELECT keywords.rowid, -bm25(keywords) AS score FROM keywords
    JOIN passages ON passages.row = keywords.rowid
    JOIN documents ON documents.id = passages.document_id
    WHERE {conditions} ORDER BY score DESC, keywords.rowid LIMIT ?
"""


class ShardRecords:
    """Read-only access to one ``records.sqlite``, from any thread.

    The file never changes, so it is opened as immutable: no lock, no journal. ``audience`` is whom
    the shard is for. Every document is checked against ``audiences``, for whom the generation is
    open (None: all), whatever shard it lies in; ``permitted`` has the contents and audiences that
    are still published (None: all). What is not among them is as if it were not there.
    """

    def __init__(
        self,
        path: Path,
        audience: str,
        audiences: Collection[str] | None = None,
        permitted: Permitted | None = None,
    ) -> None:
        self.path = path
        self.audience = audience
        self._audiences = None if audiences is None else frozenset(audiences)
        self._permitted = permitted
        self._thread = threading.local()
        # A connection and its cache of statements refer to each other: without being closed, it
        # would stay open until the next full collection of garbage, or for good once frozen.
        self._connections: list[sqlite3.Connection] = []
        weakref.finalize(self, _close, self._connections)
        try:
            self._connection.execute("SELECT count(*) FROM documents")
        except sqlite3.Error as error:
            raise DamagedIndexError(f"{path} is missing or damaged ({error}).") from error

    @property
    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._thread, "connection", None)
        if found is None:
            found = self._thread.connection = sqlite3.connect(
                read_only_uri(self.path), uri=True, check_same_thread=False
            )
            self._connections.append(found)
        return found

    @property
    def restricted(self) -> bool:
        """Whether only documents are shown that are still published."""
        return self._permitted is not None

    def may_show(self, sha256: str, audience: str) -> bool:
        """Tell whether content for an audience may be shown: the check that all else relies on.

        It looks at what is stored of each document, not at the shard, so that a document that a
        faulty build put into another audience's shard, or that a faulty vector search finds, is
        not shown.
        """
        if self._audiences is not None and audience not in self._audiences:
            return False
        return self._permitted is None or (sha256, audience) in self._permitted

    @cached_property
    def _documents(self) -> list[IndexedDocument]:
        return self._selected(f"{_SELECT_DOCUMENTS} ORDER BY path", ())

    @cached_property
    def _shown(self) -> Shown:
        (stored,) = self._connection.execute("SELECT count(*) FROM documents").fetchone()
        return Shown(self._documents, hidden=stored > len(self._documents))

    def _selected(self, query: str, values: Sequence[str]) -> list[IndexedDocument]:
        found = [_indexed(*row) for row in self._connection.execute(query, values)]
        return [
            indexed
            for indexed in found
            if self.may_show(indexed.document.sha256, indexed.document.audience)
        ]

    @property
    def passages_shown(self) -> int:
        """How many passages may be shown."""
        return self._shown.passages

    def shows(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell of each passage row whether it is there and may be shown."""
        return self._shown.holds(rows)

    def rows_shown(self) -> Rows | None:
        """Return the passage rows that may be shown, ascending; None where that is all of them."""
        return self._shown.rows

    def documents(self) -> list[IndexedDocument]:
        """Return every document, ordered by path."""
        return self._documents

    def document(self, document_id: str) -> IndexedDocument | None:
        """Return one document, or None when there is none of this id."""
        query = f"{_SELECT_DOCUMENTS} WHERE id = ?"
        return next(iter(self._selected(query, (document_id,))), None)

    def select_documents(self, filters: Mapping[str, str]) -> list[IndexedDocument]:
        """Return the documents that pass every filter, ordered by path.

        The filters are known ones, with values that a document can have.
        """
        conditions = " AND ".join(FILTERS[key] for key in filters) or "1"
        query = f"{_SELECT_DOCUMENTS} WHERE {conditions} ORDER BY path"
        return self._selected(query, list(filters.values()))

    def page(self, document_id: str, number: int) -> Page | None:
        """Return one page, or None when there is no such page."""
        if document_id not in self._shown.ids:
            return None
        query = "SELECT * FROM pages WHERE document_id = ? AND number = ?"
        row = self._connection.execute(query, (document_id, number)).fetchone()
        return Page(*row) if row else None

    def pages(self, document_id: str) -> list[Page]:
        """Return a document's pages in order."""
        if document_id not in self._shown.ids:
            return []
        query = "SELECT * FROM pages WHERE document_id = ? ORDER BY number"
        return [Page(*row) for row in self._connection.execute(query, (document_id,))]

    def passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """Return passages by row, without their sentences."""
        wanted = json.dumps(self._of_those_shown(rows))
        query = (
            "SELECT row, id, document_id, first_page, last_page, section, start, end, text "
            "FROM passages WHERE row IN (SELECT value FROM json_each(?))"
        )
        return {
            row: Passage(key, document, first, last, tuple(json.loads(section)), start, end, text)
            for row, key, document, first, last, section, start, end, text in (
                self._connection.execute(query, (wanted,))
            )
            if document in self._shown.ids
        }

    def _of_those_shown(self, rows: Iterable[int]) -> list[int]:
        wanted = np.fromiter(rows, np.int64)
        shown: list[int] = wanted[self.shows(wanted)].tolist()
        return shown

    def sentences(self, passages: Iterable[int]) -> list[SentenceRow]:
        """Return the sentences of these passages, in reading order within each."""
        wanted = json.dumps(self._of_those_shown(passages))
        query = (
            "SELECT row, passage, text, spans, kind, lead, digest FROM sentences "
            "WHERE passage IN (SELECT value FROM json_each(?)) ORDER BY row"
        )
        return [
            SentenceRow(row, passage, Sentence(text, _spans(spans), kind, lead), digest)
            for row, passage, text, spans, kind, lead, digest in (
                self._connection.execute(query, (wanted,))
            )
        ]

    def sentence_rows(self, passages: Iterable[int]) -> list[tuple[int, int]]:
        """Return (sentence row, passage row) of these passages' sentences, by row."""
        wanted = json.dumps(self._of_those_shown(passages))
        query = (
            "SELECT row, passage FROM sentences "
            "WHERE passage IN (SELECT value FROM json_each(?)) ORDER BY row"
        )
        return self._connection.execute(query, (wanted,)).fetchall()

    def passage_rows(self, sentences: Iterable[int]) -> list[int]:
        """Return the rows of the passages that these sentence rows stand in, ascending."""
        query = (
            "SELECT DISTINCT passage FROM sentences "
            "WHERE row IN (SELECT value FROM json_each(?)) ORDER BY passage"
        )
        found = self._connection.execute(query, (json.dumps(list(sentences)),))
        return self._of_those_shown(passage for (passage,) in found)

    def passage_rows_by_digest(self, digests: Iterable[str]) -> dict[str, int]:
        """Return a row for each of these digests of embedded passage texts that is there."""
        return self._rows("passages", digests)

    def sentence_rows_by_digest(self, digests: Iterable[str]) -> dict[str, int]:
        """Return a row for each of these digests of embedded sentence texts that is there."""
        return self._rows("sentences", digests)

    def _rows(self, table: str, digests: Iterable[str]) -> dict[str, int]:
        query = (
            f"SELECT digest, row FROM {table} "  # noqa: S608 - one of two names
            "WHERE digest IN (SELECT value FROM json_each(?))"
        )
        return dict(self._connection.execute(query, (json.dumps(list(digests)),)))

    def extent_of_sentences(self, first: int, end: int) -> tuple[int, int]:
        """Return the sentence rows, first and end, of the passage rows ``first`` up to ``end``."""
        query = "SELECT min(row), max(row) FROM sentences WHERE passage >= ? AND passage < ?"
        low, high = self._connection.execute(query, (first, end)).fetchone()
        return (0, 0) if low is None else (low, high + 1)

    def counts(self) -> dict[str, int]:
        """Count what is stored, by the names that a manifest's counts have."""
        tables = {"quarantine": "quarantined"}
        return {
            tables.get(table, table): self._connection.execute(
                f"SELECT count(*) FROM {table}"  # noqa: S608 - names from the tuple below
            ).fetchone()[0]
            for table in ("documents", "pages", "passages", "sentences", "quarantine")
        }

    def damage(self) -> list[str]:
        """Return what SQLite finds wrong with the file; empty where it is sound."""
        rows = self._connection.execute("PRAGMA quick_check").fetchall()
        return [] if rows == [("ok",)] else [str(row[0]) for row in rows]

    def quarantined(self) -> list[Quarantined]:
        """Return the files that could not be read, by path."""
        query = "SELECT path, sha256, reason, audience FROM quarantine ORDER BY path"
        found = [Quarantined(*row) for row in self._connection.execute(query)]
        return [file for file in found if self.may_show(file.sha256, file.audience)]

    def duplicates(self) -> list[Duplicate]:
        """Return the files that have the content of an indexed document, by path."""
        query = "SELECT path, sha256, of, audience FROM duplicates ORDER BY path"
        found = [Duplicate(*row) for row in self._connection.execute(query)]
        return [file for file in found if self.may_show(file.sha256, file.audience)]

    def keyword_search(
        self,
        query_terms: Iterable[str],
        k: int,
        languages: Sequence[str] | None = None,
        documents: Sequence[str] | None = None,
    ) -> list[tuple[int, float]]:
        """Return up to ``k`` (passage row, BM25 score), best first, ties by row.

        Scores are positive, as FTS5's ``bm25`` with its sign turned. ``languages`` and
        ``documents`` (ids) restrict what is found; None means no restriction.
        """
        match = " OR ".join(f'"{term}"' for term in dict.fromkeys(query_terms))
        if not match:
            return []
        conditions, values = ["keywords MATCH ?"], [match]
        if languages is not None:
            conditions.append(f"language IN ({_marks(languages)})")
            values += languages
        if self._shown.rows is not None:
            wanted = self._shown.ids if documents is None else documents
            documents = sorted(self._shown.ids.intersection(wanted))
        if documents is not None:
            conditions.append("documents.id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(documents)))
        query = _KEYWORD_SEARCH.format(conditions=" AND ".join(conditions))
        return self._connection.execute(query, [*values, k]).fetchall()

    def keyword_terms(self, rows: Iterable[int]) -> dict[int, list[str]]:
        """Return by passage row the terms that the keyword search goes by, as often as they stand.

        Those of the document's title are among them.
        """
        wanted = json.dumps(self._of_those_shown(rows))
        query = (
            "SELECT row, terms FROM keyword_texts "
            "WHERE row IN (SELECT value FROM json_each(?)) ORDER BY row"
        )
        found = self._connection.execute(query, (wanted,))
        return {row: terms.split() for row, terms in found}

    def keyword_size(self) -> tuple[int, int]:
        """Return how many passages the keyword search knows, and how many terms in all."""
        found: tuple[int, int] = self._connection.execute(
            "SELECT passages, terms FROM keyword_size"
        ).fetchone()
        return found

    def passage_counts(self, query_terms: Iterable[str]) -> dict[str, int]:
        """Return in how many passages each term stands; terms found nowhere are left out."""
        wanted = list(dict.fromkeys(query_terms))
        query = f"SELECT term, doc FROM keyword_counts WHERE term IN ({_marks(wanted)})"  # noqa: S608
        return dict(self._connection.execute(query, wanted))


def _close(connections: list[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()


def read_only_uri(path: Path) -> str:
    """Return the address under which SQLite opens a file that never changes."""
    return f"{path.resolve().as_uri()}?mode=ro&immutable=1"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _indexed(
    record: str, own_title: str, own_language: str, first: int, end: int
) -> IndexedDocument:
    values = json.loads(record)
    values["sources"] = tuple(values["sources"])
    return IndexedDocument(Document(**values), own_title, own_language, first, end)


def _spans(text: str) -> tuple[Span, ...]:
    return tuple(Span(*values) for values in json.loads(text))
