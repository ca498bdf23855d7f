"""A retrieval benchmark: are the right paragraphs found, and is what they do not answer refused?"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from assistant.answer import Hit, Status
from assistant.engine import Engine, open_engine
from assistant.reading import read
from assistant.retrieval import Query
from corpus.catalogue import CATALOGUE_FILE
from corpus.settings import Settings
from eval.datasets import DATASETS
from eval.datasets.pool import Dataset, Question
from eval.intervals import Estimate, interval_of_mean
from eval.metrics import ranking
from ingest.sync import sync

DEPTH = 50
ABLATIONS = ("dense", "keyword", "fused", "read")
MEASURES: dict[str, Callable[[Sequence[str], dict[str, float]], float]] = {
    "R@1": lambda found, right: ranking.recall_at(1, found, right),
    "R@5": lambda found, right: ranking.recall_at(5, found, right),
    "R@10": lambda found, right: ranking.recall_at(10, found, right),
    "MRR@10": lambda found, right: ranking.reciprocal_rank(10, found, right),
    "nDCG@10": lambda found, right: ranking.ndcg(10, found, right),
}
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pool:
    """The paragraphs of one language as an index; ``paragraphs`` has their ids by document."""

    language: str
    engine: Engine
    paragraphs: dict[str, str]


def run_retrieval(
    dataset: str,
    paths: Sequence[Path],
    settings: Settings,
    out: Path,
    progress: Progress,
    limit: int | None = None,
) -> dict[str, Any]:
    """Ask the questions of the paragraphs in each language, and return the figures.

    ``limit`` is how many questions are asked in each language, evenly spread; None asks all.

    The paragraphs of a language become the documents of an index of their own below ``out``, made
    by the product's own ingest. Raises UsageError for files in another format.
    """
    data = DATASETS[dataset](paths)
    groups: dict[str, Any] = {}
    answerability: dict[str, Any] = {}
    for language in sorted({paragraph.language for paragraph in data.paragraphs}):
        pool = paragraph_pool(data, language, settings, out, progress)
        for asked_in in sorted({question.language for question in data.questions}):
            questions = _spread(_questions(data, asked_in, language), limit)
            name = f"{asked_in} → {language}"
            right = [question for question in questions if question.answerable]
            if right:
                groups[name] = _measured(name, right, pool, progress)
            if len(right) < len(questions):
                answerability[name] = _answerability(name, questions, pool, progress)
    found = {"dataset": dataset, "files": [path.name for path in paths], "groups": groups,
             "answerability": answerability}  # fmt: skip
    text = json.dumps(found, ensure_ascii=False, indent=1)
    (out / "retrieval.json").write_text(text + "\n", encoding="utf-8")
    return found


def _questions(data: Dataset, asked_in: str, language: str) -> list[Question]:
    """Return the questions of a language whose paragraphs stand in the other language's pool."""
    return [q for q in data.questions if q.language == asked_in and language in q.relevant]


