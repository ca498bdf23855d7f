"""The sample corpus: built from its sources, complete, and readable by the product."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.catalogue import read_catalogue
from corpus.sample.__main__ import DOCUMENTS, SOURCES, build
from corpus.sample.briefing import WORDS, Briefing, Heading, read_briefings
from ingest import formats
from ingest.reading import Reading

BRIEFINGS = read_briefings(SOURCES)
BY_ID = {briefing.id: briefing for briefing in BRIEFINGS}


def _read(briefing: Briefing) -> Reading:
    return formats.read(DOCUMENTS / briefing.file_name)


def _text(reading: Reading) -> str:
    return " ".join(block.text for page in reading.pages for block in page.blocks)


def test_the_documents_are_what_the_sources_give(tmp_path: Path) -> None:
    names = build(SOURCES, tmp_path)
    assert sorted(path.name for path in DOCUMENTS.iterdir()) == names
    for name in names:
        same = (tmp_path / name).read_bytes() == (DOCUMENTS / name).read_bytes()
        assert same, f"{name} is stale: python -m corpus.sample"


def test_it_has_what_staff_have() -> None:
    assert len(BRIEFINGS) >= 20
    formats = [briefing.format for briefing in BRIEFINGS]
    assert set(formats) == {"pdf", "docx", "html", "md", "txt"}
    assert formats.count("pdf") > len(formats) / 2
    assert {briefing.language for briefing in BRIEFINGS} == {"en", "fr", "es", "ar"}
    assert [briefing.id for briefing in BRIEFINGS if briefing.audience == "members"] == [
        "figures-that-differ"
    ]


def test_two_pairs_of_editions_share_a_number_and_differ() -> None:
    pairs = [(newer, BY_ID[newer.supersedes]) for newer in BRIEFINGS if newer.supersedes]
    assert len(pairs) == 2
    for newer, older in pairs:
        assert (newer.number, newer.title) == (older.number, older.title)
        assert newer.edition > older.edition
        assert newer.published > older.published
        figures = [
            set(re.findall(r"\d[\d ,.]*\d", str(briefing.blocks))) for briefing in (newer, older)
        ]
        assert figures[0] - figures[1]
        assert figures[1] - figures[0]


def test_translations_name_their_original_and_keep_its_shape() -> None:
    translations = [briefing for briefing in BRIEFINGS if briefing.translation_of]
    assert {briefing.language for briefing in translations} == {"fr", "es", "ar"}
    for translation in translations:
        original = BY_ID[translation.translation_of or ""]
        assert [type(b) for b in translation.blocks] == [type(b) for b in original.blocks]


def test_the_catalogue_names_every_document_with_its_sources() -> None:
    entries = read_catalogue(DOCUMENTS).entries
    assert set(entries) == {briefing.file_name for briefing in BRIEFINGS}
    for entry in entries.values():
        assert entry.number
        assert entry.edition
        assert entry.type
        assert entry.published
        assert entry.sources


@pytest.mark.parametrize("briefing", BRIEFINGS, ids=lambda briefing: briefing.id)
def test_a_briefing_says_what_it_is_and_is_read_whole(briefing: Briefing) -> None:
    reading = _read(briefing)
    text = _text(reading)
    assert WORDS[briefing.language].notice in text
    for heading in (block for block in briefing.blocks if isinstance(block, Heading)):
        assert heading.text in text
    assert 1 <= len(reading.pages) <= 5


@pytest.mark.parametrize(
    "briefing",
    [briefing for briefing in BRIEFINGS if briefing.format == "pdf"],
    ids=lambda briefing: briefing.id,
)
def test_a_pdf_counts_its_pages_after_the_cover(briefing: Briefing) -> None:
    pages = _read(briefing).pages
    printed = [page.printed_number for page in pages]
    assert printed == [None, *(str(n) for n in range(1, len(pages)))]
