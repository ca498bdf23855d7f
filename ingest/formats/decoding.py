"""Decoding of text files."""

from __future__ import annotations

import codecs
from pathlib import Path

from corpus.errors import UnreadableDocumentError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """Return a text file's content: UTF-8, or UTF-16 where a byte-order mark says so.

    Raises UnreadableDocumentError, naming the first byte that does not fit; a guess at
    another encoding could put wrong letters into quotes.
    """
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableDocumentError(
            f"The file is not {encoding.removesuffix('-sig').upper()} text (byte {error.start}). "
            "Save it as UTF-8."
        ) from error
    if "\0" in text:
        raise UnreadableDocumentError(
            "The file holds binary data, not text. Give it the ending of its real format."
        )
    return text
