"""Passages: whole sentences, under one heading, at offsets that hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Passage
from ingest.passages import (
    TARGET_WORDS,
    cut_passages,
    embedded_sentence,
    first_heading,
    split_sentences,
    stored_pages,
)
from ingest.reading import Block, BlockKind, Reading, ReadPage

_KINDS: list[BlockKind] = ["heading", "paragraph", "item", "header", "row"]
_text = st.text(alphabet="ab .!?。日本\u00a0-", min_size=1, max_size=60).map(
    lambda t: " ".join(t.split(" ")).strip() or "a"
)
_block = st.builds(
    Block, st.sampled_from(_KINDS), _text, st.integers(1, 3), st.just(""), st.booleans()
)
_pages = st.lists(st.lists(_block, max_size=6), min_size=1, max_size=4)


def _cut(pages: list[list[Block]], language: str = "en") -> tuple[Reading, list[Passage]]:
    reading = Reading(tuple(ReadPage(tuple(blocks)) for blocks in pages), paged=True)
    return reading, cut_passages("doc", reading, language)


@given(_pages)
def test_every_span_is_the_text_of_its_page(pages: list[list[Block]]) -> None:
    reading, passages = _cut(pages)
    stored = stored_pages("doc", reading)
    for passage in passages:
        for sentence in passage.sentences:
            parts = [stored[s.page - 1].text[s.start : s.end] for s in sentence.spans]
            assert all(parts)
            assert " ".join(parts) == sentence.text
        if passage.first_page == passage.last_page:
            page = stored[passage.first_page - 1].text
            assert page[passage.start : passage.end] == passage.text


@given(_pages)
def test_nothing_but_headings_is_left_out_and_nothing_is_twice(pages: list[list[Block]]) -> None:
    reading, passages = _cut(pages)
    body = "".join(b.text for page in reading.pages for b in page.blocks if b.kind != "heading")
    cut = "".join(s.text for p in passages for s in p.sentences)
    assert "".join(cut.split()) == "".join(body.split())
    assert len({p.id for p in passages}) == len(passages)


def test_a_passage_never_crosses_a_heading() -> None:
    _, passages = _cut(
        [
            [
                Block("heading", "One", 1),
                Block("paragraph", "First text."),
                Block("heading", "Sub", 2),
                Block("paragraph", "Second text."),
                Block("heading", "Two", 1),
                Block("paragraph", "Third text."),
            ]
        ]
    )
    assert [p.section for p in passages] == [("One",), ("One", "Sub"), ("Two",)]


def test_a_sentence_is_embedded_with_its_title_and_headings() -> None:
    reading, passages = _cut(
        [
            [
                Block("heading", "Tides", 1),
                Block("paragraph", "It was chaired by Mr Ito."),
                Block("heading", "Harbours", 2),
                Block("paragraph", "These are counted:"),
                Block("item", "Twelve."),
                Block("header", "Year | Harbours"),
                Block("row", "2025 | 12", lead="Year | Harbours"),
            ]
        ]
    )
    title = first_heading(reading)
    assert [embedded_sentence(title, p, s) for p in passages for s in p.sentences] == [
        "Tides: It was chaired by Mr Ito.",
        "Tides > Harbours: These are counted:",
        "Tides > Harbours: Twelve.",
        "Tides > Harbours: Year | Harbours",
        "Tides > Harbours: Year | Harbours 2025 | 12",
    ]


def test_without_headings_a_sentence_is_embedded_alone() -> None:
    reading, passages = _cut([[Block("paragraph", "It ended.")]])
    assert first_heading(reading) == ""
    (passage,) = passages
    assert embedded_sentence("", passage, passage.sentences[0]) == "It ended."


def test_long_paragraphs_are_cut_between_sentences() -> None:
    sentence = "This sentence has exactly eight words in it."
    _, passages = _cut([[Block("paragraph", " ".join([sentence] * 60))]])
    assert len(passages) > 2
    for passage in passages:
        assert passage.text.endswith("in it.")
        assert len(passage.text.split()) <= TARGET_WORDS + 8


def test_a_sentence_over_a_page_break_has_a_span_on_each_page() -> None:
    _, passages = _cut(
        [
            [Block("paragraph", "All good. The survey found that")],
            [Block("paragraph", "most ports agree. It ended.", continues=True)],
        ]
    )
    sentences = passages[0].sentences
    assert [s.text for s in sentences] == [
        "All good.",
        "The survey found that most ports agree.",
        "It ended.",
    ]
    assert [span.page for span in sentences[1].spans] == [1, 2]


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        (
            "en",
            "See Rec. ITU-T Y.3172 and No. 5 by Dr. Smith. Will.i.am came. Over 4.2 million?",
            3,
        ),
        ("fr", "M. Dupont est venu. Le n° 5 est là !", 2),
        ("es", "El Sr. López vino. ¿Cuándo? Ayer.", 3),
        ("ru", "Это г. Женева. Да!", 2),
        ("ar", "عقد الاتحاد قمة في جنيف. هل شارك الجميع؟ نعم.", 3),
        ("zh", "国际电联成立。2025年7月！是的。", 3),
    ],
)
def test_sentences_end_where_people_end_them(language: str, text: str, count: int) -> None:
    extents = split_sentences(text, language)
    assert len(extents) == count
    assert "".join(text[a:b] for a, b in extents).replace(" ", "") == text.replace(" ", "")
