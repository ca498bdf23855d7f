"""Hybrid retrieval: dense vectors and keywords, fused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from assistant.answer import Hit
from assistant.interaction import Nearest, borne_out, nearest_in_passages
from assistant.question import question_language
from index.analysis import invariant_terms, terms
from index.dense import Rows, Vectors
from index.embedder import Embedder
from index.foreign_questions import foreign_questions
from index.generations import Generation
from index.reader_input import TURNS
from index.records import IndexedDocument
from index.tokens import Tokens

Scores = NDArray[np.float64]

# Each search contributes this many candidates to the second stage.
CANDIDATES = 100
# Weights of the second stage: a passage's own cosine and its nearest sentence's, both standardised
# over the candidates, and keywords, 0..1. Fitted on half of the articles of SQuAD and XQuAD and
# checked on the other half (docs/measurements.md): MRR@10 .899 to .919 in English, and with
# questions in es, ru, ar, zh .883 to .914, .804 to .874, .684 to .791, .662 to .815. A weight of 25
# for keywords in another language, as fitted, gave the same within .004 there, and let the year in
# a question outweigh everything where the index has several languages.
PASSAGE, SENTENCE, KEYWORDS = 0.75, 1.7, 4.4
# How many of the best passages are held against the question token by token, and what the mean of
# the nearest tokens' cosines counts beside the score, 0..1: from 2 to 4 all the same within .005.
INTERACTING, TOKENS = 20, 3.0
# How much of a text's nearness to foreign questions is taken off: .25, .5, .75, 1 gave Chinese
# questions .795, .816, .816, .795, Arabic .780, .794, .780, .754, Spanish and Russian within .01.
HUBNESS = 0.5


@dataclass(frozen=True)
class Query:
    """A question made ready for the search: its language, its vector, and what may be searched.

    ``text`` is what is searched for, ``turns`` the turns of the conversation as they were asked.
    ``noise`` are the vectors of foreign questions in the same language, shape (n, dimension), where
    there are documents in another. ``tokens`` are the question's, of unit length and centred; None
    where the index has none.
    """

    text: str
    turns: tuple[str, ...]
    language: str
    vector: Vectors
    filters: Mapping[str, str] = field(default_factory=dict)
    noise: Vectors | None = None
    tokens: Tokens | None = None

    @property
    def asked(self) -> str:
        """The last turn, which is asked."""
        return self.turns[-1]

    @property
    def readable(self) -> list[str]:
        """The last turn as a reader is given it: behind the one before, if any, and alone."""
        return list(dict.fromkeys((TURNS.join(self.turns[-2:]), self.asked)))


@dataclass(frozen=True)
class Retrieved:
    """What a search gave: the best passages, and how all that were compared were ranked.

    ``ranking`` has the row and the score, 0..1, of each passage that either search found, best
    first; ``searched`` are the documents that could be found.
    """

    hits: list[Hit]
    ranking: list[tuple[int, float]]
    searched: list[IndexedDocument]

    def alternating(self, other: Retrieved) -> Retrieved:
        """Return what two searches gave, the best of the one and of the other in turn."""
        hits = {hit.row: hit for pair in zip_longest(self.hits, other.hits) for hit in pair if hit}
        ranking = dict(
            place for pair in zip_longest(self.ranking, other.ranking) for place in pair if place
        )
        most = max(len(self.hits), len(other.hits))
        return Retrieved([*hits.values()][:most], [*ranking.items()], self.searched)


class HybridRetriever:
    """Finds passages by dense vectors and by keywords, over one generation.

    What either search finds is scored in a second stage by the passage's cosine, its nearest
    sentence's, and its keywords. Those count in full where question and passage share a language;
    in passages of another language only numbers, acronyms and names do.
    """

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder,
        k: int = 10,
        keyword_weight: float | None = None,
    ) -> None:
        self.generation = generation
        self._embedder = embedder
        self._k = k
        self._keyword_weight = keyword_weight
        self._foreign_questions: dict[str, Vectors | None] = {}

    def with_keyword_weight(self, weight: float) -> HybridRetriever:
        """Return the same retriever without the second stage: both searches are scaled to 0..1
        and added, keywords with this weight, 0..1."""
        return HybridRetriever(self.generation, self._embedder, self._k, weight)

    def query(
        self,
        text: str,
        filters: Mapping[str, str] | None = None,
        turns: Sequence[str] | None = None,
    ) -> Query:
        """Make a question ready; this is its one encoding.

        ``turns`` are the turns of its conversation, where ``text`` joins several of them.
        """
        language = question_language(text, self.usual_language)
        vector, given = self._embedder.read_query(text)
        store = self.generation.tokens
        tokens = store.question(given, language) if store and given else None
        noise = self._foreign(language)
        return Query(text, tuple(turns or [text]), language, vector, filters or {}, noise, tokens)

    @cached_property
    def usual_language(self) -> str:
        """The language of most passages; English where there is none."""
        passages: Counter[str] = Counter()
        for indexed in self.generation.records.documents():
            passages[indexed.document.language] += indexed.end - indexed.first
        return max(sorted(passages), key=lambda language: passages[language], default="en")

    def search(self, query: Query, k: int | None = None) -> Retrieved:
        """Find up to ``k`` passages, best first, ties by row.

        Raises UsageError for an unknown filter.
        """
        wanted = self._k if k is None else k
        each = max(wanted, CANDIDATES)
        documents = self.searched(query)
        only = documents if self._narrowed(query) else None
        dense = self._dense(query, only, each)
        keyword = self._keyword(query, documents, only, each)
        rows, scores, cosines, nearest = self._scored(query, dense, keyword, documents)
        best = np.argsort(-scores, kind="stable").tolist()
        passages = self.generation.records.passages(rows[n] for n in best[:wanted])
        by_id = {d.document.id: d.document for d in documents}
        hits = [
            Hit(passages[row], by_id[passages[row].document_id], row, float(scores[n]),
                float(cosines[n]), _found_by(row, dense, keyword), nearest.get(row))
            for n in best[:wanted]
            for row in [rows[n]]
        ]  # fmt: skip
        return Retrieved(hits, [(rows[n], float(scores[n])) for n in best], documents)

    def searched(self, query: Query) -> list[IndexedDocument]:
        """Return the documents that the query may find. Raises UsageError for an unknown filter."""
        records = self.generation.records
        if self._narrowed(query):
            return records.select_documents(query.filters)
        return records.documents()

    def _narrowed(self, query: Query) -> bool:
        restricted = self.generation.records.restricted
        return bool(query.filters) or restricted

    def _dense(
        self, query: Query, only: Sequence[IndexedDocument] | None, k: int
    ) -> dict[int, float]:
        allowed: Rows | None = None
        if only is not None:
            parts = [np.arange(indexed.first, indexed.end, dtype=np.int64) for indexed in only]
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
        ids = None if only is None else [indexed.document.id for indexed in only]
        search = self.generation.records.keyword_search
        own = terms(query.text, query.language)
        scores = _with_top(dict(search(own, k, [query.language], ids)), 1.0)
        foreign = sorted({indexed.document.language for indexed in documents} - {query.language})
        if foreign:
            shared = invariant_terms(query.text, query.language)
            share = len(set(shared)) / max(len(set(own)), 1)
            scores |= _with_top(dict(search(shared, k, foreign, ids)), share)
        return scores

    def _scored(
        self,
        query: Query,
        dense: dict[int, float],
        keyword: dict[int, float],
        documents: Sequence[IndexedDocument],
    ) -> tuple[list[int], Scores, Scores, dict[int, Nearest]]:
        """Return the rows that either search found, their scores, cosines and nearest tokens."""
        rows = sorted(dense.keys() | keyword.keys())
        if not rows:
            return [], np.zeros(0), np.zeros(0), {}
        vectors = self.generation.passages.vectors(np.array(rows, np.int64))
        cosines = np.asarray(vectors @ query.vector, np.float64)
        words = np.array([keyword.get(row, 0.0) for row in rows])
        if self._keyword_weight is not None:
            weight = self._keyword_weight
            return rows, (1 - weight) * scaled(cosines) + weight * words, cosines, {}
        scores = scaled(self._second_stage(query, rows, vectors, words, documents))
        scores, nearest = self._interacting(query, rows, scores)
        return rows, scores, cosines, nearest

    def _second_stage(
        self,
        query: Query,
        rows: list[int],
        vectors: Vectors,
        words: Scores,
        documents: Sequence[IndexedDocument],
    ) -> Scores:
        """Score passages by themselves, by their nearest sentence, and by keywords."""
        own = np.concatenate(
            [np.arange(d.first, d.end) for d in documents if d.document.language == query.language]
            or [np.zeros(0, np.int64)]
        )
        same = np.isin(rows, own)
        found = self.generation.records.sentence_rows(rows)
        sentences = self.generation.sentence_vectors(np.array([row for row, _ in found], np.int64))
        places = np.searchsorted(rows, [passage for _, passage in found])
        nearest = np.full(len(rows), -1.0)
        np.maximum.at(nearest, places, adjusted(query, sentences, same[places]))
        around = adjusted(query, vectors, same)
        return PASSAGE * standardised(around) + SENTENCE * standardised(nearest) + KEYWORDS * words

    def _interacting(
        self, query: Query, rows: list[int], scores: Scores
    ) -> tuple[Scores, dict[int, Nearest]]:
        """Add to the best passages how much of the question their tokens bear out.

        Returns the scores, and for these passages how near each of the question's tokens is.
        """
        store = self.generation.tokens
        if store is None or query.tokens is None:
            return scores, {}
        best = np.argsort(-scores, kind="stable")[:INTERACTING].tolist()
        nearest = nearest_in_passages(query.tokens.vectors, (rows[n] for n in best), store)
        added = scores.copy()
        for n in best:
            added[n] += 1.0 + TOKENS * borne_out(nearest[rows[n]])  # 1 keeps the others behind
        return scaled(added), nearest

    def _foreign(self, language: str) -> Vectors | None:
        """Return the vectors of the foreign questions in a language.

        None for questions in the language of most passages, which have no need of them. An index
        of another version has none; they are then made when first needed, which takes as long as
        answering as many questions.
        """
        if language == self.usual_language:
            return None
        if language not in self._foreign_questions:
            vectors = self.generation.foreign_questions(language)
            if vectors is None and foreign_questions().get(language):
                texts = foreign_questions()[language]
                vectors = np.array([self._embedder.embed_query(text) for text in texts])
            self._foreign_questions[language] = vectors
        return self._foreign_questions[language]


def adjusted(query: Query, vectors: Vectors, same: NDArray[np.bool_]) -> Scores:
    """Return the cosines of vectors, without part of what any foreign question would have.

    In another language than the question's (``same`` is false) some texts are near to
    everything; half of their mean cosine with questions on other subjects is taken off, and
    the mean of all is given back, so that languages remain comparable.
    """
    cosines = np.asarray(vectors @ query.vector, np.float64)
    if query.noise is not None and not same.all():
        hubness = (vectors[~same] @ query.noise.T).mean(axis=1)
        cosines[~same] -= HUBNESS * (hubness - hubness.mean())
    return cosines


def scaled(values: Scores) -> Scores:
    """Scale values to 0..1, the least to 0 and the greatest to 1; all to 0 where they are equal."""
    low, high = float(values.min()), float(values.max())
    between: Scores = (values - low) / ((high - low) or 1.0)
    return between


def standardised(values: Scores) -> Scores:
    """Return values with mean 0 and standard deviation 1, whatever the embedder's range is."""
    standard: Scores = (values - values.mean()) / (float(values.std()) or 1.0)
    return standard


def _with_top(scores: dict[int, float], top: float) -> dict[int, float]:
    """Scale scores so that the best becomes ``top``."""
    best = max(scores.values(), default=0.0)
    return {row: top * score / best for row, score in scores.items()} if best > 0 else {}


def _found_by(row: int, dense: dict[int, float], keyword: dict[int, float]) -> tuple[str, ...]:
    searches = (("dense", dense), ("keyword", keyword))
    return tuple(name for name, found in searches if row in found)
