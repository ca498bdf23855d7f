"""Fitting the second stage over sentences: the coefficients of ``assistant/ranking.toml``.

Questions of SQuAD and XQuAD are asked of a pool of English paragraphs. A sentence is right where it
stands in the question's paragraph and holds the answer. The model is a conditional logit: the
chance that a right sentence is chosen among all candidates is made as great as can be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.ranking import FITTED
from assistant.sentences import featured_sentences, term_weights
from corpus.settings import Settings
from corpus.text import fold
from eval.datasets import DATASETS
from eval.datasets.squad import language_of, paragraph_id
from eval.retrieval import Pool, Progress, paragraph_pool

# Ridge on standardised features; 1e-4 to 1e-2 gave the same within .005 on the other half.
RIDGE = 1e-2
_STEPS = 2_000
# A term that matches counts as much in another language as in the same, so that sentences of
# several languages can be compared. Fitted freely, terms weighed four times as much, and no more
# first sentences were right.
HELD = ("own", "around")
_RATE = 0.05


@dataclass(frozen=True)
class Choice:
    """One question's candidates: features, shape (n, features), and which of them are right."""

    article: str
    language: str
    features: NDArray[np.float64]
    right: NDArray[np.bool_]


def fit_ranking(
    paths: Sequence[Path], settings: Settings, out: Path, progress: Progress
) -> dict[str, Any]:
    """Fit both models, check each on articles it has not seen, and write ``ranking.toml``.

    Returns for each model the share of questions whose best sentence is right, by the language of
    the question, when fitted on the other half of the articles.
    """
    pool = paragraph_pool(DATASETS["squad"](paths), "en", settings, out, progress)
    choices = list(_choices(paths, pool, progress))
    groups = {
        "same_language": [one for one in choices if one.language == pool.language],
        "other_language": [one for one in choices if one.language != pool.language],
    }
    found: dict[str, Any] = {}
    held: dict[str, float] = {}
    lines = [
        f"# Made by: python -m eval fit-ranking --dataset {' '.join(path.name for path in paths)}"
    ]
    for name, group in groups.items():
        if not group:
            continue
        weights = fit(group, held)
        found[name] = {"questions": len(group), "right_first": _cross_checked(group, held)}
        held = {key: float(weights[FITTED.index(key)]) for key in HELD}
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {weights[n]:.3f}" for n, key in enumerate(FITTED)]
    (out / "ranking.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return found


def fit(
    choices: Sequence[Choice],
    held: Mapping[str, float],
    names: Sequence[str] = FITTED,
    prior: Mapping[str, float] | None = None,
    ridge: float = RIDGE,
) -> NDArray[np.float64]:
    """Return the coefficients of ``names`` by which right sentences are the likeliest choice.

    Those ``held`` keep their values; ``ridge`` draws the others towards ``prior``, or 0. Gradient
    ascent (Adam) on the mean log of the share of exp(score) that right sentences have.
    """
    usable = [one for one in choices if 0 < one.right.sum() < len(one.right)]
    features = np.concatenate([one.features for one in usable])
    scale = features.std(axis=0) + 1e-6
    features = features / scale
    start = {**(prior or {}), **held}
    fixed = np.array([start.get(name, 0.0) for name in names]) * scale
    free = np.array([name not in held for name in names], float)
    right = np.concatenate([one.right for one in usable]).astype(float)
    sizes = [len(one.right) for one in usable]
    first = np.cumsum([0, *sizes[:-1]])
    question = np.repeat(np.arange(len(usable)), sizes)
    weights = fixed.copy()
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):
        scores = features @ weights
        odds = np.exp(scores - np.maximum.reduceat(scores, first)[question])
        whole = np.add.reduceat(odds, first)[question]
        good = np.add.reduceat(odds * right, first)[question] + 1e-30
        slope = features.T @ (odds * right / good - odds / whole) / len(usable)
        slope = free * (slope - 2 * ridge * (weights - fixed))
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        change = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        weights += _RATE * (1 - step / (_STEPS + 1)) * change
    fitted: NDArray[np.float64] = weights / scale
    return fitted


def _cross_checked(choices: Sequence[Choice], held: Mapping[str, float]) -> dict[str, float]:
    articles = sorted({one.article for one in choices})
    hits: dict[str, list[bool]] = {}
    for half in (set(articles[::2]), set(articles[1::2])):
        seen = [one for one in choices if one.article in half]
        unseen = [one for one in choices if one.article not in half]
        if not seen or not unseen:
            continue
        weights = fit(seen, held)
        for one in unseen:
            best = int(np.argmax(one.features @ weights)) if len(one.right) else -1
            hits.setdefault(one.language, []).append(best >= 0 and bool(one.right[best]))
    return {key: round(float(np.mean(rows)), 4) for key, rows in sorted(hits.items())}


def _choices(paths: Sequence[Path], pool: Pool, progress: Progress) -> Iterator[Choice]:
    """Yield the candidates of every question whose paragraph stands in the pool."""
    english = {row["id"]: where for path in paths for where in _asked(path) for row in [where.row]
               if where.language == pool.language}  # fmt: skip
    every = [where for path in paths for where in _asked(path)]
    homes = {paragraph: document for document, paragraph in pool.paragraphs.items()}
    retriever = pool.engine.retriever
    for done, where in enumerate(every):
        progress("candidates", done, len(every))
        if where.row["id"] not in english:
            continue
        answered = english[where.row["id"]]
        home, answer = homes[answered.paragraph], fold(answered.row["answers"][0]["text"])
        query = retriever.query(where.row["question"])
        weights = term_weights(query, retriever.generation)
        hits = retriever.search(query)
        found = featured_sentences(query, hits, retriever.generation, weights)
        yield Choice(
            answered.article,
            where.language,
            np.array([[one.features.get(name, 0.0) for name in FITTED] for one in found]),
            np.array(
                [
                    one.hit.document.id == home and answer in fold(one.sentence.text)
                    for one in found
                ],
                bool,
            ),
        )


@dataclass(frozen=True)
class _Asked:
    article: str
    paragraph: str
    language: str
    row: Mapping[str, Any]


def _asked(path: Path) -> Iterator[_Asked]:
    for number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        for paragraph in article["paragraphs"]:
            for row in paragraph["qas"]:
                if not row.get("is_impossible") and row["answers"]:
                    name = article.get("title", f"{path.name} {number}")
                    key = paragraph_id(paragraph["context"])
                    yield _Asked(name, key, language_of(path), row)
