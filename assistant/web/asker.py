"""The person in front of the app, and the engine that answers them."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.engine import Engine
from assistant.web.conversations import Conversation
from index.generations import Generation
from index.records import IndexedDocument


@dataclass(frozen=True)
class Asker:
    """Who asks: the engine, which reads what they may read, and what they have asked."""

    engine: Engine
    conversation: Conversation

    @property
    def generation(self) -> Generation:
        """The generation of the index that is being served."""
        return self.engine.generation

    def documents(self) -> list[IndexedDocument]:
        """Return the documents that they may read, ordered by path."""
        return self.engine.documents()
