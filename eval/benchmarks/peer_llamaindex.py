"""LlamaIndex as a peer: VectorStoreIndex over a flat inner-product index of FAISS.

Each paragraph is one node, so that nothing is spent on splitting. Runs in LlamaIndex's own
environment; see ``peer_program.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIBRARIES = (
    "llama-index-core",
    "llama-index-vector-stores-faiss",
    "llama-index-embeddings-huggingface",
    "faiss-cpu",
    "sentence-transformers",
    "transformers",
    "torch",
    "numpy",
)


class LlamaIndex:
    """A vector index of LlamaIndex, and its retriever once there is an index."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        from llama_index.embeddings.huggingface import (  # type: ignore[import-untyped]
            HuggingFaceEmbedding,
        )

        self._paragraphs = task["paragraphs"]
        self._folder = Path(task["folder"]) / "llamaindex"
        self._model = HuggingFaceEmbedding(
            model_name=task["model"],
            query_instruction=task["query_prefix"],
            text_instruction=task["passage_prefix"],
            device="cpu",
        )
        self._dimension = len(self._model.get_query_embedding("dimension"))
        self._index: Any = None
        self._retrievers: dict[int, Any] = {}

    def index(self) -> None:
        import faiss
        from llama_index.core import StorageContext, VectorStoreIndex
        from llama_index.core.schema import TextNode
        from llama_index.vector_stores.faiss import (  # type: ignore[import-untyped]
            FaissVectorStore,
        )

        store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(self._dimension))
        storage = StorageContext.from_defaults(vector_store=store)
        nodes = [TextNode(id_=row["id"], text=row["text"]) for row in self._paragraphs]
        self._index = VectorStoreIndex(nodes, storage_context=storage, embed_model=self._model)
        storage.persist(str(self._folder))

    def search(self, question: str, k: int) -> list[str]:
        if k not in self._retrievers:
            self._retrievers[k] = self._index.as_retriever(similarity_top_k=k)
        return [found.node.node_id for found in self._retrievers[k].retrieve(question)]


def opened(task: Mapping[str, Any]) -> LlamaIndex:
    """Import LlamaIndex and load the model."""
    return LlamaIndex(task)
