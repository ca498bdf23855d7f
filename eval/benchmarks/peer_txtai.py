"""txtai as a peer: its hybrid search (BM25 and vectors in FAISS, half each), as it comes.

Runs in txtai's own environment; see ``peer_program.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIBRARIES = ("txtai", "faiss-cpu", "transformers", "torch", "numpy")


class Txtai:
    """An index of txtai without content: what is found are ids."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        from txtai import Embeddings  # type: ignore[import-not-found]

        self._paragraphs = task["paragraphs"]
        self._folder = Path(task["folder"]) / "txtai"
        # With instructions, this way of encoding leaves the prompts of the model's folder out; the
        # method "sentence-transformers" would put them before the text a second time.
        self._embeddings = Embeddings(
            path=task["model"],
            method="transformers",
            hybrid=True,
            instructions={"query": task["query_prefix"], "data": task["passage_prefix"]},
            gpu=False,
        )

    def index(self) -> None:
        self._embeddings.index((row["id"], row["text"], None) for row in self._paragraphs)
        self._embeddings.save(str(self._folder))

    def search(self, question: str, k: int) -> list[str]:
        return [key for key, _ in self._embeddings.search(question, k)]


def opened(task: Mapping[str, Any]) -> Txtai:
    """Import txtai and load the model."""
    return Txtai(task)
