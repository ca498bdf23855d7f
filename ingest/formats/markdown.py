"""Markdown: CommonMark with tables, read through the HTML that it stands for."""

from __future__ import annotations

from pathlib import Path

from markdown_it import MarkdownIt

from ingest.formats.decoding import read_text
from ingest.formats.html import html_blocks
from ingest.reading import Reading, ReadPage


def read(path: Path) -> Reading:
    """Read a Markdown file as one text without pages."""
    rendered = MarkdownIt("commonmark").enable("table").render(read_text(path))
    return Reading((ReadPage(tuple(html_blocks(rendered))),), paged=False)
