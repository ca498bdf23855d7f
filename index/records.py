"""What a generation holds, as rows, and reading them from all shards that are open as from one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from corpus.documents import Document, Page, Passage, Sentence
from index.filters import check_filters
from index.keyword_scores import Statistics, score

if TYPE_CHECKING:
    from index.shard_records import ShardRecords

# Of each shard's passages this many times as many are rescored as are wanted: by the statistics
# of all shards they come in another order than by its own.
_CANDIDATES = 2


@dataclass(frozen=True)
class Quarantined:
    """A file that could not be read, with the reason in plain words."""

    path: str
    sha256: str
    reason: str
    audience: str


@dataclass(frozen=True)
class Duplicate:
    """A file with the content of the document at the path ``of``; it is not indexed again.

    Both are for the same audience.
    """

    path: str
    sha256: str
    of: str
    audience: str


@dataclass(frozen=True)
class IndexedDocument:
    """A document with the extent of its passages: rows ``first`` up to but not ``end``.

    ``own_title`` and ``own_language`` are what the file says itself, whatever the catalogue; the
    title is empty where it has no heading.
    """

    document: Document
    own_title: str
    own_language: str
    first: int
    end: int


@dataclass(frozen=True)
class DocumentContent:
    """What reading a file gave; the catalogue has no part in it but the sentences' language."""

    own_title: str
    own_language: str
    paged: bool
    pages: list[Page]
    passages: list[Passage]


@dataclass(frozen=True)
class SentenceRow:
    """A stored sentence with its own row and its passage's row."""

    row: int
    passage: int
    sentence: Sentence
    digest: str


@dataclass(frozen=True)
class RecordsPart:
    """The records of one shard, and which rows of the whole are its own.

    Its ``passages`` passages are the rows from ``first_passage`` on, its ``sentences`` sentences
    those from ``first_sentence`` on.
    """

    records: ShardRecords
    first_passage: int
    passages: int
    first_sentence: int
    sentences: int


