"""Citations are made here, and no statement leaves that its stored pages do not bear out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from assistant.answer import Citation, Quote
from assistant.compose import Draft, Source, Statement, without_brackets
from corpus.documents import Page, Span
from corpus.text import fold_space


class Pages(Protocol):
    """Where stored pages are looked up."""

    def page(self, document_id: str, number: int) -> Page | None:
        """Return one page, or None when there is no such page."""
        ...


@dataclass(frozen=True)
class Verified:
    """The text with its markers, the quotes it is made of, and the citations behind them."""

    text: str = ""
    quotes: list[Quote] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)


def verify(draft: Draft, pages: Pages) -> Verified:
    """Give each statement its citations; one with a citation that fails the check is left out.

    A sentence that runs over pages has a citation for each of them.
    """
    sentences: list[str] = []
    quotes: list[Quote] = []
    citations: list[Citation] = []
    for statement in draft.statements:
        made = _citations(statement.source, pages, first_marker=len(citations) + 1)
        if made and _is_borne_out(statement, made):
            markers = " ".join(f"[{citation.marker}]" for citation in made)
            sentences.append(f"{statement.text} {markers}")
            quotes.append(_quote(statement, made[0].marker))
            citations.extend(made)
    return Verified(" ".join(sentences), quotes, citations)


def is_verbatim(citation: Citation, page: Page | None) -> bool:
    """Tell whether a quote equals the stored text at its place (invariant 1)."""
    return page is not None and page.text[citation.start : citation.end] == citation.quote != ""


def _citations(source: Source, pages: Pages, first_marker: int) -> list[Citation]:
    made = []
    for marker, span in enumerate(source.spans, first_marker):
        page = pages.page(source.document.id, span.page)
        if page is None:
            return []
        citation = _citation(source, page, span, marker)
        if not is_verbatim(citation, page):
            return []
        made.append(citation)
    return made


def _citation(source: Source, page: Page, span: Span, marker: int) -> Citation:
    document = source.document
    return Citation(
        marker=marker,
        document_id=document.id,
        title=document.title,
        number=document.number,
        edition=document.edition,
        published=document.published,
        language=document.language,
        url=document.url,
        path=document.path,
        page=span.page if document.paged else None,
        printed_page=page.printed_number,
        section=list(source.passage.section),
        passage_id=source.passage.id,
        quote=page.text[span.start : span.end],
        start=span.start,
        end=span.end,
    )


def _quote(statement: Statement, marker: int) -> Quote:
    return Quote(
        marker,
        statement.text,
        statement.shape,
        statement.header,
        statement.cells,
        statement.answer,
        statement.says,
    )


def _is_borne_out(statement: Statement, citations: Sequence[Citation]) -> bool:
    """Tell whether the whole quote, and each part that is shown, stands there (invariant 3)."""
    cited = fold_space(" ".join(citation.quote for citation in citations))
    parts = [fold_space(part) for part in statement.text.split("…")]
    shown = fold_space(without_brackets(cited).replace("…", " "))
    return statement.quote == cited and all(part in shown for part in parts)
