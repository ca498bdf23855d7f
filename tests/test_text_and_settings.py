"""Folding, keyword terms and settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import UsageError
from corpus.settings import resolve_settings
from corpus.text import fold
from index.analysis import invariant_terms, terms
from index.language import UN_LANGUAGES, detect_language


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("Co\u2011Chairs", "co-chairs"),
        ("11\u00a0000", "11 000"),
        ("٢٠٢٥", "2025"),
        ("ﬁnal ½", "final 1⁄2"),
        ("ITU’s", "itu's"),
        ("a\u00adb\u200bc", "abc"),
        ("STRASSE", "straße"),
    ],
)
def test_folding_makes_alike_what_reads_alike(text: str, alike: str) -> None:
    assert fold(text) == fold(alike)


@given(st.text())
def test_folding_twice_changes_nothing_but_compositions(text: str) -> None:
    assert fold(fold(fold(text))) == fold(fold(text))


@pytest.mark.parametrize(
    ("language", "phrase", "inflected"),
    [
        ("en", "Recommendations were adopted", "adopting a recommendation"),
        ("fr", "les résolutions adoptées", "résolution adoptée"),
        ("es", "las normas publicadas", "norma publicada"),
        ("ru", "международные стандарты", "международных стандартов"),
        ("ar", "المعايير الدولية", "معايير دولية"),
        ("en", "10,000 people", "10 000 people"),
    ],
)
def test_inflected_words_meet_in_one_term(language: str, phrase: str, inflected: str) -> None:
    assert set(terms(phrase, language)) == set(terms(inflected, language))


def test_function_words_are_no_terms_but_acronyms_are() -> None:
    assert terms("what is the role of it in the WHO and IT", "en") == ["role", "who", "it"]


def test_chinese_is_cut_into_overlapping_pairs() -> None:
    assert terms("人工智能 AI 2025", "zh") == ["人工", "工智", "智能", "ai", "2025"]


def test_only_names_and_numbers_count_in_another_language() -> None:
    assert invariant_terms("¿Cuántas normas de la UIT sobre IMT-2020?", "es") == [
        "uit",
        "imt",
        "2020",
    ]
    assert invariant_terms("Кто руководит AI Skills Coalition?", "ru") == ["ai", "skill", "coalit"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "How many people will be trained?"),
        ("fr", "Combien de personnes seront formées ?"),
        ("es", "¿Cuántas personas se formarán?"),
        ("ru", "Сколько человек будет обучено?"),
        ("ar", "كم عدد الأشخاص الذين سيتم تدريبهم؟"),
        ("zh", "将培训多少人？"),
        ("en", "ITU AI 2025 report"),
    ],
)
def test_the_language_of_a_short_question_is_found(language: str, text: str) -> None:
    assert detect_language(text, UN_LANGUAGES) == language


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    (tmp_path / "assistant.toml").write_text('corpus = "f"\nindex = "f"\nembedder = "f"\n', "utf-8")
    environment = {"ITU_ASSISTANT_INDEX": "e", "ITU_ASSISTANT_EMBEDDER": "e", "HOME": "/x"}
    resolved = resolve_settings({"embedder": "c", "corpus": None}, environment, tmp_path)
    assert resolved.values.corpus == Path("f")
    assert resolved.values.index == Path("e")
    assert resolved.values.embedder == "c"
    assert resolved.origins["corpus"] == "assistant.toml"
    assert resolved.origins["index"] == "environment"
    assert resolved.origins["embedder"] == "command line"
    assert resolved.origins["cache"] == "default"


@pytest.mark.parametrize(
    ("text", "words"),
    [("colour = 1", "Unknown setting 'colour'"), ("index = 3", "must be text"), ("=", "not valid")],
)
def test_faulty_settings_are_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "assistant.toml").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=words):
        resolve_settings({}, {}, tmp_path)


@pytest.mark.parametrize("text", ["a", "AI 2025", "?", "UIT", "GSR-25"])
def test_latin_letters_are_never_taken_for_another_script(text: str) -> None:
    assert detect_language(text, UN_LANGUAGES) in {"en", "es", "fr"}
