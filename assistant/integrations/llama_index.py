"""The retriever and the query engine under LlamaIndex's interfaces.

A LlamaIndex user can put them into an application of their own. The command line and the web
app use the same objects directly, as importing LlamaIndex takes over a second.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import ConfigDict

from assistant.answer import Hit
from assistant.engine import Engine


class PassageRetriever(BaseRetriever):
    """Hybrid retrieval as a LlamaIndex retriever; a node is a passage, its id the passage's."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._engine.search(query_bundle.query_str)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]


class CitedQueryEngine(CustomQueryEngine):
    """The query engine as LlamaIndex's: the response's metadata is the whole answer."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    engine: Engine

    def custom_query(self, query_str: str) -> Response:
        """Answer one question; where there is no answer, the response is the notice."""
        answer = self.engine.answer(query_str)
        return Response(answer.text or answer.notice, metadata=answer.to_json())


def _node(hit: Hit) -> TextNode:
    row: dict[str, Any] = hit.to_json()
    keys = ("document_id", "title", "page", "section")
    metadata = {key: row[key] for key in keys} | {"language": hit.document.language}
    return TextNode(id_=hit.passage.id, text=hit.passage.text, metadata=metadata)
