"""Fit the coefficients of the decision to answer, and say how well it tells questions apart.

A logistic regression whose signs are given: a demand that is not met can only speak against an
answer, and a term that is covered only for one. With few questions at hand, that keeps it from
learning what is merely true of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from assistant.subject import FEATURES, INTERCEPT, MOST, Subject, gate
from corpus.settings import Settings
from eval.fit_rows import ASKED, FOREIGN, Row, collection_rows, foreign_rows

# What speaks for an answer, and what against it.
FOR = ("subject",)
AGAINST = (
    "gap", "rarest_best", "year_not_in_room", "year_off_topic_room", "figure_not_in_room",
    "unnumbered", "ordinal_nowhere", "name_unknown", "acronym_unknown", "money_nowhere",
    "probe_nearest", "probe_nearer", "first_rival", "rival_ahead", "first_lacks_kind",
    "first_lacks_head",
)  # fmt: skip
NAMES = (*FOR, *AGAINST)
# Those that an embedder which nobody has calibrated can have: they hold no cosine. Without probes,
# words that stand nowhere around say more.
WORDS_ONLY = (
    *(name for name in NAMES if not name.startswith(("probe_", "gap", "subject"))),
    *("rarest_around", "names_nowhere", "year_far"),
)
RIDGE = 0.03
# Of questions on the documents' subject, and off it, each half counts alike.
_SUBJECT_RIDGE = 1.0
FOLDS, DRAWS = 5, 5
# Projected gradient descent: the loss has settled to five digits after 1,500 steps.
STEPS, STEP = 3000, 0.3
# An altered question, or one whose evidence was taken away, counts half of one that was asked.
_MADE_SHARE = 0.5
# How much of what is asked is asked in no word of the documents, or misspelt.
_KIND_SHARES = {"paraphrase": 0.15, "sloppy": 0.1}
_ON_PARAGRAPHS = {"pool", "paragraph given"}
# Questions that were written on documents count in full; those of datasets, and those on other
# subjects, are plenty and of other kinds. With equal weight, SQuAD costs the report a tenth of
# what is refused there, and gains 0.01 AUROC itself.
_SHARES = {".json": 0.2, FOREIGN: 0.25}
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """Coefficients over the features ``names``, as they are, without scaling."""

    names: tuple[str, ...]
    weights: Numbers
    intercept: float
    subject: Subject | None = None

    def scores(self, rows: Sequence[Row]) -> Numbers:
        """Return the probability of each row that it is answerable."""
        logits = _matrix(rows, self.names, self.subject) @ self.weights + self.intercept
        gates = [gate(self.subject.logit(row.features)) if self.subject else 1.0 for row in rows]
        return np.asarray(np.array(gates) / (1 + np.exp(-logits)), np.float64)


def fit_decision(
    collections: Sequence[Sequence[Path]],
    foreign: Sequence[Sequence[Path]],
    false_refusals: float,
    limit: int,
    settings: Settings,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Fit on collections, each an index folder followed by its case files.

    ``foreign`` has index folders with files in SQuAD's format on other subjects. The threshold is
    the one below which ``false_refusals`` of the answerable questions lie, by scores of models
    that have not seen the document. Returns the tables of ``decision.toml`` and the figures.
    Raises UsageError for a faulty file, NoUsableIndexError when there is no index.
    """
    rows = [
        row
        for index, *files in collections
        for row in collection_rows(index, files, limit, settings, progress)
    ]
    for index, *files in foreign:
        rows += foreign_rows(index, files, limit, settings, progress)
    fitted, figures = {}, {}
    for name, features in ((settings.embedder, NAMES), ("words", WORDS_ONLY)):
        scores = out_of_fold(rows, features)
        threshold = threshold_for(rows, scores, false_refusals)
        fitted[name] = (fit(rows, features), threshold)
        figures[name] = measured(rows, scores, threshold)
    return {
        "questions": dict(Counter(f"{row.collection}, {row.variant}" for row in rows)),
        "figures": figures,
        "tables": {name: _table(*pair) for name, pair in fitted.items()},
    }


