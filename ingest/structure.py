"""Finding headings, paragraphs, items and rows in lines of text that carry no mark-up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.cleaning import clean
from ingest.reading import Block

CELL_SEPARATOR = " | "
# Between two lists without a text in between: an empty line, as in the source. The line that
# introduces one list says nothing about the other.
LIST_BREAK = Block("paragraph", "")
# Word and PDF fonts draw bullets as letters of symbol fonts, which arrive as private-use codes.
_BULLET = re.compile(r"^(?:[-–—•▪▫◦‣·*●○■□➢➤✓❖\u007f\uf0a7\uf0b7\uf0d8]|o(?=\s))[\s\u00a0]+(?=\S)")
_NUMBERED_ITEM = re.compile(r"^(?:\(?[a-z]{1,4}\)|\(\d{1,2}\)|\d{1,2}\)|\d{1,2}\.)[\s\u00a0]+\S")
_SECTION_NUMBER = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*)\.?[\s\u00a0]+[^\W\d_]")
_CLOSING = (".", "!", "?", ";", ":", ",", "。", "；", "：", "，", "؟", "؛", "،", "…")
_MAX_HEADING_WORDS = 14
_MAX_COLUMN_NAME_WORDS = 5
_MAX_HEADING_CHARACTERS = 120
_HAN = re.compile(r"[\u3400-\u9fff]")
_MAX_HEADING_HAN = 40


@dataclass(frozen=True)
class Line:
    """One line as a reader found it.

    ``starts`` says that white space or a change of place sets it off from the line before.
    ``cells`` are the columns of a table row. ``size`` is the font's, in points, 0 where the
    format has none; ``bold`` likewise.
    """

    text: str
    starts: bool = True
    cells: tuple[str, ...] = ()
    size: float = 0.0
    bold: bool = False


def blocks_of(lines: Sequence[Line], body: float = 0.0) -> list[Block]:
    """Turn the lines of a page or of a whole text into blocks, in their order.

    Headings are recognised by shape: short, not closed by punctuation, opening with a capital, a
    number or a letter of a script without capitals, followed by text; where the format has
    fonts, they must also be larger than the body (its size, in points), or bold.
    """
    chunks = list(_chunks(lines))
    blocks: list[Block] = []
    for n, chunk in enumerate(chunks):
        following = chunks[n + 1] if n + 1 < len(chunks) else None
        blocks.extend(_classified(chunk, following, body))
    return with_leads(blocks)


def body_size(lines: Sequence[Line]) -> float:
    """Return the font size, in points, that most characters have; 0 where there are no fonts."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def with_leads(blocks: Sequence[Block]) -> list[Block]:
    """Give each list item the line that introduces its list, and each row its table's header.

    A table's first row is its header when its cells are short names without a number and
    other rows follow it.
    """
    led: list[Block] = []
    lead, previous = "", ""
    for block, following in zip(blocks, [*blocks, None][1:], strict=True):
        in_table = previous in {"header", "row"}
        made = block
        if block.kind == "row":
            if not in_table:
                lead = ""
            if not in_table and following and following.kind == "row" and _names_columns(block):
                made, lead = replace(block, kind="header"), block.text
            else:
                made = replace(block, lead=block.lead or lead)
        elif block.kind == "item":
            made = replace(block, lead=block.lead or ("" if in_table else lead))
        else:
            introduces = block.kind == "paragraph" and block.text.endswith((":", "："))
            lead = block.text if introduces else ""
        led.append(made)
        previous = made.kind
    return led


def _names_columns(row: Block) -> bool:
    cells = row.text.split(CELL_SEPARATOR)
    short = all(len(cell.split()) <= _MAX_COLUMN_NAME_WORDS for cell in cells)
    return len(cells) > 1 and short and not any(c.isdigit() for c in row.text)


def is_bulleted(text: str) -> bool:
    """Tell whether a line opens with a bullet or a list dash."""
    return _BULLET.match(text.strip()) is not None


def _chunks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Gather the lines that belong together: a paragraph, an item, a heading or a row."""
    chunk: list[Line] = []
    for line in lines:
        if chunk and _breaks(chunk[-1], line):
            yield chunk
            chunk = []
        chunk.append(line)
    if chunk:
        yield chunk


def _breaks(before: Line, line: Line) -> bool:
    return (
        line.starts
        or bool(line.cells or before.cells)
        or bool(_BULLET.match(line.text) or _NUMBERED_ITEM.match(line.text))
        or abs(before.size - line.size) > 0.5  # noqa: PLR2004 - points; less is rounding
        or (before.bold != line.bold and _has_heading_shape(before.text))
    )


def _classified(chunk: list[Line], following: list[Line] | None, body: float) -> Iterator[Block]:
    if chunk[0].cells:
        cells = [clean(cell) for cell in chunk[0].cells]
        yield Block("row", CELL_SEPARATOR.join(cell for cell in cells if cell))
        return
    raw = _joined([line.text for line in chunk])
    bullet = _BULLET.match(raw)  # before cleaning, which takes symbol-font bullets for debris
    text = clean(raw[bullet.end() :] if bullet else raw)
    if not text:
        return
    if bullet:
        yield Block("item", text)
    elif _is_heading(text, chunk[0], following, body):
        yield Block("heading", text, level=_level(text))
    elif _NUMBERED_ITEM.match(text):
        yield Block("item", text)
    else:
        yield Block("paragraph", text)


def _joined(texts: Sequence[str]) -> str:
    """Join wrapped lines. A hyphen at a line's end stays: it may belong to the word."""
    joined = texts[0].strip() if texts else ""
    for text in map(str.strip, texts[1:]):
        tight = joined.endswith(("-", "\u2010", "\u2011")) and text[:1].isalpha()
        han = bool(_HAN.match(joined[-1:]) or joined[-1:] in "，。、；：") and bool(
            _HAN.match(text[:1])
        )
        joined += text if tight or han else f" {text}"
    return joined


def _is_heading(text: str, line: Line, following: list[Line] | None, body: float) -> bool:
    if not _has_heading_shape(text):
        return False
    if body:
        return line.size > body * 1.05 or (line.bold and line.size >= body)
    if not following:
        return False
    return not (_NUMBERED_ITEM.match(text) and _NUMBERED_ITEM.match(following[0].text.strip()))


def _has_heading_shape(text: str) -> bool:
    text = text.strip()
    if not text or text.endswith(_CLOSING) or ";" in text or _BULLET.match(text):
        return False
    if len(_HAN.findall(text)) > _MAX_HEADING_HAN or len(text) > _MAX_HEADING_CHARACTERS:
        return False
    if len(text.split()) > _MAX_HEADING_WORDS or not any(c.isalpha() for c in text):
        return False
    first = re.sub(r"^[\d.\s\u00a0«“\"'(]+", "", text)[:1]
    return first.isalpha() and not first.islower()


def _level(text: str) -> int:
    number = _SECTION_NUMBER.match(text)
    return number[1].count(".") + 1 if number else 1
