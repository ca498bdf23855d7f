"""HTML: headings, paragraphs, list items and table rows of the main content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Comment, Doctype, NavigableString, Tag

from corpus.errors import UnreadableDocumentError
from ingest.cleaning import clean
from ingest.reading import Block, BlockKind, Reading, ReadPage
from ingest.structure import CELL_SEPARATOR, LIST_BREAK, with_leads

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "form", "hr", "li", "main", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "header",
    "footer", *_HEADINGS,
}  # fmt: skip
_LISTS = {"ol", "ul"}
_DROPPED = (
    "script, style, template, noscript, nav, head, svg, iframe, object, button, select, input, "
    "textarea, [hidden], [aria-hidden=true], [style*='display:none'], [style*='display: none']"
)


def read(path: Path) -> Reading:
    """Read an HTML file as one text without pages."""
    content = path.read_bytes()
    if b"\0" in content[:1024] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableDocumentError(
            "The file holds binary data, not HTML. Give it the ending of its real format."
        )
    return Reading((ReadPage(tuple(html_blocks(content))),), paged=False)


def html_blocks(source: bytes | str) -> list[Block]:
    """Return the blocks of an HTML document or fragment."""
    soup = BeautifulSoup(source, "lxml")
    for tag in soup.select(_DROPPED):
        tag.decompose()
    for tag in soup.select("body > header, body > footer"):
        if tag.find(list(_HEADINGS)) is None:
            tag.decompose()
    root = soup.find("main") or soup.body or soup
    return with_leads(list(_flow(root, "paragraph"))) if isinstance(root, Tag) else []


def _flow(tag: Tag, kind: BlockKind) -> Iterator[Block]:
    """Yield a container's blocks: runs of inline text as ``kind``, block children as they are."""
    inline: list[str] = []
    for child in tag.children:
        if isinstance(child, Tag) and _is_block(child):
            yield from _closed(inline, kind)
            if _adjoins_a_list(child):
                yield LIST_BREAK
            yield from _block(child, kind)
        elif isinstance(child, Tag):
            inline.append("\n" if child.name == "br" else _inline_text(child))
        elif isinstance(child, NavigableString) and not isinstance(child, Comment | Doctype):
            inline.append(str(child))
    yield from _closed(inline, kind)


def _closed(inline: list[str], kind: BlockKind) -> Iterator[Block]:
    text = clean("".join(inline))
    inline.clear()
    if text:
        yield Block(kind, text)


def _block(tag: Tag, kind: BlockKind) -> Iterator[Block]:
    if tag.name in _HEADINGS:
        text = clean(_inline_text(tag))
        if text:
            yield Block("heading", text, level=_HEADINGS[tag.name])
    elif tag.name == "table":
        yield from _rows(tag)
    elif tag.name == "li":
        yield from _flow(tag, "item")
    else:
        yield from _flow(tag, kind if kind == "item" else "paragraph")


def _adjoins_a_list(tag: Tag) -> bool:
    """Tell whether a list comes right after another; one in an item is part of the outer list."""
    if tag.name not in _LISTS or tag.find_parent("li"):
        return False
    before = tag.previous_sibling
    while isinstance(before, NavigableString) and (isinstance(before, Comment) or before.isspace()):
        before = before.previous_sibling
    return isinstance(before, Tag) and before.name in _LISTS


def _rows(table: Tag) -> Iterator[Block]:
    caption = table.find("caption")
    if isinstance(caption, Tag) and clean(caption.get_text(" ")):
        yield Block("paragraph", clean(caption.get_text(" ")))
    for row in table.find_all("tr"):
        if row.find_parent("table") is not table:
            continue  # a table inside a cell is part of that cell's text
        cells = [clean(cell.get_text(" ")) for cell in row.find_all(["td", "th"], recursive=False)]
        text = CELL_SEPARATOR.join(cell for cell in cells if cell)
        if text:
            yield Block("row", text)


def _is_block(tag: Tag) -> bool:
    return tag.name in _BLOCKS or tag.find(list(_BLOCKS)) is not None


def _inline_text(tag: Tag) -> str:
    for line_break in tag.find_all("br"):
        line_break.replace_with("\n")
    return tag.get_text()
