"""Cutting pages into passages that follow headings and sentences."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import sentencex

from corpus.documents import Page, Passage, Sentence, Span
from ingest.reading import Block, Reading

# Recorded in the manifest; change it whenever the same pages would give other passages, or other
# texts would be embedded for them.
CHUNKING = "headings-sentences-120-6"
# Passages grow to about this many words; the report's paragraphs have 60 to 150.
TARGET_WORDS = 120

_HAN_STOP = re.compile(r"(?<=[。！？])")
# Abbreviations that the splitter takes for the end of a sentence, before a number or a name.
_NO_STOP = re.compile(
    r"^\(?\d{1,3}[.)]\s*$|"  # the number of a list item
    r"(?:^|[\s(\[«“\"'])(?:Rec|Recs|Res|Art|Arts|No|Nos|Nº|Núm|Vol|Ch|Sec|Sect|para|paras|p|pp|art|"
    r"M|MM|Mme|Mr|Mrs|Ms|Dr|Sr|Sra|Prof|Gen|St|cf|vs|approx|ca|i\.e|e\.g|p\. ?ex|"
    r"[A-ZА-Я]|г|гг|стр|ст|п|пп|им|т\. ?е|т\. ?д)\.\s*$"
)


@dataclass(frozen=True)
class _Unit:
    """A sentence with its length in words and the heading path that it stands under."""

    sentence: Sentence
    section: tuple[str, ...]
    words: int
    starts_block: bool


def stored_pages(document_id: str, reading: Reading) -> list[Page]:
    """Return the pages of a reading as they are stored, numbered from 1."""
    return [
        Page(document_id, number, page.printed_number, page.text)
        for number, page in enumerate(reading.pages, 1)
    ]


def first_heading(reading: Reading) -> str:
    """Return the text of the first heading, a document's own title; empty where there is none."""
    for page in reading.pages:
        for block in page.blocks:
            if block.kind == "heading":
                return block.text
    return ""


def cut_passages(document_id: str, reading: Reading, language: str) -> list[Passage]:
    """Cut a document into passages of whole sentences, each under one heading path.

    A passage ends at a heading, or where the next block would take it past TARGET_WORDS;
    a block longer than that is cut between sentences. Headings themselves stand in the
    section path and are no sentences.
    """
    passages = []
    for group in _groups(_units(reading, language)):
        passages.append(_passage(document_id, reading, group))
    return passages


def embedded_text(passage: Passage) -> str:
    """Return what is embedded for a passage: its heading path, then its text."""
    return "\n".join((" > ".join(passage.section), passage.text)).strip()


def embedded_sentence(title: str, passage: Passage, sentence: Sentence) -> str:
    """Return what is embedded for a sentence: the document's own title, the headings, the text.

    A table row has its header too; the line that introduces a list says little of its items.
    """
    place = " > ".join(dict.fromkeys(part for part in (title, *passage.section) if part))
    header = sentence.lead if sentence.kind == "row" else ""
    said = " ".join(part for part in (header, sentence.text) if part)
    return f"{place}: {said}" if place else said


def digest(text: str) -> str:
    """Return a digest by which equal texts are recognised from one generation to the next."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def split_sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Return the extents of the sentences in a text, white space at their ends left out."""
    extents: list[tuple[int, int]] = []
    for found in sentencex.get_sentence_boundaries(language, text):
        start = found["start_index"]
        for part in _HAN_STOP.split(text[start : found["end_index"]]):
            end = start + len(part)
            if extents and _NO_STOP.search(text[extents[-1][0] : extents[-1][1]] + " "):
                extents[-1] = (extents[-1][0], end)
            elif part.strip():
                extents.append((start, end))
            start = end
    return [_trimmed(text, start, end) for start, end in extents]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def _units(reading: Reading, language: str) -> Iterator[_Unit]:
    """Yield every sentence of a document; one that runs over a page break has two spans."""
    section: tuple[str, ...] = ()
    levels: list[int] = []
    open_unit: _Unit | None = None  # the last sentence of a page, which may go on on the next
    for number, page in enumerate(reading.pages, 1):
        position = 0
        for block in page.blocks:
            start, position = position, position + len(block.text) + 1
            if block.kind == "heading":
                section, levels = _under(section, levels, block)
                continue
            units = _block_units(block, Span(number, start, start), section, language)
            if open_unit and block.continues and units:
                units[0] = _joined(open_unit, units[0])
                open_unit = None
            if open_unit:
                yield open_unit
                open_unit = None
            if units:
                yield from units[:-1]
                open_unit = units[-1]
    if open_unit:
        yield open_unit


