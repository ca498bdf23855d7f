"""One contract for every file format, and what is particular to each."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

from corpus.errors import UnreadableDocumentError
from ingest.cleaning import clean
from ingest.formats import FORMATS, read
from ingest.reading import Reading, ReadPage
from ingest.structure import Line, blocks_of
from tests import documents


def _texts(reading: Reading, kind: str) -> list[str]:
    return [b.text for page in reading.pages for b in page.blocks if b.kind == kind]


@pytest.fixture(params=sorted(documents.WRITERS))
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Reading:
    path = tmp_path / request.param
    documents.WRITERS[request.param](path)
    return read(path)


def test_every_format_gives_the_headings(reading: Reading) -> None:
    found = [text.lstrip("0123456789. ") for text in _texts(reading, "heading")]
    assert found == [documents.TITLE, *documents.HEADINGS]


def test_every_format_gives_the_items_with_their_lead(reading: Reading) -> None:
    assert _texts(reading, "item") == list(documents.ITEMS)
    leads = {b.lead for page in reading.pages for b in page.blocks if b.kind == "item"}
    assert leads == {documents.ITEMS_LEAD}


def test_every_format_gives_the_rows_with_their_header(reading: Reading) -> None:
    header = " | ".join(documents.HEADER)
    assert _texts(reading, "header") == [header]
    assert _texts(reading, "row") == [" | ".join(row) for row in documents.ROWS]
    rows = [b for page in reading.pages for b in page.blocks if b.kind == "row"]
    assert {b.lead for b in rows} == {header}


def test_every_format_gives_the_paragraphs_and_nothing_else(reading: Reading) -> None:
    opening = f"{documents.OPENING} {documents.FIGURES} {documents.LEADER}"
    closing = f"{documents.FUNDING} {documents.CLOSING}"
    assert _texts(reading, "paragraph") == [opening, documents.ITEMS_LEAD, closing]


def test_every_supported_format_has_a_writer_here() -> None:
    same = {".htm": ".html", ".markdown": ".md"}
    assert {same.get(ending, ending) for ending in FORMATS} == {
        Path(name).suffix for name in documents.WRITERS
    }


def test_pdf_pages_keep_their_printed_numbers(tmp_path: Path) -> None:
    documents.write_pdf(tmp_path / "a.pdf")
    pages = read(tmp_path / "a.pdf").pages
    assert [page.printed_number for page in pages] == [None, "1", "2"]
    assert "annual report" not in pages[1].text


def test_a_paragraph_over_a_page_break_is_continued(tmp_path: Path) -> None:
    documents.write_pdf(tmp_path / "a.pdf", body_repeats=30)
    continued = [b for page in read(tmp_path / "a.pdf").pages[1:] for b in page.blocks[:1]]
    assert any(block.continues for block in continued)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "empty"),
        ("latin.txt", b"caf\xe9 on the pier", "byte 3"),
        ("binary.txt", b"abc\0\0def", "binary"),
        ("note.pages", b"x", "not supported"),
        ("fake.pdf", b"This is a text, whatever its name.", "no PDF"),
        ("cut.pdf", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog", "damaged"),
        ("fake.docx", b"PK\x03\x04 not a zip at all", "damaged"),
        ("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "older format"),
        ("fake.html", b"\x00\x01\x02\x03", "binary"),
        ("blank.html", b"<html><body><script>1</script></body></html>", "no text"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableDocumentError, match=words):
        read(tmp_path / name)


def test_an_encrypted_pdf_says_so(tmp_path: Path) -> None:
    documents.write_pdf(tmp_path / "a.pdf", encrypt="secret")
    with pytest.raises(UnreadableDocumentError, match="password"):
        read(tmp_path / "a.pdf")


def test_a_truncated_pdf_or_docx_is_refused_or_read_never_a_crash(tmp_path: Path) -> None:
    for name, writer in (("a.pdf", documents.write_pdf), ("a.docx", documents.write_docx)):
        whole = tmp_path / name
        writer(whole)
        content = whole.read_bytes()
        for size in range(100, len(content), max(1, len(content) // 12)):
            whole.write_bytes(content[:size])
            with suppress(UnreadableDocumentError):
                assert read(whole).pages


def test_docx_shows_insertions_and_hides_deletions(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("The fee is ")
    for tag, text_tag, text in (("del", "delText", "90"), ("ins", "t", "120")):
        paragraph._p.append(
            parse_xml(
                f'<w:{tag} {nsdecls("w")} w:id="1" w:author="a"><w:r>'
                f"<w:{text_tag}>{text}</w:{text_tag}></w:r></w:{tag}>"
            )
        )
    document.save(str(tmp_path / "a.docx"))
    assert read(tmp_path / "a.docx").pages[0].text == "The fee is 120"


def test_wrapped_text_is_joined_and_a_form_feed_turns_the_page(tmp_path: Path) -> None:
    text = (
        "2.1 Scope\n\nThe tide gauges along the coast report the level of the sea\n"
        "every ten minutes to the co-\nordination centre, where a forecast is made for the\n"
        "next day and sent to ports.\n\f3 Staff\n\nForty people work there.\n"
    )
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    reading = read(tmp_path / "a.txt")
    assert reading.paged
    assert [page.blocks[0].level for page in reading.pages] == [2, 1]
    assert "of the sea every ten minutes to the co-ordination centre" in reading.pages[0].text


def test_nested_lists_are_not_repeated_in_html(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<ul><li>One<ul><li>Inner</li></ul></li><li>Two &amp; <b>three</b></li></ul>", "utf-8"
    )
    assert _texts(read(tmp_path / "a.html"), "item") == ["One", "Inner", "Two & three"]


_NESTED = "It does:\n\n- One\n  - Inner\n\n  1. Innermost\n- Two\n"


@pytest.mark.parametrize(
    ("name", "text", "leads", "breaks"),
    [
        ("a.md", "It does:\n\n- One\n- Two\n\n1. Three\n2. Four\n", ["It does:"] * 2 + [""] * 2, 1),
        ("a.md", "It does:\n\n1. One\n\n* Two\n\n- Three\n", ["It does:", "", ""], 2),
        ("a.md", "It does:\n\n- One\n\n- Two\n", ["It does:"] * 2, 0),
        ("a.md", "It does:\n\n- One\n\nIt has:\n\n1. Two\n", ["It does:", "It has:"], 0),
        ("a.md", _NESTED, ["It does:"] * 4, 0),
        ("a.html", "<p>It does:<ul><li>One</ul> <!-- x --> <ol><li>Two</ol>", ["It does:", ""], 1),
    ],
)
def test_lists_that_adjoin_are_two(
    tmp_path: Path, name: str, text: str, leads: list[str], breaks: int
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    [page] = read(tmp_path / name).pages
    assert [block.lead for block in page.blocks if block.kind == "item"] == leads
    assert page.text.count("\n\n") == breaks


def test_no_break_characters_are_kept_and_debris_is_not() -> None:
    text = "[bookmark: OLE_LINK2]Over 11\u00a0000 co\u2011chairs\u200b \t met\u00ad. \u00a0"
    assert clean(text) == "Over 11\u00a0000 co\u2011chairs met."
    assert clean(" < ") == clean("_____") == ""


@pytest.mark.parametrize(
    "heading", ["Введение и цели", "مقدمة وأهداف", "一、背景和目标", "4.2 Résultats"]
)
def test_headings_are_found_in_every_script(heading: str) -> None:
    blocks = blocks_of([Line(heading), Line("This is the text that follows below the heading.")])
    assert [block.kind for block in blocks] == ["heading", "paragraph"]


@pytest.mark.parametrize(
    "text", ["It was decided.", "see below", "one; two; three", "Members of the board:"]
)
def test_what_does_not_look_like_a_heading_is_none(text: str) -> None:
    assert blocks_of([Line(text), Line("More text follows here.")])[0].kind != "heading"


def test_numbered_items_in_a_row_are_no_headings() -> None:
    lines = [Line("1. Standards"), Line("2. Skills"), Line("3. Policy"), Line("End of the list.")]
    kinds = [block.kind for block in blocks_of(lines)]
    assert kinds[:2] == ["item", "item"]


@given(st.lists(st.text(max_size=80), max_size=12))
def test_blocks_are_clean_and_stand_in_the_page_in_order(texts: list[str]) -> None:
    blocks = tuple(blocks_of([Line(text) for text in texts]))
    page = ReadPage(blocks)
    position = 0
    for block in blocks:
        assert block.text
        assert block.text == clean(block.text)
        assert "\n" not in block.text
        assert page.text[position : position + len(block.text)] == block.text
        position += len(block.text) + 1


def test_a_table_of_names_and_values_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<table><tr><td>Date</td><td>3 May 2025</td></tr><tr><td>Place</td><td>Turin</td></tr>"
        "</table>",
        "utf-8",
    )
    assert _texts(read(tmp_path / "a.html"), "row") == ["Date | 3 May 2025", "Place | Turin"]


def test_cells_of_a_pdf_table_that_wrap_stay_in_their_rows(tmp_path: Path) -> None:
    style = getSampleStyleSheet()["BodyText"]
    rows = [
        ("Date", "Figure", "What is counted"),
        ("October 2024", "more than 100", "observers with a certificate, of any harbour at all"),
        ("Autumn 2025", "over 470", "observers, with those in training"),
    ]
    cells = [[Paragraph(cell, style) for cell in row] for row in rows]
    table = Table(cells, [50, 60, 120], style=[("VALIGN", (0, 0), (-1, -1), "TOP")])
    words = Paragraph("A paragraph below the table, which runs over two lines. " * 3, style)
    SimpleDocTemplate(str(tmp_path / "a.pdf")).build([table, Spacer(1, 12), words])
    reading = read(tmp_path / "a.pdf")
    assert _texts(reading, "header") == ["Date | Figure | What is counted"]
    assert _texts(reading, "row") == [" | ".join(row) for row in rows[1:]]
    assert _texts(reading, "paragraph") == [words.text.strip()]


def test_a_wrapped_text_with_many_short_items_is_still_wrapped(tmp_path: Path) -> None:
    lines = [
        "The Lighthouse programme trains coastal observers in many countries, and it",
        "will go on to do so for as long as there are coasts.",
        "",
        "It has these strands:",
        "",
        *(f"- strand number {n};" for n in range(12)),
    ]
    (tmp_path / "a.txt").write_text("\n".join(lines), "utf-8")
    reading = read(tmp_path / "a.txt")
    assert _texts(reading, "paragraph")[0] == f"{lines[0]} {lines[1]}"
    assert len(_texts(reading, "item")) == 12
