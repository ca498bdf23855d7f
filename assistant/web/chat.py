"""The chat: a question, an answer that arrives quote by quote, and its sources."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import streamlit as st

from assistant.answer import Answer, Citation, with_citations
from assistant.web import markup
from assistant.web.asker import Asker
from assistant.web.conversations import Asked, Turn
from assistant.web.surroundings import Surroundings, surroundings
from corpus.errors import AssistantError
from index.generations import Generation

_STARTERS_FILE = Path(__file__).parent / "starter_questions.toml"
_STARTERS = 6
_EVERY = ""
# Streamlit keeps a chat scrolled to its end. Here the answer comes first and its sources follow,
# so that the last question, or the title, is brought back to the top.
_SCROLL = """<script>
  [100, 400, 1000].forEach((wait) => setTimeout(() => {
    const asked = document.querySelectorAll("p.question, h1");
    asked[asked.length - 1]?.scrollIntoView({block: "start"});
  }, wait));
</script>"""
_HOW = (
    "Every sentence of an answer is a quote. It is looked up in the documents, put together "
    "without a language model, and shown only after it has been compared, letter by letter, with "
    "the page it comes from. Where the documents do not answer, the assistant says so."
)


def render(asker: Asker) -> None:
    """Draw the conversation, and answer what is asked."""
    conversation = asker.conversation
    # While an answer arrives, the button beside the box stops it.
    typed = st.chat_input(
        "Ask in Arabic, Chinese, English, French, Russian or Spanish", submit_mode="stop"
    )
    # Kept at once: a stop may come before the filters beside the chat are drawn.
    asked_now: list[str] = st.session_state.setdefault("asked now", [])
    if typed:
        asked_now.append(typed)
    filters = _sidebar(asker, begun=bool(conversation.turns or asked_now))
    while asked_now:
        conversation.waiting.append(Asked(asked_now[0], filters))
        asked_now.pop(0)
    if not conversation.turns and not conversation.waiting:
        _welcome(asker)
    for turn in conversation.turns:
        _show(turn, asker)
    for asked in [*conversation.waiting]:
        _answer(asked, asker)


def _answer(asked: Asked, asker: Asker) -> None:
    """Answer a question; the turn is kept before it is shown, so that a stop loses nothing."""
    conversation = asker.conversation
    with st.chat_message("user"):
        st.html(markup.question(asked.question))
    with st.chat_message("assistant"):
        with conversation.lock:
            if asked not in conversation.waiting:  # another page of this conversation was faster
                st.rerun()
            try:
                turn = Turn(asked, _streamed(asked, asker))
            except AssistantError as error:
                conversation.waiting.remove(asked)
                st.html(markup.problem("This question cannot be answered", str(error)))
                return
            conversation.add(turn)
        _show_rest(turn, asker)
    _scroll(len(conversation.turns))


def _scroll(turns: int) -> None:
    """Bring the beginning of what is new into sight; a script that has changed is run again."""
    st.html(f"<!-- {turns} -->{_SCROLL}", unsafe_allow_javascript=True)


def _streamed(asked: Asked, asker: Asker) -> Answer:
    """Answer a question after the turns before it; show each quote as soon as it is verified."""
    turns = [turn.asked.question for turn in asker.conversation.turns]
    place, quotes = st.empty(), []
    for event in asker.engine.stream([*turns, asked.question], asked.filters):
        if event.quote:
            quotes.append((event.quote, event.citations))
            place.html(markup.answer(quotes))
        if event.answer:
            return event.answer
    raise AssertionError("A stream ends with the answer.")


def _show(turn: Turn, asker: Asker) -> None:
    with st.chat_message("user"):
        st.html(markup.question(turn.asked.question))
    with st.chat_message("assistant"):
        if turn.answer.text:
            st.html(markup.answer(with_citations(turn.answer.quotes, turn.answer.citations)))
        _show_rest(turn, asker)


def _show_rest(turn: Turn, asker: Asker) -> None:
    """Show what belongs to an answer's text: notice, sources, nearest passages, filters."""
    answer, language, token = turn.answer, turn.answer.language, asker.conversation.token
    if answer.notice:
        st.html(markup.notice(answer.notice))
    if answer.citations:
        cards = [
            markup.source(citation, _around(citation, asker.generation), language, token)
            for citation in answer.citations
        ]
        st.html(markup.heading("sources", language) + "".join(cards))
    if answer.nearest:
        cards = [markup.nearest(hit, language, token) for hit in answer.nearest]
        st.html(markup.heading("nearest_passages", language) + "".join(cards))
    if turn.asked.filters:
        shown = ", ".join(_filter_name(key, value) for key, value in turn.asked.filters.items())
        st.html(markup.notice(f"Searched: {shown}"))


