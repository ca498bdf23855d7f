"""PDF: pages with their printed numbers, by pypdf."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pypdf
from pypdf.errors import DependencyError, PyPdfError

from corpus.errors import UnreadableDocumentError
from ingest.formats.page_numbers import printed_numbers, without_running_lines
from ingest.formats.pdf_lines import paragraph_lines, placed_lines
from ingest.reading import Block, Reading, ReadPage
from ingest.structure import blocks_of, body_size

# pypdf reports every oddity of a file; what matters of them arrives as an exception or as text.
logging.getLogger("pypdf").setLevel(logging.ERROR)
_MARK = b"%PDF-"
# The last line of a PDF (ISO 32000-1, 7.5.5); some writers add a little after it.
_END_MARK = b"%%EOF"
_TAIL = 4096
_SHORT_LINE_WORDS = 15
_SENTENCE_END = (".", "!", "?", ":", ";", "。", "！", "？", "؟", "”", "»", '"')


def read(path: Path) -> Reading:
    """Read a PDF page by page.

    Raises UnreadableDocumentError for a file that is encrypted, damaged or no PDF.
    """
    with path.open("rb") as file:
        if _MARK not in file.read(1024):
            raise UnreadableDocumentError(
                "The file is no PDF, whatever its ending. Give it the ending of its real format."
            )
        file.seek(max(path.stat().st_size - _TAIL, 0))
        if _END_MARK not in file.read():
            raise UnreadableDocumentError(
                "The PDF is damaged: its end is missing, as after a broken download. "
                "Fetch or export it again."
            )
    try:
        return _read(path)
    except UnreadableDocumentError:
        raise
    except DependencyError as error:
        raise UnreadableDocumentError(
            f"The PDF is encrypted in a way not supported ({error})."
        ) from error
    except (PyPdfError, *_MALFORMED) as error:
        raise UnreadableDocumentError(
            f"The PDF is damaged ({type(error).__name__}: {error}). "
            "Export it again from its source."
        ) from error


# What pypdf lets through when a file breaks the rules in a way that it does not foresee.
_MALFORMED = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError,
)  # fmt: skip


def _read(path: Path) -> Reading:
    reader = pypdf.PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocumentError("The PDF is encrypted. Remove its password.")
    placed = [placed_lines(page) for page in reader.pages]
    numbers = _numbers(reader, printed_numbers(placed))
    pages = [paragraph_lines(lines) for lines in without_running_lines(placed)]
    body = body_size([line for lines in pages for line in lines])
    blocks = [blocks_of(lines, body) for lines in pages]
    return Reading(
        tuple(
            ReadPage(tuple(page), number)
            for page, number in zip(_continued(blocks), numbers, strict=True)
        ),
        paged=True,
    )


def _numbers(reader: pypdf.PdfReader, printed: list[str | None]) -> list[str | None]:
    """Take the file's page labels where no page bears a number in its text."""
    if any(printed) or "/PageLabels" not in reader.root_object:
        return printed
    return [label or None for label in reader.page_labels]


def _continued(pages: Sequence[list[Block]]) -> list[list[Block]]:
    """Mark the paragraphs that go on from the page before, in mid-sentence."""
    continued: list[list[Block]] = []
    last: Block | None = None
    for blocks in pages:
        first = blocks[0] if blocks else None
        if first and last and _goes_on(last, first):
            continued.append([replace(first, continues=True), *blocks[1:]])
        else:
            continued.append(blocks)
        last = blocks[-1] if blocks else last
    return continued


def _goes_on(last: Block, first: Block) -> bool:
    if last.kind not in {"paragraph", "item"} or first.kind != "paragraph":
        return False
    if last.text.endswith(_SENTENCE_END):
        return False
    # A long text without an end goes on even with a name; a short one may be a line of its own.
    return not first.text[:1].isupper() or len(last.text.split()) > _SHORT_LINE_WORDS
