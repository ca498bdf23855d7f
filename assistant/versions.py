"""One language version for each statement: the asker's where it has it, else the original.

Documents are versions of one document where the catalogue says that they are translations of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.answer import Hit
from assistant.retrieval import Query
from assistant.scored import ScoredSentence
from corpus.documents import Document
from index.generations import Generation
from index.records import IndexedDocument


@dataclass(frozen=True)
class AskersVersion:
    """Hits with the asker's versions first, and which document gave way to which, by id."""

    hits: list[Hit]
    gave_way: Mapping[str, str]


def in_askers_version(
    query: Query,
    hits: Sequence[Hit],
    searched: Sequence[IndexedDocument],
    generation: Generation,
) -> AskersVersion:
    """Return hits with the passages of the asker's version before those of another version.

    ``searched`` are the documents that may be found. A passage of another version gives way if
    all its sentences have their like in the asker's version. At most as many hits are returned
    as there were.
    """
    everything = generation.records.documents()
    versions = versions_by_id(
        (indexed.document for indexed in searched), everything, query.language
    )
    found: dict[int, Hit] = {}
    gave_way: dict[str, str] = {}
    for hit in hits:
        own = askers_version(hit.document, versions, query.language)
        if own is None:
            found.setdefault(hit.row, hit)
            continue
        same = generation.counterparts(hit.document.id, own.id)
        inside = [row for row, _ in generation.records.sentence_rows([hit.row])]
        likes = [same[row] for row in inside if row in same]
        for other in _on(own, likes, hit, query, generation):
            found.setdefault(other.row, other)
        if len(likes) < len(inside):
            found.setdefault(hit.row, hit)
        else:
            gave_way[hit.document.id] = own.id
    return AskersVersion(list(found.values())[: len(hits)], gave_way)


def in_one_version(
    language: str, ranked: Sequence[ScoredSentence], generation: Generation
) -> list[ScoredSentence]:
    """Return sentences without those that say in another version what a better one says.

    The better one takes the higher score of both. Best first, ties by row.
    """
    everything = generation.records.documents()
    versions = versions_by_id((scored.hit.document for scored in ranked), everything, language)
    places = {(scored.hit.document.id, scored.rows): n for n, scored in enumerate(ranked)}
    quotable = {row for scored in ranked for row in scored.rows}
    scores = [(scored.score, scored.logit) for scored in ranked]
    kept = []
    for n, scored in enumerate(ranked):
        rows = scored.rows
        for better in _better(scored.hit.document, versions):
            same = generation.counterparts(scored.hit.document.id, better.id)
            likes = tuple(same[row] for row in scored.rows if same.get(row) in quotable)
            if len(likes) == len(scored.rows):
                place = places.get((better.id, likes), n)
                scores[place] = max(scores[place], scores[n])
                break
            rows += likes  # what is said in part is not said again either
        else:
            kept.append((n, rows))
    chosen = [
        replace(ranked[n], score=scores[n][0], logit=scores[n][1], rows=rows) for n, rows in kept
    ]
    return sorted(chosen, key=lambda c: (-c.logit, c.row))


def versions_by_id(
    documents: Iterable[Document], everything: Iterable[IndexedDocument], language: str
) -> dict[str, list[Document]]:
    """Return the versions of each document that has several among these, by its id.

    The asker's version first, then the original, then the others by path. ``everything`` are the
    documents through which translations may be chained.
    """
    originals = {
        indexed.document.id: indexed.document.translation_of
        for indexed in everything
        if indexed.document.translation_of
    }
    if not originals:
        return {}
    groups: dict[str, list[Document]] = defaultdict(list)
    by_id = {document.id: document for document in documents}
    for document in by_id.values():
        groups[_original(document.id, originals)].append(document)
    found: dict[str, list[Document]] = {}
    for original, group in groups.items():
        group.sort(
            key=lambda version: (version.language != language, version.id != original, version.path)
        )
        found |= {version.id: group for version in group if len(group) > 1}
    return found


def askers_version(
    document: Document, versions: Mapping[str, list[Document]], language: str
) -> Document | None:
    """Return the version in the asker's language to which a document gives way, if any."""
    better = [] if document.language == language else _better(document, versions)
    return better[0] if better and better[0].language == language else None


def _better(document: Document, versions: Mapping[str, list[Document]]) -> list[Document]:
    """Return the versions that go before this one."""
    group = versions.get(document.id, [document])
    return group[: [version.id for version in group].index(document.id)]


def _original(document_id: str, originals: Mapping[str, str]) -> str:
    """Return the id at the end of the chain of translations; the least one of a circle."""
    seen: list[str] = []
    while document_id in originals and document_id not in seen:
        seen.append(document_id)
        document_id = originals[document_id]
    return min(seen[seen.index(document_id) :]) if document_id in seen else document_id


def _on(
    document: Document, sentences: Sequence[int], hit: Hit, query: Query, generation: Generation
) -> list[Hit]:
    """Return hits on the passages of a document that hold these sentence rows, by row.

    They were found as the hit was that they stand for.
    """
    rows = generation.records.passage_rows(sentences)
    passages = generation.records.passages(rows)
    vectors = generation.passages.vectors(np.array(rows, np.int64))
    cosines = np.asarray(vectors @ query.vector, np.float64).tolist()
    return [
        replace(hit, passage=passages[row], document=document, row=row, cosine=cosine, nearest=None)
        for row, cosine in zip(rows, cosines, strict=True)
    ]
