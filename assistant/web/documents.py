"""The catalogue: every document that may be read, and what is inside each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from assistant.web import markup
from assistant.web.asker import Asker
from corpus.documents import Document, Page, Passage
from corpus.text import fold
from index.records import IndexedDocument

_DOCUMENTS_SHOWN = 50
_PASSAGES_SHOWN = 100
# A document of so few passages is shown opened.
_FEW_PASSAGES = 12


def render(asker: Asker) -> None:
    """Draw the document that the address names, or the list of all."""
    wanted = st.query_params.get("document")
    if wanted is None:
        _list(asker)
        return
    if st.button("← All documents"):
        del st.query_params["document"]
        st.rerun()
    found = [indexed for indexed in asker.documents() if indexed.document.id == wanted]
    if found:
        _document(found[0], asker)
    else:
        st.html(markup.problem("There is no such document", "Choose one from the list."))


def _list(asker: Asker) -> None:
    st.title("Documents")
    documents = asker.documents()
    sought = st.text_input("Search title, number, edition, type or file", key="documents_sought")
    found = [indexed for indexed in documents if _matches(indexed.document, sought)]
    pages = max(1, -(-len(found) // _DOCUMENTS_SHOWN))
    page = st.number_input("Page of the list", 1, pages) if pages > 1 else 1
    st.html(markup.notice(f"{len(found)} of {len(documents)} documents"))
    newer, token = _newer_editions(documents), asker.conversation.token
    first = (page - 1) * _DOCUMENTS_SHOWN
    shown = found[first : first + _DOCUMENTS_SHOWN]
    cards = [
        markup.catalogue_card(indexed, newer.get(indexed.document.id), token) for indexed in shown
    ]
    st.html("".join(cards) or markup.notice("No document matches. Try fewer or other words."))


def _matches(document: Document, sought: str) -> bool:
    """Tell whether every word sought stands in what the catalogue says of a document."""
    fields = (
        *(document.title, document.number, document.edition, document.type),
        *(document.published, document.path),
    )
    language = markup.language_name(document.language)
    text = fold(" ".join([*(field or "" for field in fields), language]))
    return all(word in text for word in fold(sought).split())


def _document(indexed: IndexedDocument, asker: Asker) -> None:
    document = indexed.document
    documents = [listed.document for listed in asker.documents()]
    newer = _newer_editions(asker.documents())
    relatives = _relatives(document, documents)
    token = asker.conversation.token
    st.html(markup.document_head(document, newer.get(document.id), relatives, token))
    rows = range(indexed.first, indexed.end)
    parts = max(1, -(-len(rows) // _PASSAGES_SHOWN))
    part = st.number_input(f"Part, of {parts}", 1, parts) if parts > 1 else 1
    shown = rows[(part - 1) * _PASSAGES_SHOWN :][:_PASSAGES_SHOWN]
    records = asker.generation.records
    passages = records.passages(shown)
    pages = {page.number: page for page in records.pages(document.id)}
    sections = groupby((passages[row] for row in shown), key=lambda passage: passage.section)
    html = [
        markup.section(
            " › ".join(path) or document.title,
            [(passage, _place(passage, document, pages)) for passage in inside],
            is_open=len(rows) <= _FEW_PASSAGES,
        )
        for path, inside in sections
    ]
    st.html("".join(html))


def _place(passage: Passage, document: Document, pages: dict[int, Page]) -> str:
    if not document.paged:
        return f"Passage {passage.id}"
    printed = pages[passage.first_page].printed_number
    of_file = f"page {passage.first_page} of the file"
    return f"Page {printed} ({of_file})" if printed else of_file.capitalize()


def _newer_editions(documents: Sequence[IndexedDocument]) -> dict[str, Document]:
    """Return the documents that replace others, by the id of what they replace."""
    return {
        indexed.document.supersedes: indexed.document
        for indexed in documents
        if indexed.document.supersedes
    }


def _relatives(document: Document, documents: Sequence[Document]) -> list[tuple[str, Document]]:
    """Return the documents that this one replaces, is a translation of, or is translated in."""
    relatives = []
    for other in documents:
        if other.id == document.supersedes:
            relatives.append(("Replaces", other))
        if other.id == document.translation_of:
            relatives.append(("Translation of", other))
        if other.translation_of == document.id:
            relatives.append((f"In {markup.language_name(other.language)}", other))
    return relatives