def _around(citation: Citation, generation: Generation) -> Surroundings:
    """Return the quote in its page, or by itself where the index of that answer has gone."""
    page = generation.records.page(citation.document_id, citation.page or 1)
    if page is None or page.text[citation.start : citation.end] != citation.quote:
        return Surroundings("", citation.quote, "")
    return surroundings(page.text, citation.start, citation.end)


def _welcome(asker: Asker) -> None:
    st.title("What do ITU's documents say about AI?")
    st.html(markup.notice(_HOW))
    starters = _starters(asker.generation.id, asker)
    if not starters:
        return
    st.html('<h4 class="label">For example</h4>')
    for number, question in enumerate(starters):
        # A button's label is Markdown, so that only questions of this file may stand on one.
        if st.button(question, key=f"starter{number}", width="stretch"):
            st.session_state["asked now"] = [question]
            st.rerun()
    _scroll(0)


@st.cache_data(show_spinner=False)
def _starters(generation: str, _asker: Asker) -> list[str]:  # noqa: ARG001 (the cache's key)
    """Return the starter questions that this generation of the index answers."""
    return [question for question in _starter_questions() if _asker.engine.answer(question).text][
        :_STARTERS
    ]


@cache
def _starter_questions() -> tuple[str, ...]:
    with _STARTERS_FILE.open("rb") as file:
        return tuple(tomllib.load(file)["questions"])


def _sidebar(asker: Asker, *, begun: bool) -> dict[str, str]:
    """Draw what stands beside the chat; return the filters that are set."""
    documents = [indexed.document for indexed in asker.documents()]
    languages = sorted({document.language for document in documents})
    years = sorted({(document.published or "")[:4] for document in documents} - {""}, reverse=True)
    types = sorted({document.type or "" for document in documents} - {""})
    kind = ""
    with st.sidebar:
        language = st.selectbox(
            "Language of the documents",
            [_EVERY, *languages],
            format_func=lambda tag: markup.language_name(tag) if tag else "All languages",
        )
        year = st.selectbox(
            "Year of publication", [_EVERY, *years], format_func=lambda year: year or "All years"
        )
        if types:
            kind = st.selectbox(
                "Type of document", [_EVERY, *types], format_func=lambda kind: kind or "All types"
            )
        if begun and st.button("New conversation", width="stretch"):
            st.session_state.pop("conversation")
            st.query_params.clear()
            st.rerun()
        manifest = asker.generation.manifest
        st.html(
            markup.particulars(
                [
                    ("Index of", manifest.created[:16].replace("T", " ") + " UTC"),
                    ("Documents", str(len(documents))),
                    (
                        "Passages",
                        str(sum(indexed.end - indexed.first for indexed in asker.documents())),
                    ),
                ]
            )
        )
        if begun:
            st.html(markup.notice(_HOW))
    chosen = {"language": language, "year": year, "type": kind}
    return {key: value for key, value in chosen.items() if value}


def _filter_name(key: str, value: str) -> str:
    return markup.language_name(value) if key == "language" else value
