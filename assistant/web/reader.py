"""The person in front of the app, and the index that is open for them."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.query_engine import QueryEngine
from assistant.web.conversations import Conversation
from index.generations import Generation
from index.records import IndexedDocument


@dataclass(frozen=True)
class Reader:
    """Who reads: what they asked, and what answers them, which is open for them alone."""

    engine: QueryEngine
    conversation: Conversation

    @property
    def generation(self) -> Generation:
        """The generation of the index that is being served."""
        return self.engine.retriever.generation

    def documents(self, **filters: str) -> list[IndexedDocument]:
        """Return the documents that this reader may see, ordered by path."""
        return self.generation.records.select_documents(filters)
