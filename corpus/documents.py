"""The records that travel between the floors: documents, pages, passages, sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """One file of the corpus together with its catalogue entry.

    ``path`` is relative to the corpus folder, with forward slashes. ``published`` is an
    ISO 8601 date or a prefix of one (``2025``, ``2025-07``). ``language`` is a BCP 47 tag.
    ``type`` is what staff call it, such as report, resolution or guideline.
    ``paged`` is false where the format has no pages: the whole text is then its page 1.
    """

    id: str
    title: str
    path: str
    sha256: str
    language: str
    number: str | None = None
    edition: str | None = None
    type: str | None = None
    published: str | None = None
    audience: str = "public"
    url: str | None = None
    sources: tuple[str, ...] = ()
    supersedes: str | None = None
    translation_of: str | None = None
    paged: bool = True


@dataclass(frozen=True)
class Page:
    """The text of one page as it was read: the unit that quotes point into.

    ``number`` counts from 1 in the file; ``printed_number`` is what stands on the page.
    """

    document_id: str
    number: int
    printed_number: str | None
    text: str


@dataclass(frozen=True)
class Span:
    """A stretch of one page's text, in Unicode code points, end exclusive."""

    page: int
    start: int
    end: int


@dataclass(frozen=True)
class Sentence:
    """The smallest unit that is quoted: a sentence, a list item or a table row.

    ``kind`` is one of these, or ``header``: a table's header, which is never quoted by itself.

    ``spans`` has one entry for each page that the sentence touches, in reading order.
    ``lead`` is the text that a reader needs beside it: the line that introduces a list,
    the header of a table. It is embedded and matched with the sentence, never quoted as it.
    """

    text: str
    spans: tuple[Span, ...]
    kind: str = "sentence"
    lead: str = ""


@dataclass(frozen=True)
class Passage:
    """A stretch of pages that is retrieved as one: whole sentences under one heading path.

    ``start`` counts in the text of ``first_page``, ``end`` in that of ``last_page``.
    ``id`` follows from the document, the place and the content.
    """

    id: str
    document_id: str
    first_page: int
    last_page: int
    section: tuple[str, ...]
    start: int
    end: int
    text: str
    sentences: tuple[Sentence, ...] = ()
