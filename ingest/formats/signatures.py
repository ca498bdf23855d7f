"""What a file is by its first bytes, whatever its ending says."""

from __future__ import annotations

from pathlib import Path

# First bytes → what such a file is, and the endings that it may have.
_SIGNATURES: tuple[tuple[bytes, str, frozenset[str]], ...] = (
    (b"%PDF-", "a PDF", frozenset({".pdf"})),
    (b"PK\x03\x04", "a ZIP container, such as DOCX", frozenset({".docx"})),
    (b"\xd0\xcf\x11\xe0", "a DOC of the older format or an encrypted DOCX", frozenset({".docx"})),
    (b"{\\rtf", "an RTF", frozenset()),
    (b"\x89PNG", "a PNG image", frozenset()),
    (b"\xff\xd8\xff", "a JPEG image", frozenset()),
    (b"GIF8", "a GIF image", frozenset()),
    (b"II*\x00", "a TIFF image", frozenset()),
    (b"MM\x00*", "a TIFF image", frozenset()),
    (b"\x1f\x8b", "a GZIP archive", frozenset()),
    (b"7z\xbc\xaf", "a 7-Zip archive", frozenset()),
    (b"\x7fELF", "a program", frozenset()),
    (b"MZ\x90", "a program", frozenset()),
    (b"SQLite format 3", "a database", frozenset()),
    (b"<!doctype html", "an HTML page", frozenset({".htm", ".html"})),
    (b"<html", "an HTML page", frozenset({".htm", ".html"})),
)
_LONGEST = 64
_BLANKS = b"\xef\xbb\xbf \t\r\n"


def mislabelled(path: Path) -> str | None:
    """Return what a file is where its ending says otherwise, as "a PDF"; else None."""
    with path.open("rb") as file:
        start = file.read(_LONGEST)
    text = start.lstrip(_BLANKS).lower()
    for signature, name, endings in _SIGNATURES:
        if start.startswith(signature) or text.startswith(signature.lower()):
            return None if path.suffix.lower() in endings else name
    return None