def write_tables(found: dict[str, Any], false_refusals: float, file: Path) -> None:
    """Write the coefficients as ``assistant/decision.toml`` has them, and what they come from."""
    lines = [
        "# Made by `python -m eval fit-decision`. What they mean stands in decision_features.py",
        f"# and probing.py. The threshold refuses {false_refusals:.0%} of the answerable questions",
        "# on their own documents, 15% of them paraphrased and 10% misspelt, by models",
        "# that had not seen the document.",
        "#",
        *(f"# {number} questions: {name}" for name, number in sorted(found["questions"].items())),
    ]
    for name, table in found["tables"].items():
        lines += ["", f"# out of fold: {_summary(found['figures'][name])}", f"[{name}]"]
        lines += [f"threshold = {table['threshold']}", f"intercept = {table['intercept']}"]
        parts = {"weights": table["weights"]}
        parts |= {f"subject.{key}": part for key, part in table.get("subject", {}).items()}
        for part, weights in parts.items():
            lines += ["", f"[{name}.{part}]"]
            lines += [f"{feature} = {weight}" for feature, weight in weights.items()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _summary(figures: dict[str, Any]) -> str:
    parts = [
        f"{name.removeprefix('collection ')} AUROC {row['AUROC']}, refused {row['refused']}"
        for name, row in figures.items()
        if name.startswith("collection ") and row["AUROC"] is not None
    ]
    return "; ".join(parts)


def fit(rows: Sequence[Row], names: tuple[str, ...] = NAMES) -> Model:
    """Return the regression over these rows, weighed so that no collection drowns another."""
    subject = fit_subject(rows) if "subject" in names else None
    raw = _matrix(rows, names, subject)
    centre, scale = raw.mean(axis=0), raw.std(axis=0) + 1e-9
    scaled = (raw - centre) / scale
    labels = np.array([row.answerable for row in rows], np.float64)
    shares = _shares(rows)

    low = np.array([0.0 if name in FOR else -np.inf for name in names])
    high = np.array([np.inf if name in FOR else 0.0 for name in names])
    values, intercept = np.zeros(len(names)), 0.0
    for _ in range(STEPS):
        slope = shares * (1 / (1 + np.exp(-(scaled @ values + intercept))) - labels)
        values -= STEP * (scaled.T @ slope + 2 * RIDGE * values)
        values = np.clip(values, low, high)
        intercept -= STEP * float(slope.sum())
    weights = values / scale
    return Model(names, weights, intercept - float(weights @ centre), subject)


def fit_subject(rows: Sequence[Row]) -> Subject:
    """Return the regression that tells questions on the documents' subject from foreign ones.

    Whether they are answered there does not matter, and questions on paragraphs do not count.
    """
    tables = []
    for foreign in (0.0, 1.0):
        kept = [
            row
            for row in rows
            if row.variant == ASKED
            and row.features["foreign"] == foreign
            and row.kind not in _ON_PARAGRAPHS
        ]
        labels = [not row.off_topic for row in kept]
        values = np.array([[row.features[name] for name in FEATURES] for row in kept])
        if len(set(labels)) < 2:  # noqa: PLR2004 - both are needed
            tables.append(dict.fromkeys(FEATURES, 0.0) | {INTERCEPT: MOST})
            continue
        scale = values.std(axis=0) + 1e-9
        model = LogisticRegression(C=_SUBJECT_RIDGE, class_weight="balanced")
        model.fit(values / scale, labels)
        weights = dict(zip(FEATURES, (model.coef_[0] / scale).tolist(), strict=True))
        tables.append(weights | {INTERCEPT: float(model.intercept_[0])})
    return Subject(*tables)


def out_of_fold(rows: Sequence[Row], names: tuple[str, ...] = NAMES) -> Numbers:
    """Return each row's score by models that have seen no question on its document.

    The mean over DRAWS ways of dividing the documents into folds, as one way is a matter of luck.
    """
    groups = sorted({(row.collection, row.group) for row in rows})
    scores = np.zeros((DRAWS, len(rows)))
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(groups))
        fold = {group: int(place) % FOLDS for group, place in zip(groups, order, strict=True)}
        places = np.array([fold[row.collection, row.group] for row in rows])
        for number in range(FOLDS):
            inside = places == number
            model = fit([row for row, held in zip(rows, inside, strict=True) if not held], names)
            held_out = [row for row, held in zip(rows, inside, strict=True) if held]
            scores[draw, inside] = model.scores(held_out)
    return np.asarray(scores.mean(axis=0), np.float64)