class Records:
    """Read-only access to the records of the shards that are open, from any thread.

    Rows are those of the whole. A document that its shard may not show is as if it were not there.
    """

    def __init__(self, parts: Sequence[RecordsPart]) -> None:
        self._parts = tuple(parts)

    @property
    def restricted(self) -> bool:
        """Whether only documents are shown that are still published."""
        return any(part.records.restricted for part in self._parts)

    def documents(self) -> list[IndexedDocument]:
        """Return every document, ordered by path."""
        return self._by_path((part, part.records.documents()) for part in self._parts)

    def document(self, document_id: str) -> IndexedDocument | None:
        """Return one document, or None when there is none of this id."""
        for part in self._parts:
            found = part.records.document(document_id)
            if found is not None:
                return _placed(found, part)
        return None

    def select_documents(self, filters: Mapping[str, str]) -> list[IndexedDocument]:
        """Return the documents that pass every filter, ordered by path.

        Raises UsageError for an unknown filter and for a value that no document can have.
        """
        check_filters(filters)
        return self._by_path((part, part.records.select_documents(filters)) for part in self._parts)

    def _by_path(
        self, found: Iterable[tuple[RecordsPart, list[IndexedDocument]]]
    ) -> list[IndexedDocument]:
        if len(self._parts) == 1:
            return next(documents for _, documents in found)
        placed = (_placed(document, part) for part, documents in found for document in documents)
        return sorted(placed, key=lambda indexed: indexed.document.path)

    def page(self, document_id: str, number: int) -> Page | None:
        """Return one page, or None when there is no such page."""
        found = (part.records.page(document_id, number) for part in self._parts)
        return next((page for page in found if page is not None), None)

    def pages(self, document_id: str) -> list[Page]:
        """Return a document's pages in order."""
        return list(chain.from_iterable(part.records.pages(document_id) for part in self._parts))

    def passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """Return passages by row, without their sentences."""
        return {
            row + part.first_passage: passage
            for part, own in self._passage_rows(rows)
            for row, passage in part.records.passages(own).items()
        }

    def sentences(self, passages: Iterable[int]) -> list[SentenceRow]:
        """Return the sentences of these passages, in reading order within each."""
        return [
            _sentence_placed(sentence, part)
            for part, own in self._passage_rows(passages)
            for sentence in part.records.sentences(own)
        ]

    def sentence_rows(self, passages: Iterable[int]) -> list[tuple[int, int]]:
        """Return (sentence row, passage row) of these passages' sentences, by row."""
        return [
            (row + part.first_sentence, passage + part.first_passage)
            for part, own in self._passage_rows(passages)
            for row, passage in part.records.sentence_rows(own)
        ]

    def passage_rows(self, sentences: Iterable[int]) -> list[int]:
        """Return the rows of the passages that these sentence rows stand in, ascending."""
        wanted = list(sentences)
        found = []
        for part in self._parts:
            own = _own(wanted, part.first_sentence, part.sentences)
            found += [row + part.first_passage for row in part.records.passage_rows(own)]
        return found

    def content(self, indexed: IndexedDocument) -> DocumentContent:
        """Return all that is stored of a document, as its reading gave it."""
        rows = range(indexed.first, indexed.end)
        passages = self.passages(rows)
        sentences: dict[int, list[Sentence]] = {row: [] for row in rows}
        for found in self.sentences(rows):
            sentences[found.passage].append(found.sentence)
        return DocumentContent(
            indexed.own_title,
            indexed.own_language,
            indexed.document.paged,
            self.pages(indexed.document.id),
            [replace(passages[row], sentences=tuple(sentences[row])) for row in rows],
        )

    def passage_rows_by_digest(
        self, digests: Iterable[str], audience: str | None = None
    ) -> dict[str, int]:
        """Return a row for each of these digests of embedded passage texts that is there.

        Where several shards have the text, the row is that of ``audience``.
        """
        wanted = list(digests)
        return _first_rows(
            (part.first_passage, part.records.passage_rows_by_digest(wanted))
            for part in self._first_of_all(audience)
        )

    def sentence_rows_by_digest(
        self, digests: Iterable[str], audience: str | None = None
    ) -> dict[str, int]:
        """Return a row for each of these digests of embedded sentence texts that is there.

        Where several shards have the text, the row is that of ``audience``.
        """
        wanted = list(digests)
        return _first_rows(
            (part.first_sentence, part.records.sentence_rows_by_digest(wanted))
            for part in self._first_of_all(audience)
        )

    def _first_of_all(self, audience: str | None) -> list[RecordsPart]:
        return sorted(self._parts, key=lambda part: part.records.audience != audience)

    def quarantined(self) -> list[Quarantined]:
        """Return the files that could not be read, by path."""
        found = chain.from_iterable(part.records.quarantined() for part in self._parts)
        return sorted(found, key=lambda file: file.path)

    def duplicates(self) -> list[Duplicate]:
        """Return the files that have the content of an indexed document, by path."""
        found = chain.from_iterable(part.records.duplicates() for part in self._parts)
        return sorted(found, key=lambda file: file.path)

    def keyword_search(
        self,
        query_terms: Iterable[str],
        k: int,
        languages: Sequence[str] | None = None,
        documents: Sequence[str] | None = None,
    ) -> list[tuple[int, float]]:
        """Return up to ``k`` (passage row, BM25 score), best first, ties by row.

        Scores are positive, as FTS5's ``bm25`` with its sign turned over all shards together.
        ``languages`` and ``documents`` (ids) restrict what is found; None means no restriction.
        """
        wanted = list(dict.fromkeys(query_terms))
        if len(self._parts) == 1:
            return self._parts[0].records.keyword_search(wanted, k, languages, documents)
        counts: Counter[str] = Counter()
        for part in self._parts:
            counts.update(part.records.passage_counts(wanted))
        sizes = [part.records.keyword_size() for part in self._parts]
        passages, tokens = map(sum, zip(*sizes, strict=True)) if sizes else (0, 0)
        statistics = Statistics(passages, tokens, {term: counts[term] for term in wanted})
        found: list[tuple[int, float]] = []
        for part in self._parts:
            nearest = part.records.keyword_search(wanted, _CANDIDATES * k, languages, documents)
            texts = part.records.keyword_terms(row for row, _ in nearest)
            found += [
                (row + part.first_passage, score(terms, statistics)) for row, terms in texts.items()
            ]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def _passage_rows(self, rows: Iterable[int]) -> Iterator[tuple[RecordsPart, list[int]]]:
        """Yield each shard with its own rows of those given, numbered as it numbers them."""
        wanted = list(rows)
        if len(self._parts) == 1:
            yield self._parts[0], wanted
            return
        for part in self._parts:
            own = _own(wanted, part.first_passage, part.passages)
            if own:
                yield part, own


def _own(rows: Iterable[int], first: int, count: int) -> list[int]:
    return [row - first for row in rows if first <= row < first + count]


def _placed(indexed: IndexedDocument, part: RecordsPart) -> IndexedDocument:
    first = part.first_passage
    if first == 0:
        return indexed
    return replace(indexed, first=indexed.first + first, end=indexed.end + first)


def _sentence_placed(sentence: SentenceRow, part: RecordsPart) -> SentenceRow:
    if part.first_passage == part.first_sentence == 0:
        return sentence
    row, passage = sentence.row + part.first_sentence, sentence.passage + part.first_passage
    return replace(sentence, row=row, passage=passage)


def _first_rows(found: Iterable[tuple[int, Mapping[str, int]]]) -> dict[str, int]:
    """Return each digest's row in the first shard that has it, from (first row, rows) of each."""
    rows: dict[str, int] = {}
    for first, by_digest in found:
        rows = {key: first + row for key, row in by_digest.items()} | rows
    return rows
