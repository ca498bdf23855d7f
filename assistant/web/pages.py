"""The pages of the app, one row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assistant.web import chat, documents
from assistant.web.asker import Asker


@dataclass(frozen=True)
class Page:
    """A page: its title in the menu, its address below the app's, and what draws it."""

    title: str
    address: str
    render: Callable[[Asker], None]


PAGES = (
    Page("Ask", "ask", chat.render),
    Page("Documents", "documents", documents.render),
)
