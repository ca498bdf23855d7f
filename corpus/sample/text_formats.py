"""A briefing as HTML, as Markdown and as plain text."""

from __future__ import annotations

import textwrap
from html import escape
from pathlib import Path

from corpus.sample.briefing import Block, Briefing, Heading, Items, Paragraph, Table

_WIDTH = 78


def write_html(briefing: Briefing, path: Path) -> None:
    """Write the briefing as one HTML page."""
    words = briefing.words
    particulars = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>\n"
        for label, value in briefing.particulars
    )
    body = "\n".join(_as_html(block) for block in briefing.blocks)
    page = f"""<!DOCTYPE html>
<html lang="{briefing.language}" dir="{words.direction}">
<head>
<meta charset="utf-8">
<title>{escape(briefing.title)}</title>
</head>
<body>
<header>{escape(words.kind)} {escape(briefing.number)}</header>
<main>
<h1>{escape(briefing.title)}</h1>
<dl>
{particulars}</dl>
<p>{escape(words.notice)}</p>
{body}
</main>
</body>
</html>
"""
    path.write_text(page, encoding="utf-8")


def write_markdown(briefing: Briefing, path: Path) -> None:
    """Write the briefing as Markdown with tables."""
    particulars = "\n".join(f"- {label}: {value}" for label, value in briefing.particulars)
    head = f"# {briefing.title}\n\n{particulars}\n\n> {briefing.words.notice}"
    blocks = [head, *(_as_markdown(block) for block in briefing.blocks)]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def write_plain_text(briefing: Briefing, path: Path) -> None:
    """Write the briefing as text wrapped at a width, as e-mail and old systems have it."""
    head = [
        briefing.title,
        "\n".join(f"{label}: {value}" for label, value in briefing.particulars),
        _wrapped(briefing.words.notice),
    ]
    blocks = [*head, *(_as_plain_text(block) for block in briefing.blocks)]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _as_html(block: Block) -> str:
    match block:
        case Heading():
            level = block.level + 1
            return f"<h{level}>{escape(block.text)}</h{level}>"
        case Paragraph():
            return f"<p>{escape(block.text)}</p>"
        case Items():
            tag = "ol" if block.ordered else "ul"
            items = "".join(f"<li>{escape(text)}</li>\n" for text in block.texts)
            return f"<{tag}>\n{items}</{tag}>"
        case Table():
            head, *rows = (_html_row(row, "td" if n else "th") for n, row in enumerate(block.rows))
            body = "\n".join(rows)
            return f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _html_row(row: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"


def _as_markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * (block.level + 1)} {block.text}"
        case Paragraph():
            return block.text
        case Items():
            return "\n".join(f"{mark} {text}" for mark, text in _marked(block))
        case Table():
            lines = ["| " + " | ".join(row) + " |" for row in block.rows]
            return "\n".join([lines[0], "| --- " * len(block.rows[0]) + "|", *lines[1:]])


def _as_plain_text(block: Block) -> str:
    match block:
        case Heading():
            return block.text
        case Paragraph():
            return _wrapped(block.text)
        case Items():
            return "\n".join(_wrapped(text, f"{mark} ") for mark, text in _marked(block))
        case Table():
            widths = [max(len(row[n]) for row in block.rows) for n in range(len(block.rows[0]))]
            return "\n".join(
                "    ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                for row in block.rows
            )


def _marked(items: Items) -> list[tuple[str, str]]:
    """Return each item with the mark that stands before it."""
    return [(f"{n}." if items.ordered else "-", text) for n, text in enumerate(items.texts, 1)]


def _wrapped(text: str, mark: str = "") -> str:
    indent = " " * len(mark)
    return textwrap.fill(text, _WIDTH, initial_indent=mark, subsequent_indent=indent)
