"""Answers and passages as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.answer import Answer, Citation, Hit, with_citations

_SHOWN = 300  # characters of a passage


def answer_text(answer: Answer) -> str:
    """Return an answer: its quotes with their markers, the notice, then each source.

    A source says what its quote speaks of: title, number, edition, date, page and section.
    """
    lines: list[str] = []
    for quote, citations in with_citations(answer.quotes, answer.citations):
        marks = " ".join(f"[{citation.marker}]" for citation in citations)
        if quote.header:
            lines.append(" | ".join(quote.header))
        lines.append(f"{quote.text} {marks}")
    if answer.more:
        lines.append(f"({answer.more} more that did not fit)")
    if answer.notice:
        lines.append(answer.notice)
    for citation in answer.citations:
        lines += ["", f"[{citation.marker}] {', '.join(_source(citation))}"]
        lines.append(f"    “{citation.quote}”")
    for hit in answer.nearest:
        lines += ["", f"  · {_place(hit)}", f"    {hit.passage.text[:_SHOWN]}"]
    return "".join(f"{line}\n" for line in lines)


def hits_text(hits: Sequence[Hit]) -> str:
    """Return passages with their rank, place and score, best first."""
    return "".join(
        f"{rank}. {_place(hit)} ({hit.score:.3f})\n   {hit.passage.text[:_SHOWN]}\n"
        for rank, hit in enumerate(hits, 1)
    )


def _place(hit: Hit) -> str:
    page = f", page {hit.passage.first_page}" if hit.document.paged else ""
    section = f", {' > '.join(hit.passage.section)}" if hit.passage.section else ""
    return f"{hit.document.title}{page}{section}"


def _source(citation: Citation) -> Iterator[str]:
    yield citation.title
    if citation.number:
        yield citation.number
    if citation.edition:
        yield f"edition {citation.edition}"
    if citation.published:
        yield citation.published
    if citation.printed_page:
        yield f"p. {citation.printed_page} (page {citation.page} of the file)"
    elif citation.page:
        yield f"page {citation.page} of the file"
    if citation.section:
        yield "section “" + " > ".join(citation.section) + "”"
    yield citation.path
