"""The web front end: a chat over the published index. Run: ``streamlit run app_streamlit.py``."""

from __future__ import annotations

import streamlit as st

from assistant.answer import Answer, Citation
from assistant.query_engine import QueryEngine, open_query_engine
from corpus.errors import AssistantError
from corpus.settings import Settings, resolve_settings
from index.generations import published_generation

# The web app shows public documents only.
AUDIENCES = ("public",)
# Each text runs in its own direction: Arabic from the right, in a page of any language.
DIRECTION = """<style>
[data-testid=stText], [data-testid=stText] * {
    unicode-bidi: plaintext; text-align: start; width: 100%;
}
</style>"""


@st.cache_resource(max_entries=1, show_spinner="Opening the index …")
def _engine(settings: Settings, generation: str | None) -> QueryEngine:
    """Return the engine of one generation; a newly published one is another entry."""
    return open_query_engine(settings, generation)


def main() -> None:
    """Draw the page, and answer what is asked."""
    st.set_page_config(page_title="ITU AI assistant")
    st.html(DIRECTION)
    st.title("ITU AI assistant")
    st.caption("Answers are quotes from the indexed documents, each checked against its page.")
    try:
        settings = resolve_settings().values
        engine = _engine(settings, published_generation(settings.index))
    except AssistantError as error:
        st.error("The assistant cannot answer yet.")
        st.text(str(error))
        return
    turns: list[Answer] = st.session_state.setdefault("turns", [])
    for answer in turns:
        _show(answer)
    question = st.chat_input("Ask in Arabic, Chinese, English, French, Russian or Spanish")
    if question:
        try:
            answer = engine.answer(question, audiences=AUDIENCES)
        except AssistantError as error:
            st.warning(str(error))
            return
        turns.append(answer)
        _show(answer)


def _show(answer: Answer) -> None:
    """Show a question with its answer. Texts of documents and people are never markup."""
    with st.chat_message("user"):
        st.text(answer.question)
    with st.chat_message("assistant"):
        if answer.text:
            st.text(answer.text)
        if answer.notice:
            st.text(answer.notice)
        for citation in answer.citations:
            _show_citation(citation)
        for hit in answer.nearest:
            with st.expander("Nearest passage"):
                st.text(f"{hit.document.title}\n\n{hit.passage.text}")


def _show_citation(citation: Citation) -> None:
    printed = f", printed page {citation.printed_page}" if citation.printed_page else ""
    page = f"page {citation.page} of the file{printed}" if citation.page else ""
    parts = (citation.title, citation.number, citation.published, page, *citation.section)
    with st.expander(f"Source {citation.marker}", expanded=True):
        st.text(" · ".join(part for part in parts if part))
        st.text(f"“{citation.quote}”")


main()
