"""A briefing as DOCX, with Word's own styles for headings, lists and tables."""

from __future__ import annotations

import datetime
import zipfile
from io import BytesIO
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.shared import Pt
from docx.text.paragraph import Paragraph as Text

from corpus.sample.briefing import Block, Briefing, Heading, Items, Paragraph, Table

_ZIP_DATE = (2000, 1, 1, 0, 0, 0)


def write(briefing: Briefing, path: Path) -> None:
    """Write the briefing; the same briefing always gives the same bytes."""
    document = docx.Document()
    document.styles["Normal"].font.size = Pt(11)
    date = datetime.datetime.fromisoformat(briefing.published).replace(tzinfo=datetime.UTC)
    properties = document.core_properties
    properties.title, properties.author = briefing.title, briefing.words.kind
    properties.language = briefing.language
    properties.created = properties.modified = date

    document.add_paragraph(f"{briefing.words.kind} {briefing.number}", "Subtitle")
    document.add_paragraph(briefing.title, "Title")
    _add_rows(document, briefing.particulars)
    document.add_paragraph(briefing.words.notice, "Intense Quote")
    for block in briefing.blocks:
        _add(document, block)
    document.sections[0].header.paragraphs[0].text = f"{briefing.words.kind} {briefing.number}"
    if briefing.words.direction == "rtl":
        _turn(document)
    _save(document, path)


def _add(document: Document, block: Block) -> None:
    match block:
        case Heading():
            document.add_heading(block.text, block.level)
        case Paragraph():
            document.add_paragraph(block.text)
        case Items():
            for text in block.texts:
                document.add_paragraph(text, "List Number" if block.ordered else "List Bullet")
        case Table():
            _add_rows(document, block.rows)


def _add_rows(document: Document, rows: tuple[tuple[str, ...], ...]) -> None:
    table = document.add_table(len(rows), len(rows[0]), "Light Grid Accent 1")
    for cells, row in zip(table.rows, rows, strict=True):
        for cell, text in zip(cells.cells, row, strict=True):
            cell.text = text
    document.add_paragraph()


def _turn(document: Document) -> None:
    """Set the whole document from right to left."""
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    header = document.sections[0].header.paragraphs
    inside = [paragraph for cell in cells for paragraph in cell.paragraphs]
    for paragraph in [*document.paragraphs, *inside, *header]:
        _turn_paragraph(paragraph)
    for table in document.tables:
        table._tbl.tblPr.append(OxmlElement("w:bidiVisual"))


def _turn_paragraph(paragraph: Text) -> None:
    # In a right-to-left paragraph, Word's "left" is where the lines begin: the right.
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(OxmlElement("w:bidi"), "w:spacing", "w:ind", "w:jc", "w:rPr")
    for run in paragraph.runs:
        run.font.rtl = True


def _save(document: Document, path: Path) -> None:
    """Save with a fixed date on each part of the zip archive."""
    buffer = BytesIO()
    document.save(buffer)
    with (
        zipfile.ZipFile(buffer) as written,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in written.namelist():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), written.read(name),
                             zipfile.ZIP_DEFLATED)  # fmt: skip
