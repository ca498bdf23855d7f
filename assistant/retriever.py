"""Hybrid retrieval: dense vectors and keywords, fused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.answer import Hit
from index.analysis import invariant_terms, terms
from index.dense import Rows, Vectors
from index.embedder import Embedder
from index.generations import Generation
from index.language import UN_LANGUAGES, detect_language
from index.records import IndexedDocument

# Each search contributes this many candidates to the fusion.
CANDIDATES = 50
# Weight of keywords against vectors. On SQuAD passages .3/.7 was best (MRR@10 .901, against
# .864 and .849 for either alone).
KEYWORD_WEIGHT = 0.3


@dataclass(frozen=True)
class Query:
    """A question made ready for the search: its language, its vector, and what may be searched.

    ``audiences`` None means every audience.
    """

    text: str
    language: str
    vector: Vectors
    filters: Mapping[str, str] = field(default_factory=dict)
    audiences: Sequence[str] | None = None


class HybridRetriever:
    """Finds passages by dense vectors and by keywords, over one generation.

    The scores of both searches are scaled to 0..1 and added with fixed weights (min-max
    fusion). Keywords count in full where question and passage share a language; in passages
    of another language only numbers, acronyms and names do.
    """

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder,
        k: int = 10,
        keyword_weight: float = KEYWORD_WEIGHT,
    ) -> None:
        self.generation = generation
        self._embedder = embedder
        self._k = k
        self._keyword_weight = keyword_weight

    def with_keyword_weight(self, weight: float) -> HybridRetriever:
        """Return the same retriever with another weight, 0..1, of keywords against vectors."""
        return HybridRetriever(self.generation, self._embedder, self._k, weight)

    def query(
        self,
        text: str,
        filters: Mapping[str, str] | None = None,
        audiences: Sequence[str] | None = None,
    ) -> Query:
        """Make a question ready; this is its one encoding."""
        language = detect_language(text, UN_LANGUAGES)
        vector = self._embedder.embed_query(text)
        return Query(text, language, vector, filters or {}, audiences)

    def search(self, query: Query, k: int | None = None) -> list[Hit]:
        """Return up to ``k`` passages, best first, ties by row.

        Raises UsageError for an unknown filter.
        """
        wanted = self._k if k is None else k
        each = max(wanted, CANDIDATES)
        records = self.generation.records
        if query.filters or query.audiences is not None or records.restricted:
            documents = records.select_documents(query.filters, query.audiences)
            only = documents
        else:
            documents, only = records.documents(), None
        dense = self._dense(query, only, each)
        keyword = self._keyword(query, documents, only, each)
        return self._fused(query, dense, keyword, documents)[:wanted]

    def _dense(
        self, query: Query, only: Sequence[IndexedDocument] | None, k: int
    ) -> dict[int, float]:
        allowed: Rows | None = None
        if only is not None:
            parts = [np.arange(one.first, one.end, dtype=np.int64) for one in only]
            allowed = np.concatenate([np.zeros(0, np.int64), *parts])
        return dict(self.generation.passages.search(query.vector, k, allowed))

    def _keyword(
        self,
        query: Query,
        documents: Sequence[IndexedDocument],
        only: Sequence[IndexedDocument] | None,
        k: int,
    ) -> dict[int, float]:
        """Return keyword scores of passages, 0..1.

        In the question's language the best passage has 1. In other languages it has the
        share of the question's terms that could have matched there at all.
        """
        ids = None if only is None else [one.document.id for one in only]
        search = self.generation.records.keyword_search
        own = terms(query.text, query.language)
        scores = _scaled(dict(search(own, k, [query.language], ids)), 1.0)
        foreign = sorted({one.document.language for one in documents} - {query.language})
        if foreign:
            shared = invariant_terms(query.text, query.language)
            share = len(set(shared)) / max(len(set(own)), 1)
            scores |= _scaled(dict(search(shared, k, foreign, ids)), share)
        return scores

    def _fused(
        self,
        query: Query,
        dense: dict[int, float],
        keyword: dict[int, float],
        documents: Sequence[IndexedDocument],
    ) -> list[Hit]:
        rows = sorted(dense.keys() | keyword.keys())
        if not rows:
            return []
        cosines = self.generation.passages.vectors(np.array(rows, np.int64)) @ query.vector
        low, high = float(cosines.min()), float(cosines.max())
        scale = (high - low) or 1.0
        scored = []
        for row, cosine in zip(rows, cosines.tolist(), strict=True):
            score = (1 - self._keyword_weight) * (cosine - low) / scale
            score += self._keyword_weight * keyword.get(row, 0.0)
            scored.append((score, row, cosine))
        scored.sort(key=lambda item: (-item[0], item[1]))
        passages = self.generation.records.passages(row for _, row, _ in scored)
        by_id = {d.document.id: d.document for d in documents}
        return [
            Hit(passages[row], by_id[passages[row].document_id], row, score, cosine,
                _found_by(row, dense, keyword))
            for score, row, cosine in scored
        ]  # fmt: skip


def _scaled(scores: dict[int, float], top: float) -> dict[int, float]:
    """Scale scores so that the best becomes ``top``."""
    best = max(scores.values(), default=0.0)
    return {row: top * score / best for row, score in scores.items()} if best > 0 else {}


def _found_by(row: int, dense: dict[int, float], keyword: dict[int, float]) -> tuple[str, ...]:
    searches = (("dense", dense), ("keyword", keyword))
    return tuple(name for name, found in searches if row in found)
