"""A small corpus in every format, made on the fly, about an invented Lighthouse programme."""

from __future__ import annotations

from pathlib import Path

import docx
from reportlab.lib import pagesizes
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    ListFlowable,
    ListItem,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

TITLE = "Lighthouse programme: annual report"
OPENING = "The Lighthouse programme trains coastal observers to use artificial intelligence."
FIGURES = "In 2024 the programme trained 1,250 observers in 37 countries."
LEADER = "It is led by the Harbour Office, together with the Tidal Research Council."
ITEMS_LEAD = "The programme has three strands:"
ITEMS = (
    "Weather forecasting with machine learning.",
    "Detection of drifting containers by satellite.",
    "A help line for small ports, open day and night.",
)
HEADER = ("Year", "Observers", "Countries")
ROWS = (("2023", "980", "31"), ("2024", "1,250", "37"))
FUNDING = "The budget for 2025 is 4.2 million francs, of which a third is for training."
CLOSING = "The next meeting of the steering board will take place in Lisbon on 3 March 2026."
HEADINGS = ("Introduction", "Figures by year", "Funding and outlook")
SENTENCES = (TITLE, OPENING, FIGURES, LEADER, ITEMS_LEAD, *ITEMS, FUNDING, CLOSING, *HEADINGS)
ARABIC = "يدرب برنامج المنارة المراقبين الساحليين على استخدام الذكاء الاصطناعي."


def write_corpus(folder: Path) -> None:
    """Write the report as PDF, and another document in each other format."""
    folder.mkdir(parents=True, exist_ok=True)
    write_pdf(folder / "lighthouse.pdf")
    (folder / "meadow.md").write_text(
        "# Meadow network\n\n## Purpose\n\nThe Meadow network counts wild bees with cameras in "
        "210 gardens. It was founded in Ghent in 2019.\n\n## Members\n\n"
        "- The Garden Society\n- The Museum of Insects\n",
        encoding="utf-8",
    )
    (folder / "glacier.html").write_text(
        "<html><head><title>x</title></head><body><h1>Glacier watch</h1><p>Glacier watch measures "
        "the melting of ice with radar on 64 summits.</p><p>Its data are open since May 2022."
        "</p></body></html>",
        encoding="utf-8",
    )
    (folder / "river.txt").write_text(
        "River alert\nRiver alert warns villages of floods by text message. "
        "It reached 18 300 households in 2024.\n",
        encoding="utf-8",
    )


HOSTILE_TITLE = "<img src=x onerror=alert(1)> **Reef** [survey](https://evil.example) <script>"
HOSTILE_FILE = "[reef](x) <b onclick=alert(1)>.md"
HOSTILE = (
    "The reef survey of 2023 counted 512 corals, "
    "![](https://evil.example/pixel.png) <script>alert(1)</script> <img src=x onerror=alert(1)>."
)
_CATALOGUE = f"""
[[document]]
path = "lighthouse.pdf"
id = "lighthouse"
number = "LH/7"
edition = "2025"
type = "annual report"
published = 2025-05-02
supersedes = "lighthouse-2024"
sources = ["Harbour Office, yearly statistics"]

[[document]]
path = "lighthouse-2024.md"
id = "lighthouse-2024"
title = "{TITLE}"
number = "LH/7"
edition = "2024"
published = 2024-04-30

[[document]]
path = "meadow.md"
published = 2023

[[document]]
path = "board.txt"
title = "Note of the steering board"
audience = "members"

[[document]]
path = "{HOSTILE_FILE}"
title = "{HOSTILE_TITLE}"
number = "**R/1** <u>"
type = "<b>survey</b>"
"""


def write_catalogued_corpus(folder: Path) -> None:
    """Write the corpus with a catalogue: two editions, a members' note, and a hostile document."""
    write_corpus(folder)
    (folder / "lighthouse-2024.md").write_text(
        f"# {TITLE}\n\nThe budget for 2024 is 3.9 million francs.\n", encoding="utf-8"
    )
    (folder / "observers.txt").write_text(
        f"برنامج المنارة\n{ARABIC} ودُرّب 10 000 مراقب في عام 2024.\n", encoding="utf-8"
    )
    (folder / "board.txt").write_text(
        "Steering board\nThe board will ask for 77 new lamps at the closed meeting.\n",
        encoding="utf-8",
    )
    escaped = HOSTILE.replace("!", "\\!").replace("<", "\\<").replace("[", "\\[")
    (folder / HOSTILE_FILE).write_text(f"# Reef survey\n\n{escaped}\n", encoding="utf-8")
    (folder / "catalogue.toml").write_text(_CATALOGUE, encoding="utf-8")


