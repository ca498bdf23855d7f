"""The web front end over the published index. Run: ``streamlit run app_streamlit.py``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import streamlit as st

from assistant import Engine, open_engine
from assistant.web import markup
from assistant.web.asker import Asker
from assistant.web.conversations import Conversation, Conversations, browser_secret
from assistant.web.pages import PAGES
from corpus.errors import AssistantError
from corpus.settings import Settings, resolve_settings
from index.generations import published_generation

# Whoever is not signed in reads public documents only.
AUDIENCES = ("public",)
WEB = Path(__file__).parent / "assistant" / "web"
NAME = "ITU AI assistant"
CONVERSATION_KEY = "conversation"
# Set by Streamlit in every browser, and known to that browser alone.
BROWSER_COOKIE = "_streamlit_xsrf"


@st.cache_resource(max_entries=1, show_spinner="Opening the index …")
def _engine(settings: Settings, generation: str | None) -> Engine:
    """Return the engine of one generation; a newly published one is another entry."""
    engine = open_engine(settings, generation, AUDIENCES)
    if engine.generation.warning:
        sys.stderr.write(f"Warning: {engine.generation.warning}\n")
    return engine


@st.cache_resource(show_spinner=False)
def _conversations() -> Conversations:
    return Conversations()


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title=NAME, page_icon=str(WEB / "sign.svg"))
    st.html(WEB / "style.css")
    st.logo(WEB / "logo.svg", size="large", icon_image=WEB / "sign.svg")
    try:
        settings = resolve_settings().values
        engine = _engine(settings, published_generation(settings.index))
    except AssistantError as error:
        st.title("The assistant cannot answer yet")
        st.html(markup.problem("There is no index that it can use", str(error)))
        return
    if engine.generation.warning:
        st.warning("The newest documents cannot be shown at the moment; the previous ones are.")
    asker = Asker(engine, _conversation())
    pages = [
        st.Page(partial(page.render, asker), title=page.title, url_path=page.address,
                default=page is PAGES[0])
        for page in PAGES
    ]  # fmt: skip
    page = st.navigation(pages, position="hidden")
    with st.sidebar:
        for other in pages:
            st.page_link(other)
    page.run()


def _conversation() -> Conversation:
    """Return this tab's conversation: the one it has, the one its address names, or a new one.

    The address names it from then on, so that a page that is loaded anew finds it.
    """
    if "conversation" not in st.session_state:
        token = st.query_params.get(CONVERSATION_KEY, "")
        found = _conversations().find(_browser(), token) if _browser() else None
        st.session_state["conversation"] = found or _conversations().begin(_browser())
    conversation: Conversation = st.session_state["conversation"]
    st.query_params[CONVERSATION_KEY] = conversation.token
    return conversation


def _browser() -> str:
    """Return what tells this browser from others, empty where it takes no cookies."""
    return browser_secret(st.context.cookies.get(BROWSER_COOKIE, ""))


main()
