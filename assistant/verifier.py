"""Citations are made here, and none leaves that the stored page does not bear out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answer import Citation
from assistant.composer import Quoted, shown_text
from corpus.documents import Page, Span
from index.records import Records


@dataclass(frozen=True)
class Verified:
    """The text with its markers, and the citations behind them."""

    text: str
    citations: list[Citation]


def verified_answer(quoted: Sequence[Quoted], records: Records) -> Verified:
    """Give each sentence its citations; a sentence with one that fails the check is left out.

    A sentence that runs over pages has a citation for each of them.
    """
    sentences: list[str] = []
    citations: list[Citation] = []
    for one in quoted:
        made = _citations(one, records, first_marker=len(citations) + 1)
        if made and _stands_in(one.text, made):
            markers = " ".join(f"[{citation.marker}]" for citation in made)
            sentences.append(f"{one.text} {markers}")
            citations.extend(made)
    return Verified(" ".join(sentences), citations)


def is_verbatim(citation: Citation, page: Page | None) -> bool:
    """Tell whether a quote equals the stored text at its place (invariant 1)."""
    return page is not None and page.text[citation.start : citation.end] == citation.quote != ""


def _citations(one: Quoted, records: Records, first_marker: int) -> list[Citation]:
    made = []
    for marker, span in enumerate(one.candidate.sentence.spans, first_marker):
        page = records.page(one.candidate.hit.document.id, span.page)
        if page is None:
            return []
        citation = _citation(one, page, span, marker)
        if not is_verbatim(citation, page):
            return []
        made.append(citation)
    return made


def _citation(one: Quoted, page: Page, span: Span, marker: int) -> Citation:
    hit = one.candidate.hit
    document = hit.document
    return Citation(
        marker=marker,
        document_id=document.id,
        title=document.title,
        number=document.number,
        published=document.published,
        language=document.language,
        url=document.url,
        path=document.path,
        page=span.page if document.paged else None,
        printed_page=page.printed_number,
        section=list(hit.passage.section),
        passage_id=hit.passage.id,
        quote=page.text[span.start : span.end],
        start=span.start,
        end=span.end,
    )


def _stands_in(text: str, citations: Sequence[Citation]) -> bool:
    """Tell whether each part between elisions stands in the quotes (invariant 3)."""
    quotes = shown_text(" ".join(citation.quote for citation in citations))
    whole = quotes.replace("…", " ")
    return all(" ".join(part.split()) in " ".join(whole.split()) for part in text.split("…"))