def _spread(questions: Sequence[Question], limit: int | None) -> list[Question]:
    step = 1 if limit is None else max(1, -(-len(questions) // limit))
    return list(questions[::step])


def paragraph_pool(
    data: Dataset, language: str, settings: Settings, out: Path, progress: Progress
) -> Pool:
    """Index the paragraphs of a language, each as a document of its own."""
    folder = out / f"documents-{language}"
    folder.mkdir(parents=True, exist_ok=True)
    inside = [paragraph for paragraph in data.paragraphs if paragraph.language == language]
    entries = []
    for number, paragraph in enumerate(inside):
        (folder / f"{number:07d}.txt").write_text(paragraph.text, encoding="utf-8")
        entries.append(f'[[document]]\npath = "{number:07d}.txt"\nlanguage = "{language}"\n')
    (folder / CATALOGUE_FILE).write_text("\n".join(entries), encoding="utf-8")
    own = replace(settings, corpus=folder, index=out / f"index-{language}")
    sync(own, progress=lambda stage, done, total: progress(f"{stage} {language}", done, total))
    ids = {f"{number:07d}": paragraph.id for number, paragraph in enumerate(inside)}
    return Pool(language, open_engine(own), ids)


def _measured(
    name: str, questions: Sequence[Question], pool: Pool, progress: Progress
) -> dict[str, Any]:
    """Return every measure of every ablation, with intervals over the paragraphs asked about."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    clusters = []
    for done, question in enumerate(questions):
        progress(name, done, len(questions))
        right = question.relevant[pool.language]
        clusters.append(min(right))
        for ablation, found in _rankings(question.text, pool).items():
            for measure, of in MEASURES.items():
                values[ablation][measure].append(of(found, right))
    return {
        ablation: {
            measure: asdict(_estimate(clusters, rows)) for measure, rows in by_measure.items()
        }
        for ablation, by_measure in values.items()
    }


def _rankings(text: str, pool: Pool) -> dict[str, list[str]]:
    """Return the paragraphs found by each search, by both, and as the reader orders those."""
    retriever = pool.engine.retriever
    query = retriever.query(text)
    fused = retriever.search(query, DEPTH).hits
    alone = {weight: retriever.with_keyword_weight(weight) for weight in (0.0, 1.0)}
    dense = [hit for hit in alone[0.0].search(query, DEPTH).hits if "dense" in hit.found_by]
    keyword = [hit for hit in alone[1.0].search(query, DEPTH).hits if "keyword" in hit.found_by]
    found = (
        _paragraph_ids(hits, pool) for hits in (dense, keyword, fused, _as_read(query, fused, pool))
    )
    return dict(zip(ABLATIONS, found, strict=True))


def _as_read(query: Query, hits: Sequence[Hit], pool: Pool) -> list[Hit]:
    """Return hits with those that are read in the order of their best sentences."""
    engine = pool.engine
    reading = read(query, hits, engine.generation, engine.reader, engine.calibration)
    first = dict.fromkeys(sentence.hit.row for sentence in reading.sentences)
    by_row = {hit.row: hit for hit in hits}
    return [*(by_row[row] for row in first), *(hit for hit in hits if hit.row not in first)]


def _paragraph_ids(hits: Iterable[Hit], pool: Pool) -> list[str]:
    """Return the paragraphs of passages, each at the place of its first passage."""
    return list(dict.fromkeys(pool.paragraphs[hit.document.id] for hit in hits))


def _estimate(clusters: Sequence[str], rows: Sequence[float]) -> Estimate:
    low, high = interval_of_mean(clusters, np.array(rows))
    return Estimate(round(float(np.mean(rows)), 4), round(low, 4), round(high, 4), len(rows))


def _answerability(
    name: str, questions: Sequence[Question], pool: Pool, progress: Progress
) -> dict[str, Any]:
    """Return AUROC of the confidence and F1 of answering, paragraph given and over the pool."""
    documents = {paragraph: document for document, paragraph in pool.paragraphs.items()}
    labels = [question.answerable for question in questions]
    confidences: dict[str, list[float]] = {"paragraph given": [], "pool": []}
    answered: dict[str, list[bool]] = {"paragraph given": [], "pool": []}
    for done, question in enumerate(questions):
        progress(f"{name}, answerable?", done, len(questions))
        home = documents[min(question.relevant[pool.language])]
        settings: dict[str, dict[str, str]] = {"paragraph given": {"document": home}, "pool": {}}
        for setting, filters in settings.items():
            answer = pool.engine.answer(question.text, filters)
            confidences[setting].append(answer.confidence)
            answered[setting].append(answer.status is Status.ANSWERED)
    return {
        setting: {
            "questions": len(questions),
            "AUROC": round(float(roc_auc_score(labels, confidences[setting])), 4),
            "F1": round(float(f1_score(labels, answered[setting])), 4),
        }
        for setting in confidences
    }
