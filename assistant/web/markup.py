"""What the pages show, as HTML. Texts of documents and of people are escaped, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlencode

from assistant.answer import Citation, Hit, Quote
from assistant.phrases import phrase
from assistant.web.surroundings import Surroundings
from corpus.documents import Document, Passage
from corpus.text import fold
from index.records import IndexedDocument

# Groups that are parted by a no-break space keep their order by themselves.
_GROUPED_DIGITS = re.compile(r"\d{1,3}(?:[ \u2009]\d{3})+")
LANGUAGE_NAMES = {
    "ar": "العربية",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "ru": "Русский",
    "zh": "中文",
}


def shown(text: str) -> str:
    """Return a text as HTML that shows it as it is.

    A number in groups of digits is kept in its order where the text runs from the right: there,
    "10 000" would else be shown as "000 10".
    """
    return _GROUPED_DIGITS.sub(r'<bdi dir="ltr">\g<0></bdi>', escape(text))


def language_name(tag: str) -> str:
    """Return what a language calls itself, or its tag."""
    return LANGUAGE_NAMES.get(tag, tag)


def question(text: str) -> str:
    """Return a question as it was asked."""
    return f'<p class="question" dir="auto">{shown(text)}</p>'


def answer(quotes: Iterable[tuple[Quote, Sequence[Citation]]]) -> str:
    """Return an answer's quotes, or those that have arrived, each with its markers."""
    return f'<div class="answer" dir="auto">{"".join(_quote(*cited) for cited in quotes)}</div>'


def _quote(quote: Quote, citations: Iterable[Citation]) -> str:
    """Return a quote: a row with its header as a small table, anything else as a paragraph."""
    marks = "".join(f' <span class="marker">{c.marker}</span>' for c in citations)
    if quote.shape != "row" or not quote.cells:
        item = ' class="item"' if quote.shape == "item" else ""
        return f'<p{item} dir="auto">{shown(quote.text)}{marks}</p>'
    head = "".join(f'<th dir="auto">{shown(cell)}</th>' for cell in quote.header or ())
    cells = "".join(f'<td dir="auto">{shown(cell)}</td>' for cell in quote.cells)
    header = f"<tr>{head}<th></th></tr>" if head else ""
    return f"<table>{header}<tr>{cells}<td>{marks}</td></tr></table>"


def notice(text: str) -> str:
    """Return the assistant's own words."""
    return f'<p class="notice" dir="auto">{shown(text)}</p>'


def heading(name: str, language: str) -> str:
    """Return a small heading of the answer in the language of the question."""
    return f'<h4 class="label" dir="auto">{shown(phrase(name, language))}</h4>'


def source(citation: Citation, around: Surroundings, language: str, token: str) -> str:
    """Return the card of a citation: where the quote stands, and the quote in its surroundings.

    The first card is open; the others open at a click, so that the answer stays in sight.
    """
    edition = citation.edition and phrase("edition", language, edition=citation.edition)
    facts = [citation.number, edition, citation.published, _place(citation, language)]
    quote = f"<mark>{shown(around.quote)}</mark>"
    return f"""<article class="source" dir="auto"><details{" open" if citation.marker == 1 else ""}>
<summary><span class="marker">{citation.marker}</span> {shown(citation.title)}
{_facts(facts)}</summary>
{_section(citation.section, citation.title)}
<blockquote dir="auto">{shown(around.before)}{quote}{shown(around.after)}</blockquote>
<footer>{_document_link(citation.document_id, phrase("open_document", language), token)}</footer>
</details></article>"""


def nearest(hit: Hit, language: str, token: str) -> str:
    """Return the card of a passage that came near without answering."""
    facts = [hit.document.number, hit.document.published, _page_of(hit, language)]
    return f"""<article class="source" dir="auto"><details>
<summary>{shown(hit.document.title)}
{_facts(facts)}</summary>
{_section(hit.passage.section, hit.document.title)}
<blockquote dir="auto">{shown(hit.passage.text)}</blockquote>
<footer>{_document_link(hit.document.id, phrase("open_document", language), token)}</footer>
</details></article>"""