def _under(
    section: tuple[str, ...], levels: list[int], heading: Block
) -> tuple[tuple[str, ...], list[int]]:
    """Return the heading path below which a text stands after this heading."""
    keep = len([level for level in levels if level < heading.level])
    return (*section[:keep], heading.text), [*levels[:keep], heading.level]


def _block_units(block: Block, place: Span, section: tuple[str, ...], language: str) -> list[_Unit]:
    extents = (
        [_trimmed(block.text, 0, len(block.text))]
        if block.kind in {"header", "row"}
        else split_sentences(block.text, language)
    )
    kind = "sentence" if block.kind == "paragraph" else block.kind
    return [
        _Unit(
            Sentence(
                block.text[start:end],
                (Span(place.page, place.start + start, place.start + end),),
                kind,
                block.lead,
            ),
            section,
            _word_count(block.text[start:end]),
            starts_block=n == 0 and not block.continues,
        )
        for n, (start, end) in enumerate(extents)
        if end > start
    ]


def _joined(first: _Unit, second: _Unit) -> _Unit:
    before, after = first.sentence, second.sentence
    text = f"{before.text} {after.text}"
    sentence = replace(before, text=text, spans=before.spans + after.spans)
    return replace(first, sentence=sentence, words=first.words + second.words)


def _word_count(text: str) -> int:
    """Count words; scripts without spaces are counted at two characters a word."""
    han = len(re.findall(r"[\u3400-\u9fff]", text))
    return len(re.sub(r"[\u3400-\u9fff]", " ", text).split()) + han // 2


def _groups(units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
    group: list[_Unit] = []
    words = 0
    for unit in units:
        full = words + unit.words > TARGET_WORDS and (unit.starts_block or words >= TARGET_WORDS)
        if group and (unit.section != group[0].section or full):
            yield group
            group, words = [], 0
        group.append(unit)
        words += unit.words
    if group:
        yield group


def _passage(document_id: str, reading: Reading, group: list[_Unit]) -> Passage:
    first, last = group[0].sentence.spans[0], group[-1].sentence.spans[-1]
    if first.page == last.page:
        text = reading.pages[first.page - 1].text[first.start : last.end]
    else:
        middle = [reading.pages[n].text for n in range(first.page, last.page - 1)]
        head = reading.pages[first.page - 1].text[first.start :]
        text = "\n".join((head, *middle, reading.pages[last.page - 1].text[: last.end]))
    passage = Passage(
        id="",
        document_id=document_id,
        first_page=first.page,
        last_page=last.page,
        section=group[0].section,
        start=first.start,
        end=last.end,
        text=text,
        sentences=tuple(unit.sentence for unit in group),
    )
    return replace(passage, id=_passage_id(passage))


def of_document(passage: Passage, document_id: str) -> Passage:
    """Return the same passage in a document of another id, as when its file was renamed."""
    moved = replace(passage, document_id=document_id)
    return replace(moved, id=_passage_id(moved))


def _passage_id(passage: Passage) -> str:
    start = f"{passage.first_page}:{passage.start}"
    end = f"{passage.last_page}:{passage.end}"
    return digest(f"{passage.document_id}\n{start}-{end}\n{passage.text}")[:16]
