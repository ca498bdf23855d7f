"""The web app in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from corpus.settings import Settings
from ingest.sync import sync
from tests import documents
from tests.conftest import no_progress

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Set where a browser must be there, so that no test is passed over.
REQUIRED = "NO_TEST_MAY_BE_SKIPPED"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
SAMPLE = ("un-activities-on-ai-2023.pdf", "un-activities-on-ai-2024.pdf", "ai-skills.ar.docx")
PROJECTS = "How many projects does the UN report on AI list for 2024?"
ARABIC = "كم شخصا كان هدف تحالف مهارات الذكاء الاصطناعي أن يدرب في عام 2025؟"
CONVERSATIONS = 20
SECONDS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the app over the small corpus and some of the sample; return its address."""
    if CHROMIUM is None:
        message = "Chromium is missing. Install it: apt-get install chromium"
        pytest.fail(message) if os.environ.get(REQUIRED) else pytest.skip(message)
    base = tmp_path_factory.mktemp("browser")
    documents.write_catalogued_corpus(base / "documents")
    for name in SAMPLE:
        shutil.copy(ROOT / "corpus" / "documents" / name, base / "documents" / name)
    settings = Settings(corpus=base / "documents", index=base / "index")
    sync(settings, progress=no_progress)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app_streamlit.py"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = os.environ | {"ITU_ASSISTANT_INDEX": str(settings.index)}
    with (base / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(address: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def hosts() -> set[str]:
    """Collect every host that the pages of a test asked for anything."""
    return set()


@pytest.fixture
def context(browser: Browser, hosts: set[str]) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    yield context
    context.close()


def _open(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible(timeout=SECONDS)
    return page


def _ask(page: Page, question: str) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")


def _answered(page: Page, answers: int = 1) -> None:
    """Wait until the answers stand there whole: the sources follow the text."""
    expect(page.locator("article.source details[open]")).to_have_count(answers, timeout=SECONDS)


def test_an_english_question_is_answered_with_a_source_card(
    context: BrowserContext, address: str, hosts: set[str]
) -> None:
    page = _open(context, address)
    _ask(page, PROJECTS)
    _answered(page)
    answer = page.locator(".answer")
    expect(answer).to_contain_text("729 projects")
    expect(answer.locator(".marker").first).to_have_text("1")
    cards = page.locator("article.source")
    quoting = cards.filter(has=page.locator("mark", has_text="729 projects")).first
    expect(quoting).to_contain_text("SB-AI/03")
    expect(quoting).to_contain_text("page 1 (page 2 of the file)")
    # Nothing was asked of any other host.
    assert hosts == {"127.0.0.1"}


def test_an_arabic_question_is_answered_from_the_right(
    context: BrowserContext, address: str
) -> None:
    page = _open(context, address)
    _ask(page, ARABIC)
    _answered(page)
    answer = page.locator(".answer")
    expect(answer).to_contain_text(re.compile("10[ \N{NO-BREAK SPACE}]000"))
    for shown in (
        page.locator("p.question"),
        answer.locator("p").first,
        page.locator("article.source").first,
    ):
        assert shown.evaluate("node => getComputedStyle(node).direction") == "rtl"
    expect(page.locator("h4.label")).to_have_text("المصادر")


def test_texts_full_of_markup_are_shown_as_text(
    context: BrowserContext, address: str, hosts: set[str]
) -> None:
    page = _open(context, address)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    _ask(page, "How many corals did the reef survey of 2023 count?")
    _answered(page)
    expect(page.locator("article.source").first).to_contain_text(documents.HOSTILE_TITLE)
    expect(page.locator("mark").first).to_contain_text("![](https://evil.example/pixel.png)")
    _ask(page, "How many corals? <img src=y onerror=alert(2)>")
    question = page.locator("p.question").last
    expect(question).to_contain_text("<img src=y onerror=alert(2)>", timeout=SECONDS)

    page.goto(f"{address}/documents")
    link = page.get_by_role("link", name=documents.HOSTILE_TITLE)
    expect(link).to_be_visible(timeout=SECONDS)
    link.click()
    expect(page.locator("article.document")).to_contain_text(documents.HOSTILE_FILE)
    expect(page.locator(".passage").last).to_contain_text("<script>alert(1)</script>")
    assert page.locator("main img[src='x'], img[src='y'], a[href*='evil']").count() == 0
    assert dialogs == []
    assert hosts == {"127.0.0.1"}


def test_two_browsers_never_see_each_others_questions(browser: Browser, address: str) -> None:
    first, second = browser.new_context(), browser.new_context()
    first_page, second_page = _open(first, address), _open(second, address)
    _ask(first_page, PROJECTS)
    _ask(second_page, ARABIC)
    _answered(first_page)
    _answered(second_page)
    expect(first_page.locator("p.question")).to_have_text([PROJECTS])
    expect(second_page.locator("p.question")).to_have_text([ARABIC])
    # An address that is passed on does not open the conversation elsewhere.
    expect(first_page).to_have_url(re.compile("conversation="))
    follower = _open(second, first_page.url)
    follower.wait_for_timeout(1000)
    expect(follower.locator("p.question")).to_have_count(0)
    first.close()
    second.close()


def test_a_refresh_in_mid_answer_loses_nothing(context: BrowserContext, address: str) -> None:
    page = _open(context, address)
    _ask(page, PROJECTS)
    _answered(page)
    expect(page).to_have_url(re.compile("conversation="))
    before = page.locator(".answer").inner_text()
    _ask(page, "What is the budget for 2025?")
    expect(page.locator("p.question").last).to_have_text("What is the budget for 2025?")
    page.reload()
    _answered(page, answers=2)
    expect(page.locator("p.question")).to_have_text([PROJECTS, "What is the budget for 2025?"])
    assert page.locator(".answer").first.inner_text() == before
    expect(page.locator(".answer").last).to_contain_text("4.2 million francs")


def test_a_stop_in_mid_answer_loses_nothing(context: BrowserContext, address: str) -> None:
    page = _open(context, address)
    _ask(page, PROJECTS)
    expect(page.locator("p.question")).to_have_text([PROJECTS])
    page.get_by_test_id("stChatInputStopButton").click(timeout=SECONDS)
    expect(page.locator("p.question")).to_have_text([PROJECTS])
    _ask(page, "What is the budget for 2025?")
    _answered(page, answers=2)
    expect(page.locator("p.question")).to_have_text([PROJECTS, "What is the budget for 2025?"])
    expect(page.locator(".answer").first).to_contain_text("729 projects")
    expect(page.locator(".answer").last).to_contain_text("4.2 million francs")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_it_fits_a_telephone(browser: Browser, address: str, colours: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme="dark" if colours == "dark" else "light",
    )
    page = _open(context, address)
    _ask(page, ARABIC)
    _answered(page)
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    # The question and the beginning of its answer are in sight, not the end of its sources.
    page.wait_for_timeout(1500)
    expect(page.locator("p.question")).to_be_in_viewport()
    expect(page.locator(".answer")).to_be_in_viewport()
    edges = page.locator("article.source").first.bounding_box()
    assert edges is not None
    assert edges["x"] >= 0
    assert edges["x"] + edges["width"] <= 390
    context.close()


@pytest.mark.slow
def test_twenty_conversations_at_once(browser: Browser, address: str) -> None:
    contexts = [browser.new_context() for _ in range(CONVERSATIONS)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.goto(address, wait_until="commit")
    for page in pages:
        expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible(timeout=2 * SECONDS)
    for number, page in enumerate(pages):
        _ask(page, _budget_question(number))
    for number, page in enumerate(pages):
        _answered(page)
        expect(page.locator("p.question")).to_have_text([_budget_question(number)])
        expect(page.locator(".answer")).to_contain_text("4.2 million francs")
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.locator("article.problem")).to_have_count(0)
    for context in contexts:
        context.close()


def _budget_question(number: int) -> str:
    """Return one question in as many spellings as there are conversations."""
    return f"What is the budget for 2025{'?' * (number + 1)}"