def catalogue_card(indexed: IndexedDocument, replaced_by: Document | None, token: str) -> str:
    """Return the card of a document in the list."""
    document = indexed.document
    facts = [*_particulars(document), f"{indexed.end - indexed.first} passages"]
    address = _document_address(document.id, token)
    return f"""<article class="document" dir="auto">
<h5><a href="{address}" target="_self">{shown(document.title)}</a></h5>
{_facts(facts)}
{_standing(replaced_by, token)}
</article>"""


def document_head(
    document: Document,
    replaced_by: Document | None,
    relatives: Sequence[tuple[str, Document]],
    token: str,
) -> str:
    """Return what is known of a document, with links to its other editions and languages."""
    links = "".join(
        f"<li>{shown(relation)}: <bdi>{_document_link(other.id, other.title, token)}</bdi>"
        f" ({shown(_edition(other))})</li>"
        for relation, other in relatives
    )
    items = "".join(f'<li dir="auto">{shown(text)}</li>' for text in document.sources)
    sources = f"<details><summary>Where its facts come from</summary><ul>{items}</ul></details>"
    address = f"<p>Published at <bdi>{shown(document.url)}</bdi></p>" if document.url else ""
    return f"""<article class="document" dir="auto">
<h3>{shown(document.title)}</h3>
{_facts([*_particulars(document), document.path])}
{_standing(replaced_by, token)}{address}
{f"<ul>{links}</ul>" if links else ""}
{sources if items else ""}
</article>"""


def section(title: str, passages: Iterable[tuple[Passage, str]], is_open: bool) -> str:
    """Return a section that opens and closes, with its passages and their places."""
    body = "".join(
        f'<div class="passage"><p class="facts">{shown(place)}</p>'
        f'<blockquote dir="auto">{shown(passage.text)}</blockquote></div>'
        for passage, place in passages
    )
    return f"""<details class="section" dir="auto"{" open" if is_open else ""}>
<summary>{shown(title)}</summary>{body}</details>"""


def problem(title: str, text: str) -> str:
    """Return a card that says what is wrong and what to do."""
    return f"""<article class="problem" dir="auto"><h5>{shown(title)}</h5>
<p class="command">{shown(text)}</p></article>"""


def particulars(pairs: Iterable[tuple[str, str]]) -> str:
    """Return short facts with their labels, one below the other."""
    rows = "".join(f"<dt>{shown(label)}</dt><dd>{shown(value)}</dd>" for label, value in pairs)
    return f'<dl class="particulars">{rows}</dl>'


def _particulars(document: Document) -> list[str | None]:
    """Return number, type, edition, date, language and format."""
    ending = document.path.rpartition(".")[2].upper()
    edition = f"edition {document.edition}" if document.edition else None
    language = language_name(document.language)
    return [document.number, document.type, edition, document.published, language, ending]


def _edition(document: Document) -> str:
    return document.edition or document.published or language_name(document.language)


def _standing(replaced_by: Document | None, token: str) -> str:
    if replaced_by is None:
        return ""
    link = _document_link(replaced_by.id, _edition(replaced_by), token)
    return f'<p class="replaced">Replaced by a newer edition: <bdi>{link}</bdi></p>'


def _facts(facts: Iterable[str | None]) -> str:
    joined = " · ".join(f"<bdi>{shown(fact)}</bdi>" for fact in facts if fact)
    return f'<p class="facts">{joined}</p>'


def _section(path: Sequence[str], title: str) -> str:
    """Return the heading path, without the document's own title."""
    inner = path[1:] if path and fold(path[0]) == fold(title) else path
    joined = " › ".join(f"<bdi>{shown(heading)}</bdi>" for heading in inner)
    return f'<p class="path">{joined}</p>' if inner else ""


def _place(citation: Citation, language: str) -> str | None:
    if citation.page is None:
        return None
    if citation.printed_page:
        numbers = {"printed": citation.printed_page, "page": str(citation.page)}
        return phrase("page_printed", language, **numbers)
    return phrase("page_of_file", language, page=str(citation.page))


def _page_of(hit: Hit, language: str) -> str | None:
    if not hit.document.paged:
        return None
    return phrase("page_of_file", language, page=str(hit.passage.first_page))


def _document_link(document_id: str, text: str, token: str) -> str:
    address = _document_address(document_id, token)
    return f'<a href="{address}" target="_blank">{shown(text)}</a>'


def _document_address(document_id: str, token: str) -> str:
    """Return the address of a document's page, in the conversation of this token."""
    return escape("documents?" + urlencode({"document": document_id, "conversation": token}))
