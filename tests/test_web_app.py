"""The web app, driven through Streamlit's own test harness."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from corpus.settings import Settings

APP = str(Path(__file__).parent.parent / "app_streamlit.py")


def _texts(app: AppTest) -> list[str]:
    return [element.value for element in app.text]


@pytest.fixture
def app(real_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("ITU_ASSISTANT_INDEX", str(real_settings.index))
    return AppTest.from_file(APP, default_timeout=60).run()


def test_a_question_is_answered_with_its_sources(app: AppTest) -> None:
    app.chat_input[0].set_value("What is the budget for 2025?").run()
    assert not app.exception
    assert any("4.2 million francs" in text and "[1]" in text for text in _texts(app))
    assert any("printed page 2" in text for text in _texts(app))
    app.chat_input[0].set_value("Who wrote Hamlet?").run()
    assert any("The documents do not say" in text for text in _texts(app))
    assert any("4.2 million francs" in text for text in _texts(app))


def test_an_empty_question_is_answered_with_what_to_do(app: AppTest) -> None:
    app.chat_input[0].set_value("?!").run()
    assert "question is empty" in app.warning[0].value


def test_without_an_index_the_page_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITU_ASSISTANT_INDEX", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert any("python -m ingest sync" in text for text in _texts(app))
