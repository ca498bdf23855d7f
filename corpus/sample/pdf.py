"""A briefing as PDF: a cover, then pages with a running head and their own count."""

from __future__ import annotations

import functools
import html
from pathlib import Path

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Spacer,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from corpus.sample.briefing import Block, Briefing, Heading, Items, Paragraph, Table

_INK = HexColor("#1b2733")
_ACCENT = HexColor("#0b6fa4")
_PALE = HexColor("#e8f1f7")
_MARGIN = 25 * mm
_REGULAR, _BOLD = "Vera", "VeraBd"
_BODY = ParagraphStyle(
    "body", fontName=_REGULAR, fontSize=10, leading=15, spaceAfter=7, textColor=_INK
)
_CELL = ParagraphStyle("cell", parent=_BODY, fontSize=9, leading=12, spaceAfter=0)
_HEAD_CELL = ParagraphStyle("head cell", parent=_CELL, fontName=_BOLD)
_TITLE = ParagraphStyle(
    "title", parent=_BODY, fontName=_BOLD, fontSize=23, leading=30, alignment=TA_LEFT
)
_HEADINGS = {
    1: ParagraphStyle(
        "heading", parent=_BODY, fontName=_BOLD, fontSize=14, leading=19, spaceBefore=10,
        textColor=_ACCENT,
    ),
    2: ParagraphStyle("subheading", parent=_BODY, fontName=_BOLD, fontSize=11.5, spaceBefore=6),
}  # fmt: skip


def write(briefing: Briefing, path: Path) -> None:
    """Write the briefing; the same briefing always gives the same bytes."""
    _register_fonts()
    width, height = A4
    frame = Frame(_MARGIN, _MARGIN, width - 2 * _MARGIN, height - 2 * _MARGIN, showBoundary=0)
    pages = functools.partial(_draw_page, briefing=briefing)
    document = BaseDocTemplate(
        str(path),
        pagesize=A4,
        invariant=1,
        title=briefing.title,
        subject=f"{briefing.words.kind} {briefing.number}",
        lang=briefing.language,
        pageTemplates=[
            PageTemplate("cover", [frame], onPage=_draw_cover),
            PageTemplate("pages", [frame], onPage=pages),
        ],
    )
    document.build([*_cover(briefing), *_body(briefing)])


def _register_fonts() -> None:
    fonts = Path(reportlab.__file__).parent / "fonts"
    for name in (_REGULAR, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(fonts / f"{name}.ttf")))


def _draw_cover(canvas: Canvas, _document: BaseDocTemplate) -> None:
    width, height = A4
    canvas.setFillColor(_ACCENT)
    canvas.rect(0, height - 18 * mm, width, 18 * mm, stroke=0, fill=1)


def _draw_page(canvas: Canvas, document: BaseDocTemplate, briefing: Briefing) -> None:
    """Draw the running head, and the printed number: the cover is not counted."""
    width, height = A4
    canvas.setFont(_REGULAR, 8)
    canvas.setFillColor(_INK)
    canvas.drawString(_MARGIN, height - 15 * mm, f"{briefing.words.kind} {briefing.number}")
    canvas.drawRightString(width - _MARGIN, height - 15 * mm, briefing.edition)
    canvas.setStrokeColor(_ACCENT)
    canvas.line(_MARGIN, height - 17 * mm, width - _MARGIN, height - 17 * mm)
    canvas.drawCentredString(width / 2, 14 * mm, str(document.page - 1))


def _cover(briefing: Briefing) -> list[Flowable]:
    particulars = [
        [Text(_escaped(label), _HEAD_CELL), Text(_escaped(value), _CELL)]
        for label, value in briefing.particulars
    ]
    return [
        Spacer(1, 45 * mm),
        Text(_escaped(f"{briefing.words.kind} {briefing.number}"), _HEADINGS[1]),
        Spacer(1, 6 * mm),
        Text(_escaped(briefing.title), _TITLE),
        Spacer(1, 12 * mm),
        Grid(particulars, colWidths=[35 * mm, 100 * mm], hAlign="LEFT"),
        Spacer(1, 40 * mm),
        Text(_escaped(briefing.words.notice), _BODY),
        NextPageTemplate("pages"),
        PageBreak(),
    ]


def _body(briefing: Briefing) -> list[Flowable]:
    """Return the blocks; a heading stays with what follows it."""
    flowables: list[Flowable] = []
    headings: list[Flowable] = []
    for block in briefing.blocks:
        drawn = _drawn(block)
        if isinstance(block, Heading):
            headings.append(drawn)
            continue
        flowables.append(KeepTogether([*headings, drawn]) if headings else drawn)
        headings = []
    return flowables + headings


def _drawn(block: Block) -> Flowable:
    match block:
        case Heading():
            return Text(_escaped(block.text), _HEADINGS[block.level])
        case Paragraph():
            return Text(_escaped(block.text), _BODY)
        case Items():
            items = [ListItem(Text(_escaped(text), _BODY)) for text in block.texts]
            if block.ordered:
                return ListFlowable(items, bulletFontName=_REGULAR, bulletFormat="%s.")
            return ListFlowable(items, bulletType="bullet", start="–", bulletFontName=_REGULAR)
        case Table():
            return _grid(block)


def _grid(table: Table) -> Flowable:
    rows = [
        [Text(_escaped(cell), _HEAD_CELL if n == 0 else _CELL) for cell in row]
        for n, row in enumerate(table.rows)
    ]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BACKGROUND", (0, 0), (-1, 0), _PALE),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _ACCENT),
    ]
    return Grid(
        rows,
        colWidths=_column_widths(table),
        style=style,
        spaceAfter=10,
        spaceBefore=4,
        repeatRows=1,
    )


def _column_widths(table: Table) -> list[float]:
    """Return widths that let no cell wrap; where that does not fit, the widest column gives way."""
    natural = [
        max(stringWidth(row[n], _BOLD, _CELL.fontSize) for row in table.rows) + 5 * mm
        for n in range(len(table.rows[0]))
    ]
    width = A4[0] - 2 * _MARGIN - 4 * mm
    widest = natural.index(max(natural))
    natural[widest] = width - sum(natural) + natural[widest]
    return natural


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