def write_pdf(path: Path, body_repeats: int = 1, encrypt: str | None = None) -> None:
    """Write the report: a cover without number, then pages that print 1, 2, …"""
    styles = getSampleStyleSheet()
    body = styles["BodyText"]
    story = [
        Spacer(1, 200),
        Paragraph(TITLE, styles["Title"]),
        PageBreak(),
        Paragraph(f"1 {HEADINGS[0]}", styles["Heading1"]),
        Paragraph(" ".join([f"{OPENING} {FIGURES} {LEADER}"] * body_repeats), body),
        Paragraph(ITEMS_LEAD, body),
        ListFlowable([ListItem(Paragraph(item, body)) for item in ITEMS], bulletType="bullet"),
        Paragraph(f"2 {HEADINGS[1]}", styles["Heading1"]),
        Table([HEADER, *ROWS]),
        PageBreak(),
        Paragraph(f"3 {HEADINGS[2]}", styles["Heading1"]),
        Paragraph(f"{FUNDING} {CLOSING}", body),
    ]
    encryption = StandardEncryption(encrypt, canPrint=1) if encrypt else None
    document = SimpleDocTemplate(str(path), pagesize=pagesizes.A4, encrypt=encryption)
    document.build(story, onLaterPages=_running_lines)


def _running_lines(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(72, 810, "Lighthouse programme – annual report")
    canvas.drawCentredString(300, 30, f"Page {document.page - 1}")


def write_docx(path: Path) -> None:
    """Write the report's content as DOCX."""
    document = docx.Document()
    document.add_heading(TITLE, 0)
    document.add_heading(HEADINGS[0], 1)
    document.add_paragraph(f"{OPENING} {FIGURES} {LEADER}")
    document.add_paragraph(ITEMS_LEAD)
    for item in ITEMS:
        document.add_paragraph(item, style="List Bullet")
    document.add_heading(HEADINGS[1], 1)
    table = document.add_table(rows=0, cols=3)
    for row in (HEADER, *ROWS):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_heading(HEADINGS[2], 1)
    document.add_paragraph(f"{FUNDING} {CLOSING}")
    document.save(str(path))


def write_html(path: Path) -> None:
    """Write the report's content as HTML, with what a reader must leave out."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in (HEADER, *ROWS)
    )
    items = "".join(f"<li>{item}</li>" for item in ITEMS)
    path.write_text(
        f"<html><head><title>no</title><script>no()</script></head><body><nav>no</nav>"
        f"<h1>{TITLE}</h1><h2>{HEADINGS[0]}</h2><p>{OPENING} {FIGURES} {LEADER}</p>"
        f"<p>{ITEMS_LEAD}</p><ul>{items}</ul><h2>{HEADINGS[1]}</h2><table>{rows}</table>"
        f"<h2>{HEADINGS[2]}</h2><p>{FUNDING}<br>{CLOSING}</p><p hidden>no</p></body></html>",
        encoding="utf-8",
    )


def write_markdown(path: Path) -> None:
    """Write the report's content as Markdown."""
    rows = "\n".join(f"| {' | '.join(row)} |" for row in ROWS)
    items = "\n".join(f"- {item}" for item in ITEMS)
    path.write_text(
        f"# {TITLE}\n\n## {HEADINGS[0]}\n\n{OPENING} {FIGURES}\n{LEADER}\n\n{ITEMS_LEAD}\n\n"
        f"{items}\n\n## {HEADINGS[1]}\n\n| {' | '.join(HEADER)} |\n|---|---|---|\n{rows}\n\n"
        f"## {HEADINGS[2]}\n\n{FUNDING} {CLOSING}\n",
        encoding="utf-8",
    )


def write_plain_text(path: Path) -> None:
    """Write the report's content as text with one line per paragraph, and some debris."""
    items = "\n".join(f"–\t{item}" for item in ITEMS)
    rows = "\n".join("\t".join(row) for row in (HEADER, *ROWS))
    path.write_text(
        f"{TITLE}\n{HEADINGS[0]}\n[bookmark: _Hlk1]{OPENING} {FIGURES} {LEADER}\n<\n{ITEMS_LEAD}\n"
        f"{items}\n_______________\n{HEADINGS[1]}\n{rows}\n{HEADINGS[2]}\n{FUNDING} {CLOSING}\n",
        encoding="utf-8",
    )


WRITERS = {
    "report.pdf": write_pdf,
    "report.docx": write_docx,
    "report.html": write_html,
    "report.md": write_markdown,
    "report.txt": write_plain_text,
}
