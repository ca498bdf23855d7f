"""The file formats: one module each, imported only when such a file is read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from corpus.errors import UnreadableDocumentError
from ingest.formats.signatures import mislabelled
from ingest.reading import Reading

# File ending → module with a function `read(path) -> Reading`.
FORMATS: dict[str, str] = {
    ".docx": "ingest.formats.docx",
    ".htm": "ingest.formats.html",
    ".html": "ingest.formats.html",
    ".markdown": "ingest.formats.markdown",
    ".md": "ingest.formats.markdown",
    ".pdf": "ingest.formats.pdf",
    ".txt": "ingest.formats.plain_text",
}


def read(path: Path) -> Reading:
    """Read a document into pages of clean blocks.

    Raises UnreadableDocumentError, with a reason in plain words, when the format is not
    known, the file is empty, damaged, encrypted or mislabelled, or holds no text.
    """
    reason = refusal(path)
    if reason:
        raise UnreadableDocumentError(reason)
    reading: Reading = import_module(FORMATS[path.suffix.lower()]).read(path)
    if not any(block.text for page in reading.pages for block in page.blocks):
        raise UnreadableDocumentError(
            "The file holds no text; its pages may be scanned images. "
            "Run text recognition (OCR) on it, or take a version with text."
        )
    return reading


def refusal(path: Path) -> str | None:
    """Return why a file cannot be read, as far as its ending and first bytes tell; else None."""
    if path.suffix.lower() not in FORMATS:
        return (
            f"The format {path.suffix or 'without ending'} is not supported. "
            f"Convert the file to one of {', '.join(sorted(FORMATS))}."
        )
    if path.stat().st_size == 0:
        return "The file is empty. Replace it with the whole document."
    found = mislabelled(path)
    if found:
        return (
            f"The file is {found}, whatever its ending says. Give it the ending of its real format."
        )
    return None
