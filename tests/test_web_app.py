"""The web app's pages, driven through Streamlit's own test harness."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from assistant.answer import Answer, Status
from assistant.engine import Engine, open_engine
from assistant.web import markup
from assistant.web.asker import Asker
from assistant.web.conversations import (
    TURNS,
    Asked,
    Conversations,
    Turn,
    browser_secret,
)
from assistant.web.surroundings import surroundings
from corpus.settings import Settings
from index.generations import generation_folder, open_generation, published_generation
from index.sealed import seal, unseal
from ingest.sync import sync
from tests import documents
from tests.conftest import no_progress

APP = str(Path(__file__).parent.parent / "app_streamlit.py")
_TAG = re.compile(r"<[^>]*>")


def _html(app: AppTest) -> list[str]:
    """Return what is shown, without the one script of the app."""
    elements = [element.proto for element in app.get("html")]
    scripts = {e.body.partition("<script>")[2] for e in elements if e.unsafe_allow_javascript}
    assert len(scripts) <= 1, "a script that is not the constant one"
    return [e.body for e in elements if not e.unsafe_allow_javascript]


def _text(html: str | Sequence[str]) -> str:
    """Return what a reader sees of HTML."""
    joined = html if isinstance(html, str) else "\n".join(html)
    return unescape(_TAG.sub("", joined))


def _turn(question: str) -> Turn:
    return Turn(Asked(question, {}), Answer(question, question, "en", Status.NOT_IN_DOCUMENTS))


@pytest.fixture
def app(catalogued_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("ITU_ASSISTANT_INDEX", str(catalogued_settings.index))
    # Streamlit's harness has no browser that could send a cookie.
    monkeypatch.setattr("assistant.web.conversations.browser_secret", lambda _cookie: "browser")
    return AppTest.from_file(APP, default_timeout=60).run()


def test_a_question_is_answered_with_source_cards(app: AppTest) -> None:
    app.chat_input[0].set_value("What is the budget for 2025?").run()
    assert not app.exception
    shown = _html(app)
    assert any("4.2 million francs" in _text(html) for html in shown)
    card = next(html for html in shown if '<article class="source"' in html)
    assert "<mark>The budget for 2025 is 4.2 million francs" in card
    assert "page 2 (page 3 of the file)" in _text(card)
    assert "3 Funding and outlook" in _text(card)


def test_without_an_answer_it_says_what_was_sought_and_shows_what_is_near(app: AppTest) -> None:
    app.chat_input[0].set_value("Who wrote Hamlet?").run()
    shown = _text(_html(app))
    assert "The documents do not say. Sought was: “Who wrote Hamlet?”" in shown
    assert "Nearest passages" in shown
    assert any('<article class="source"' in html for html in _html(app))


def test_earlier_questions_stay_and_a_page_loaded_anew_shows_them(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.chat_input[0].set_value("What is the budget for 2025?").run()
    app.chat_input[0].set_value("Who wrote Hamlet?").run()
    assert _text(_html(app)).count("What is the budget for 2025?") == 1
    token = app.query_params["conversation"]

    again = AppTest.from_file(APP, default_timeout=60)
    again.query_params["conversation"] = token
    again.run()
    assert "What is the budget for 2025?" in _text(_html(again))

    monkeypatch.setattr("assistant.web.conversations.browser_secret", lambda _cookie: "other")
    elsewhere = AppTest.from_file(APP, default_timeout=60)
    elsewhere.query_params["conversation"] = token
    elsewhere.run()
    assert "What is the budget for 2025?" not in _text(_html(elsewhere))


def test_a_new_conversation_is_empty(app: AppTest) -> None:
    app.chat_input[0].set_value("What is the budget for 2025?").run()
    app.run()
    next(button for button in app.button if button.label == "New conversation").click().run()
    assert "budget" not in _text(_html(app))
    assert app.title[0].value == "What do ITU's documents say about AI?"


def test_a_language_narrows_the_search_and_the_answer_says_so(app: AppTest) -> None:
    language = next(box for box in app.selectbox if "Language" in box.label)
    assert set(language.options) >= {"All languages", "English", "العربية"}
    language.select("ar").run()
    app.chat_input[0].set_value("What is the budget for 2025?").run()
    shown = _text(_html(app))
    assert "4.2 million francs" not in shown
    assert "Searched: العربية" in shown


def test_a_type_narrows_the_search_where_the_catalogue_has_types(app: AppTest) -> None:
    kind = next(box for box in app.selectbox if "Type" in box.label)
    assert kind.options == ["All types", "<b>survey</b>", "annual report"]
    kind.select("annual report").run()
    app.chat_input[0].set_value("How many gardens does the Meadow network count in?").run()
    shown = _text(_html(app))
    assert "210" not in shown
    assert "Searched: annual report" in shown


def test_an_empty_question_is_answered_with_what_to_do(app: AppTest) -> None:
    app.chat_input[0].set_value("?!").run()
    assert "question is empty" in _text(_html(app))


def test_the_index_says_how_large_and_how_old_it_is(app: AppTest) -> None:
    shown = _text(_html(app))
    assert re.search(r"Index of20\d\d-\d\d-\d\d \d\d:\d\d UTC", shown)
    assert "Documents7" in shown  # eight, of which one is for members


def test_starter_questions_are_those_that_the_index_answers(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = ("What is the budget for 2025?", "Who wrote Hamlet?")
    monkeypatch.setattr("assistant.web.chat._starter_questions", lambda: questions)
    streamlit.cache_data.clear()
    app.run()
    assert [button.label for button in app.button] == ["What is the budget for 2025?"]
    app.button[0].click().run()
    assert "4.2 million francs" in _text(_html(app))


def test_documents_for_members_are_neither_quoted_nor_near(app: AppTest) -> None:
    app.chat_input[0].set_value("How many new lamps will the board ask for?").run()
    assert "77" not in _text(_html(app))


def test_texts_of_documents_are_never_markup(app: AppTest) -> None:
    app.chat_input[0].set_value("How many corals did the reef survey of 2023 count?").run()
    shown = "\n".join(_html(app))
    assert "<script" not in shown
    assert "<img" not in shown
    assert documents.HOSTILE_TITLE in _text(shown)
    assert not [element for element in app.markdown if "evil.example" in element.value]


def _documents_page() -> None:
    import streamlit

    from assistant.web import documents

    documents.render(streamlit.session_state["asker"])


@pytest.fixture(scope="module")
def catalogued_engine(catalogued_settings: Settings) -> Engine:
    return open_engine(catalogued_settings, audiences=["public"])


@pytest.fixture
def documents_page(catalogued_engine: Engine) -> AppTest:
    page = AppTest.from_function(_documents_page, default_timeout=60)
    conversation = Conversations().begin("browser")
    page.session_state["asker"] = Asker(catalogued_engine, conversation)
    return page


def test_the_catalogue_lists_what_may_be_read(documents_page: AppTest) -> None:
    shown = _text(_html(documents_page.run()))
    assert "7 of 7 documents" in shown
    assert "LH/7 · annual report · edition 2025 · 2025-05-02 · English · PDF" in shown
    assert "Replaced by a newer edition: 2025" in shown
    assert documents.HOSTILE_TITLE in shown
    assert "steering board" not in shown


@pytest.mark.parametrize(
    ("sought", "found"), [("lh/7 2024", 1), ("LIGHTHOUSE", 2), ("العربية", 1), ("nothing", 0)]
)
def test_the_catalogue_is_searched_by_words(
    documents_page: AppTest, sought: str, found: int
) -> None:
    documents_page.run()
    documents_page.text_input[0].set_value(sought).run()
    assert f"{found} of 7 documents" in _text(_html(documents_page))


def test_a_document_shows_its_sections_and_passages(documents_page: AppTest) -> None:
    documents_page.query_params["document"] = "lighthouse"
    shown = _text(_html(documents_page.run()))
    for text in (documents.FUNDING, "3 Funding and outlook", "Page 2 (page 3 of the file)"):
        assert text in shown
    assert "Replaces: Lighthouse programme: annual report (2024)" in shown
    assert "Harbour Office, yearly statistics" in shown


@pytest.mark.parametrize("document", ["board", "no-such"])
def test_a_document_that_may_not_be_read_is_not_there(
    documents_page: AppTest, catalogued_settings: Settings, document: str
) -> None:
    assert document != "board" or _has_document(catalogued_settings, document)
    documents_page.query_params["document"] = document
    assert "There is no such document" in _text(_html(documents_page.run()))


def _has_document(settings: Settings, document: str) -> bool:
    return open_generation(settings.index).records.document(document) is not None


def test_without_an_index_the_page_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITU_ASSISTANT_INDEX", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert "python -m ingest sync" in _text(_html(app))


@pytest.mark.parametrize(
    ("key", "value"), [("format", 99), ("analysis", "other"), ("embedder", "no-such-folder")]
)
def test_with_a_foreign_index_the_page_says_what_to_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str, value: object
) -> None:
    (settings.corpus / "a.txt").write_text("Ports\nA port has a harbour.\n", "utf-8")
    sync(settings, progress=no_progress)
    folder = generation_folder(settings.index, published_generation(settings.index) or "")
    manifest = unseal((folder / "manifest.json").read_bytes(), "manifest")
    manifest[key] = {**manifest[key], "source": value} if key == "embedder" else value
    (folder / "manifest.json").write_bytes(seal(manifest))
    monkeypatch.setenv("ITU_ASSISTANT_INDEX", str(settings.index))
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "The assistant cannot answer yet"
    assert "python -m ingest sync" in _text(_html(app))


@given(st.text(), st.text())
def test_any_text_is_shown_as_it_is(title: str, text: str) -> None:
    html = markup.problem(title, text) + markup.question(text)
    assert not set(_TAG.findall(html)) - {
        '<article class="problem" dir="auto">', "<h5>", "</h5>", '<p class="command">', "</p>",
        "</article>", '<p class="question" dir="auto">', '<bdi dir="ltr">', "</bdi>",
    }  # fmt: skip
    assert _text(html) == f"{title}\n{text}{text}"


def test_digits_in_groups_keep_their_order() -> None:
    assert markup.shown("10 000 شخص") == '<bdi dir="ltr">10 000</bdi> شخص'
    assert markup.shown("in 2025 12 ports") == "in 2025 12 ports"


@given(st.text(min_size=1), st.data())
def test_surroundings_hold_the_quote_and_lie_in_the_page(page: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(page) - 1))
    end = data.draw(st.integers(start + 1, len(page)))
    around = surroundings(page, start, end, reach=7)
    assert around.quote == page[start:end]
    assert page[:start].endswith(around.before.removeprefix("…"))
    assert page[end:].startswith(around.after.removesuffix("…"))


def test_conversations_belong_to_a_browser_and_the_oldest_are_forgotten() -> None:
    conversations = Conversations(limit=2)
    first, second = conversations.begin("one"), conversations.begin("two")
    assert conversations.find("two", first.token) is None
    assert conversations.find("one", first.token) is first
    third = conversations.begin("one")
    assert conversations.find("two", second.token) is None
    assert conversations.find("one", first.token) is first
    assert conversations.find("one", third.token) is third


def test_a_question_that_waits_is_answered_once_by_a_page_loaded_anew(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The page is stopped after the question has arrived, and before it is answered.
    stream = Engine.stream
    monkeypatch.setattr("assistant.engine.Engine.stream", _stopped)
    app.chat_input[0].set_value("What is the budget for 2025?").run()
    monkeypatch.setattr("assistant.engine.Engine.stream", stream)
    again = AppTest.from_file(APP, default_timeout=60)
    again.query_params["conversation"] = app.query_params["conversation"]
    again.run()
    assert _text(_html(again)).count("What is the budget for 2025?") == 1
    assert "4.2 million francs" in _text(_html(again))


def _stopped(*_arguments: object, **_named: object) -> None:
    raise RuntimeError("stopped")


def test_a_conversation_keeps_its_last_turns() -> None:
    conversation = Conversations().begin("browser")
    for number in range(TURNS + 5):
        turn = _turn(f"Question {number}?")
        conversation.waiting.append(turn.asked)
        conversation.add(turn)
    assert conversation.waiting == []
    assert len(conversation.turns) == TURNS
    assert conversation.turns[-1].answer.question == f"Question {TURNS + 4}?"


def test_a_browser_is_known_by_what_its_cookie_stands_for() -> None:
    secret, masks = bytes(range(16)), (b"\x11\x22\x33\x44", b"\xa0\xb0\xc0\xd0")
    cookies = [
        f"2|{mask.hex()}|{bytes(b ^ mask[n % 4] for n, b in enumerate(secret)).hex()}|1795505840"
        for mask in masks
    ]
    assert [browser_secret(cookie) for cookie in cookies] == [secret.hex()] * 2
    assert browser_secret("") == browser_secret("1|zz") == ""


def test_the_app_listens_on_this_machine_only() -> None:
    config = tomllib.loads((Path(APP).parent / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