def threshold_for(rows: Sequence[Row], scores: Numbers, false_refusals: float) -> float:
    """Return the score below which this share of the answerable questions lies.

    Of questions as they are asked of their own documents; paraphrased ones count .15, misspelt
    ones .1, however many the case files have. SQuAD's, which were written to be answered from
    the paragraph, do not count.
    """
    kept = [
        row.answerable and row.variant == ASKED and row.kind not in _ON_PARAGRAPHS for row in rows
    ]
    inside = np.array(kept if any(kept) else [row.answerable for row in rows])
    kinds = np.array([row.kind for row, one in zip(rows, inside, strict=True) if one])
    shares = np.zeros(len(kinds))
    rest = 1.0
    for kind, share in _KIND_SHARES.items():
        if (kinds == kind).any():
            shares[kinds == kind] = share / (kinds == kind).sum()
            rest -= share
    others = shares == 0
    shares[others] = rest / max(int(others.sum()), 1)
    values = scores[inside]
    order = np.argsort(values)
    place = int(np.searchsorted(np.cumsum(shares[order]), false_refusals * shares.sum()))
    value = float(values[order][min(place, len(values) - 1)])
    return math.ceil(1000 * value) / 1000  # upwards: a wrong answer is worse than none


def measured(rows: Sequence[Row], scores: Numbers, threshold: float) -> dict[str, Any]:
    """Return for each slice of the questions as asked: how many, the share refused, the AUROC."""
    asked = np.array([row.variant == ASKED for row in rows])
    right = np.array([row.answerable for row in rows])
    slices: dict[str, NDArray[np.bool_]] = {}
    for row in rows:
        for name in (
            f"collection {row.collection}",
            f"language {row.language}",
            f"kind {row.kind}",
        ):
            slices.setdefault(name, np.zeros(len(rows), bool))
    for number, row in enumerate(rows):
        for name in (
            f"collection {row.collection}",
            f"language {row.language}",
            f"kind {row.kind}",
        ):
            slices[name][number] = asked[number]
    return {
        name: _figures(right[inside], scores[inside], threshold)
        for name, inside in sorted(slices.items())
        if inside.any()
    }


def _figures(right: NDArray[np.bool_], scores: Numbers, threshold: float) -> dict[str, Any]:
    refused = scores < threshold
    both = 0 < right.sum() < len(right)
    return {
        "answerable": int(right.sum()),
        "falsely refused": _share(refused[right]),
        "unanswerable": int((~right).sum()),
        "refused": _share(refused[~right]),
        "AUROC": round(float(roc_auc_score(right, scores)), 3) if both else None,
    }


def _share(values: NDArray[np.bool_]) -> float | None:
    return round(float(values.mean()), 3) if len(values) else None


def _shares(rows: Sequence[Row]) -> Numbers:
    """Weigh the rows: a collection by its kind and the root of its size, half for each label."""
    made = np.array([1.0 if row.variant == ASKED else _MADE_SHARE for row in rows])
    labels = np.array([row.answerable for row in rows])
    collections = np.array([row.collection for row in rows])
    shares = np.zeros(len(rows))
    for name in set(collections):
        kind = next((share for ending, share in _SHARES.items() if ending in name), 1.0)
        size = kind * np.sqrt((collections == name).sum())
        for label in (False, True):
            inside = (collections == name) & (labels == label)
            if inside.any():
                shares[inside] = size * made[inside] / made[inside].sum()
    return np.asarray(shares / shares.sum(), np.float64)


def _matrix(rows: Sequence[Row], names: Sequence[str], subject: Subject | None) -> Numbers:
    known = [
        {**row.features, "subject": subject.logit(row.features)} if subject else row.features
        for row in rows
    ]
    return np.array([[values[name] for name in names] for values in known], np.float64)


def _table(model: Model, threshold: float) -> dict[str, Any]:
    weights = {
        name: round(float(weight), 4)
        for name, weight in zip(model.names, model.weights, strict=True)
        if abs(weight) >= 5e-5  # noqa: PLR2004
    }
    table = {"threshold": threshold, "intercept": round(model.intercept, 4), "weights": weights}
    if model.subject:
        table["subject"] = {
            name: {key: round(value, 4) for key, value in part.items()}
            for name, part in asdict(model.subject).items()
        }
    return table
