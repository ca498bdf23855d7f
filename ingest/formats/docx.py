"""DOCX: paragraphs, list items and table rows in document order, headings by style."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn

from corpus.errors import UnreadableDocumentError
from ingest.cleaning import clean
from ingest.reading import Block, Reading, ReadPage
from ingest.structure import CELL_SEPARATOR, with_leads

_OLE = b"\xd0\xcf\x11\xe0"  # the container of encrypted documents and of the older .doc
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Text that a reader does not see: deleted or moved away, field codes, a second copy of a drawing.
_UNSEEN = {qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), _FALLBACK}
_CHARACTERS = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "\u2011",
}
_BODY_LEVEL = 9


def read(path: Path) -> Reading:
    """Read a DOCX file as one text: the format knows no pages before it is laid out."""
    with path.open("rb") as file:
        if file.read(4) == _OLE:
            raise UnreadableDocumentError(
                "The file is encrypted, or a DOC of the older format. "
                "Remove the password and save it as DOCX."
            )
    try:
        document = docx.Document(str(path))
        blocks = with_leads(list(_blocks(document)))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, SyntaxError) as error:
        # SyntaxError: lxml's errors for XML that is cut off or damaged are of that kind.
        raise UnreadableDocumentError(
            f"The file is damaged or no DOCX ({error}). "
            "Open it in a word processor and save it again."
        ) from error
    return Reading((ReadPage(tuple(blocks)),), paged=False)


def _blocks(document: Any) -> Iterator[Block]:
    levels = _heading_levels(document)
    for element in document.element.body.iter(qn("w:p"), qn("w:tbl")):
        if _inside_table(element):
            continue
        if element.tag == qn("w:tbl"):
            yield from _rows(element)
            continue
        text = clean(_text(element))
        if text:
            yield _paragraph(element, text, levels)


def _paragraph(element: Any, text: str, levels: dict[str, int]) -> Block:
    style = element.style or ""
    level = _outline_level(element) or levels.get(style, 0)
    if level:
        return Block("heading", text, level=level)
    numbered = element.pPr is not None and element.pPr.numPr is not None
    if numbered or "list" in style.lower():
        return Block("item", text.lstrip("-–•· \t"))
    return Block("paragraph", text)


def _heading_levels(document: Any) -> dict[str, int]:
    """Return the outline level of each paragraph style, by style id, inherited ones included."""
    levels: dict[str, int] = {}
    for style in document.styles:
        chain, base = [], style
        while base is not None and base not in chain:
            chain.append(base)
            base = getattr(base, "base_style", None)
        for ancestor in chain:
            level = _outline_level(ancestor.element)
            if level or ancestor.style_id == "Title":
                levels[style.style_id] = level or 1
                break
    return levels


def _outline_level(element: Any) -> int:
    found = element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
    level = int(found.get(qn("w:val"))) if found is not None else _BODY_LEVEL
    return 0 if level >= _BODY_LEVEL else level + 1


def _inside_table(element: Any) -> bool:
    return next(element.iterancestors(qn("w:tbl")), None) is not None


def _rows(table: Any) -> Iterator[Block]:
    for row in table.iterchildren(qn("w:tr")):
        cells = [clean(_cell_text(cell)) for cell in row.iterchildren(qn("w:tc"))]
        text = CELL_SEPARATOR.join(cell for cell in cells if cell)
        if text:
            yield Block("row", text)


def _cell_text(cell: Any) -> str:
    return " ".join(_text(paragraph) for paragraph in cell.iter(qn("w:p")))


def _text(element: Any) -> str:
    """Return the text that a reader sees: inserted text included, deleted text left out."""
    if element.tag in _UNSEEN:
        return ""
    if element.tag == qn("w:t"):
        return element.text or ""
    if element.tag in _CHARACTERS:
        return _CHARACTERS[element.tag]
    return "".join(_text(child) for child in element)
