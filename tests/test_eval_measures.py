"""Fact matching, case files and the invariant checker, against worked examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UsageError
from eval.cases import read_cases
from eval.facts import holds_fact
from eval.invariants import broken_invariants, sentences_with_markers


@pytest.mark.parametrize(
    ("text", "fact", "held"),
    [
        ("more than 650 members", "650", True),
        ("more than 650 members", "50", False),
        ("more than 650 members", "65", False),
        ("Co\u2011chairs met", "co-chairs", True),
        ("over 11\u00a0000 came", "11,000|11 000", True),
        ("in ٢٠٢٥", "2025", True),
        ("Led by UNESCO", "ЮНЕСКО|UNESCO", True),
        ("Led by WHO", "ЮНЕСКО|UNESCO", False),
    ],
)
def test_a_fact_is_found_as_a_person_would(text: str, fact: str, held: bool) -> None:
    assert holds_fact(text, fact) == held


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('{"id": "1"', "line 1: not JSON"),
        ('{"id": "1", "question": "a"}\n{"id": "1", "question": "b"}', "line 2: the id '1'"),
        ('{"question": "a"}', "line 1: no id"),
        ('{"id": "1"}', "line 1: no question"),
        ('{"id": "1", "question": "a", "answer_facts": "x"}', "answer_facts must be a list"),
        ("[]", "must be a JSON object"),
        ("", "no case"),
    ],
)
def test_a_faulty_case_names_file_and_line(tmp_path: Path, lines: str, words: str) -> None:
    (tmp_path / "cases.jsonl").write_text(lines, "utf-8")
    with pytest.raises(UsageError, match=words):
        read_cases([tmp_path / "cases.jsonl"])


def _answer(text: str, *quotes: tuple[int, int]) -> dict[str, Any]:
    page = "It rained. Nobody came, and the band went home early."
    citations = [
        {"marker": n, "document_id": "d", "page": 1, "quote": page[a:b], "start": a, "end": b}
        for n, (a, b) in enumerate(quotes, 1)
    ]
    parts = [part for part, _ in sentences_with_markers(text)]
    return {"text": text, "quotes": [{"text": part} for part in parts], "citations": citations}


def _broken(answer: dict[str, Any]) -> list[str]:
    return broken_invariants(
        answer, lambda document, page: "It rained. Nobody came, and the band went home early."
    )


def test_a_sound_answer_breaks_nothing() -> None:
    assert (
        _broken(_answer("It rained. [1] Nobody came … went home early. [2]", (0, 10), (11, 53)))
        == []
    )
    assert _broken({"text": "", "quotes": [], "citations": []}) == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_answer("It rained.", (0, 10)), "not used"),
        (_answer("It rained. [1] Nobody came.", (0, 10)), "no marker"),
        (_answer("It rained. [1] [2]", (0, 10)), "not in the citations"),
        (_answer("It snowed. [1]", (0, 10)), "does not stand"),
        (_answer("It … early. [1]", (0, 10)), "does not stand"),
        (_answer("a [1] " * 4, (0, 10)), "4 sentences"),
        (_answer("a " * 151 + "[1]", (0, 10)), "151 words"),
    ],
)
def test_each_broken_invariant_is_found(answer: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in _broken(answer))


def test_a_quote_at_the_wrong_place_is_found() -> None:
    answer = _answer("It rained. [1]", (0, 10))
    answer["citations"][0]["start"] = 1
    assert any(problem.startswith("1:") for problem in _broken(answer))


def test_a_text_that_is_not_made_of_its_quotes_is_found() -> None:
    answer = _answer("It rained. [1]", (0, 10))
    answer["quotes"][0]["text"] = "It snowed."
    assert any("quotes" in problem for problem in _broken(answer))
