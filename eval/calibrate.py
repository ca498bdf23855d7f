"""Fits the calibration: from what the reader says to probabilities, and to what is shown.

Every question is asked through the whole product; what the trace has of it is fitted, nothing is
worked out anew. Fitted on the sample and on the cards that the reader was not trained on, or, with
``on``, only drawn on to the cases of other documents.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from assistant import Engine, open_engine
from assistant.calibration import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Calibration,
    Logistic,
    load_calibration,
    probability,
)
from assistant.reading import AT_ONCE, MOST, PASSAGES, Reading, question_features
from corpus.errors import UsageError
from corpus.settings import Settings
from corpus.text import fold
from eval.cases import Case, Turn, read_cases, with_document_ids
from eval.facts import holds_fact
from eval.training.card_corpus import write_corpus
from eval.training.cards import read_cards, repository_cards
from index.reader_files import fingerprint
from ingest.sync import sync

SAMPLE = Path(__file__).with_name("sample")
READINGS_FILE = "readings.jsonl"
_FOLDS = 5
_CONSTANT = 1e-6  # a feature that varies less says nothing
# The inverse strength of the penalty on coefficients, which are those of standardised features.
_REGULARISATION = 0.3
# The share of the answerable questions that may lose their right sentence for speed.
_LOST = 0.002
# Of the sentences that correct a presupposition, at least this share should do so rightly.
_RIGHTLY_CORRECTED = 0.75
_NEVER = 30.0
Progress = Callable[[str, int, int], None]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReadSentence:
    """What was read of a sentence, and whether that is right.

    ``is_right`` tells that it overlaps the evidence, ``is_of_use`` that it does or holds a fact.
    """

    features: Mapping[str, float]
    contradicts: float
    is_right: bool
    is_of_use: bool


@dataclass(frozen=True)
class Asked:
    """A turn as it was read; ``group`` names the document by which folds are drawn."""

    collection: str
    group: str
    answerable: bool
    features: Mapping[str, float]
    sentences: Sequence[ReadSentence]

    @classmethod
    def of(cls, collection: str, group: str, turn: Turn, reading: Reading) -> Asked:
        """Return what a calibration needs of a turn and its reading."""
        evidence = [fold(part) for part in turn.evidence]
        sentences = []
        for scored in reading.sentences:
            text = fold(scored.sentence.text)
            right = any(text in part or part in text for part in evidence)
            useful = right or any(holds_fact(text, fact) for fact in turn.answer_facts)
            sentences.append(ReadSentence(scored.features, scored.contradicts, right, useful))
        answerable = bool(turn.answer_facts)
        return cls(collection, group, answerable, reading.features, sentences)


def calibrate(
    on: Sequence[Sequence[Path]],
    risk: float,
    kept: float,
    settings: Settings,
    work: Path,
    progress: Progress,
    *,
    again: bool = False,
) -> tuple[Calibration, dict[str, Any]]:
    """Fit a calibration, and return it with its figures out of fold.

    ``risk`` is the share of answerable questions that may be refused, ``kept`` that of the answers
    that keep what is of use in the best sentences. Each of ``on`` is an index, then files of cases:
    with it only a slope, an intercept and the threshold are fitted, and the rest is the calibration
    in use. Indexes of the sample and the cards are built in ``work``, and what was read is written
    there; with ``again`` nothing is asked, and that is fitted. Raises UsageError for a faulty file,
    NoUsableIndexError where there is no index.
    """
    before = load_calibration(settings.calibration)
    readings = work / READINGS_FILE
    if again:
        asked = _read_again(readings)
    else:
        collections = on or _collections(settings, work, progress)
        asked = [
            found
            for index, *files in collections
            for found in _ask(index, files, settings, progress)
        ]
        work.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(found)) for found in asked]
        readings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if len({found.answerable for found in asked}) < 2:  # noqa: PLR2004 - answerable or not
        raise UsageError(
            "A calibration is fitted on answerable and on unanswerable questions. Add cases of the "
            "kind that is missing; those without answer_facts are unanswerable."
        )
    return _drawn_on(before, asked, risk) if on else _fitted(asked, risk, kept)


def _read_again(file: Path) -> list[Asked]:
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [
            Asked(**row | {"sentences": [ReadSentence(**read) for read in row["sentences"]]})
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{file} has no readings ({error!r}). Ask the questions first: leave out --again."
        ) from error


def _collections(settings: Settings, work: Path, progress: Progress) -> list[list[Path]]:
    """Build the indexes of the sample and of the held cards, and name the cases on each."""
    held = [card for card in read_cards(repository_cards()) if card.held]
    cards = write_corpus(held, work / "cards")
    found = []
    for name, corpus, files in (
        ("sample", SAMPLE.parent.parent / "corpus" / "documents", sorted(SAMPLE.glob("*.jsonl"))),
        ("cards", cards.parent / "documents", [cards]),
    ):
        own = replace(settings, corpus=corpus, index=work / f"index-{name}")
        sync(own, progress=progress)
        found.append([own.index, *files])
    return found


def _ask(index: Path, files: Sequence[Path], settings: Settings, progress: Progress) -> list[Asked]:
    opened = open_engine(replace(settings, index=index))
    # Everything is read, so that it can be told when less would do.
    engine = Engine(opened.retriever, opened.reader, replace(opened.calibration, sure=1.1))
    ids = {found.document.path: found.document.id for found in engine.documents()}
    cases = with_document_ids(read_cases(files), ids)
    asked: list[Asked] = []
    for done, case in enumerate(cases):
        progress(index.name, done, len(cases))
        asked += _turns(case, engine, index.name)
    return asked


def _turns(case: Case, engine: Engine, collection: str) -> list[Asked]:
    """Ask the turns of a case that have a label: the last one, and those with facts."""
    questions = [turn.question for turn in case.turns]
    return [
        Asked.of(collection, turn.document or case.id, turn, reading)
        for number, turn in enumerate(case.turns, 1)
        if turn.answer_facts or number == len(questions)
        for reading in [engine.trace(questions[:number]).reading]
        if reading.sentences
    ]


def _fitted(asked: Sequence[Asked], risk: float, kept: float) -> tuple[Calibration, dict[str, Any]]:
    sentence = _fit_sentence(asked)
    rows = [_features(found, sentence)[1] for found in asked]
    groups = [found.group for found in asked]
    probabilities = _out_of_fold(rows, asked, groups)
    threshold = _threshold(probabilities, asked, risk)
    question = _fit(rows, [f.answerable for f in asked], QUESTION_FEATURES, _weights(asked))
    fitted = Calibration(
        sentence,
        question,
        threshold,
        _margin(asked, sentence, kept),
        _correction(asked, probabilities, threshold),
        _sure(asked, sentence, question),
        fingerprint(),
    )
    return fitted, _figures(asked, probabilities, threshold)


def _drawn_on(
    before: Calibration, asked: Sequence[Asked], risk: float
) -> tuple[Calibration, dict[str, Any]]:
    logits = np.array([before.question.logit(f.features) for f in asked])
    rows = [{"logit": float(logit)} for logit in logits]
    probabilities = _out_of_fold(rows, asked, [f.group for f in asked], ("logit",))
    drawn = _fit(rows, [f.answerable for f in asked], ("logit",), _weights(asked))
    slope = drawn.weights["logit"]
    question = Logistic(
        {name: slope * weight for name, weight in before.question.weights.items()},
        drawn.intercept + slope * before.question.intercept,
    )
    threshold = _threshold(probabilities, asked, risk)
    fitted = replace(before, question=question, threshold=threshold)
    return fitted, _figures(asked, probabilities, threshold)


def _fit_sentence(asked: Sequence[Asked]) -> Logistic:
    """Fit which of a question's sentences answers, and then how probably it does.

    The first over the sentences of answerable turns, each feature less its mean over the turn, as
    only their order counts; the second by one slope and one intercept over those of all turns.
    """
    rows: list[Mapping[str, float]] = []
    labels, weights = [], []
    for found, weight in zip(asked, _weights(asked), strict=True):
        if any(sentence.is_right for sentence in found.sentences) and found.answerable:
            mean = {
                name: float(np.mean([s.features[name] for s in found.sentences]))
                for name in SENTENCE_FEATURES
            }
            for sentence in found.sentences:
                rows.append({name: sentence.features[name] - mean[name] for name in mean})
                labels.append(sentence.is_right)
                weights.append(weight / len(found.sentences))
    order = _fit(rows, labels, SENTENCE_FEATURES, np.array(weights))
    rows, labels, weights = [], [], []
    for found, weight in zip(asked, _weights(asked), strict=True):
        for sentence in found.sentences:
            rows.append({"logit": order.logit(sentence.features)})
            labels.append(found.answerable and sentence.is_right)
            weights.append(weight)
    scale = _fit(rows, labels, ("logit",), np.array(weights))
    slope = scale.weights["logit"]
    return Logistic(
        {name: round(slope * weight, 4) for name, weight in order.weights.items()},
        round(scale.intercept + slope * order.intercept, 4),
    )


def _features(
    found: Asked, sentence: Logistic, passages: int = PASSAGES
) -> tuple[ReadSentence, dict[str, float]]:
    """Return a turn's best sentence and its features, as far as that many passages were read."""
    inside = [read for read in found.sentences if read.features["rank"] < passages]
    ranked = sorted(inside, key=lambda read: -sentence.logit(read.features))
    rows = [read.features for read in ranked or found.sentences]
    features = question_features(rows, found.features["tokens_weakest"])
    return (ranked or found.sentences)[0], features


def _sure(asked: Sequence[Asked], sentence: Logistic, question: Logistic) -> float:
    """Return the least probability from which no more passages need be read.

    At most _LOST of the answerable turns lose their right first sentence by it.
    """
    gains = []
    for found, weight in zip(asked, _weights(asked), strict=True):
        first, features = _features(found, sentence, AT_ONCE)
        whole, _ = _features(found, sentence)
        loss = weight * found.answerable * (whole.is_of_use - first.is_of_use)
        gains.append((probability(question.logit(features)), loss))
    gains.sort(reverse=True)
    lost = np.cumsum([loss for _, loss in gains])
    allowed = _LOST * sum(w for f, w in zip(asked, _weights(asked), strict=True) if f.answerable)
    kept = np.flatnonzero(np.maximum.accumulate(lost) <= allowed)
    return round(gains[kept[-1]][0], 4) if len(kept) else 1.0


def _weights(asked: Sequence[Asked]) -> Array:
    """Return weights by which each collection counts alike."""
    names = [found.collection for found in asked]
    return np.array([len(asked) / (len(set(names)) * names.count(name)) for name in names])


def _fit(
    rows: Sequence[Mapping[str, float]],
    labels: Sequence[bool],
    names: Sequence[str],
    weights: Array,
) -> Logistic:
    values = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    scale = values.std(axis=0)
    scale[scale < _CONSTANT] = 1.0
    model = LogisticRegression(C=_REGULARISATION, max_iter=2000)
    model.fit(values / scale, np.array(labels), sample_weight=weights)
    coefficients = (model.coef_[0] / scale).tolist()
    kept = {name: round(w, 4) for name, w in zip(names, coefficients, strict=True)}
    return Logistic(kept, round(float(model.intercept_[0]), 4))


def _out_of_fold(
    rows: Sequence[Mapping[str, float]],
    asked: Sequence[Asked],
    groups: Sequence[str],
    names: Sequence[str] = QUESTION_FEATURES,
) -> Array:
    """Return the probability of each turn by a fit without its document."""
    labels = np.array([found.answerable for found in asked])
    weights = _weights(asked)
    found = np.zeros(len(rows))
    folds = GroupKFold(min(_FOLDS, len(set(groups))))
    for train, test in folds.split(rows, labels, groups):
        fitted = _fit([rows[n] for n in train], labels[train].tolist(), names, weights[train])
        found[test] = [probability(fitted.logit(rows[n])) for n in test]
    return found


def _threshold(probabilities: Array, asked: Sequence[Asked], risk: float) -> float:
    """Return the probability below which that share of the answerable turns lies."""
    answerable = np.array([found.answerable for found in asked])
    weights = _weights(asked)[answerable]
    order = np.argsort(probabilities[answerable])
    share = np.cumsum(weights[order]) / weights.sum()
    place = int(np.searchsorted(share, risk))
    return round(float(probabilities[answerable][order][place]), 4)


def _margin(asked: Sequence[Asked], sentence: Logistic, kept: float) -> float:
    """Return the least margin at which most answers keep what is of use in the best sentences.

    ``kept`` is the share of the questions with a useful sentence among the best MOST that have one
    within the margin.
    """
    needed, weights = [], []
    for found, weight in zip(asked, _weights(asked), strict=True):
        ranked = sorted(
            ((sentence.logit(read.features), read) for read in found.sentences),
            key=lambda pair: -pair[0],
        )
        behind = [ranked[0][0] - logit for logit, read in ranked[:MOST] if read.is_of_use]
        if found.answerable and behind:
            needed.append(behind[0])
            weights.append(weight)
    order = np.argsort(needed)
    share = np.cumsum(np.array(weights)[order]) / sum(weights)
    # Rounded up, so that the one at the margin is kept.
    needed_then = float(np.array(needed)[order][int(np.searchsorted(share, kept))])
    return math.ceil(100 * needed_then) / 100


def _correction(asked: Sequence[Asked], probabilities: Array, threshold: float) -> float:
    """Return the least logit from which refused questions are mostly corrected rightly.

    _NEVER where there is none.
    """
    tops = []
    for found, confidence in zip(asked, probabilities, strict=True):
        if confidence < threshold and not found.answerable:
            top = max(found.sentences, key=lambda read: read.contradicts)
            tops.append((top.contradicts, top.is_right))
    tops.sort(reverse=True)
    right = np.cumsum([is_right for _, is_right in tops]) / np.arange(1, len(tops) + 1)
    good = np.flatnonzero(right >= _RIGHTLY_CORRECTED)
    return round(float(tops[good[-1]][0]), 4) if len(good) else _NEVER


def _figures(asked: Sequence[Asked], probabilities: Array, threshold: float) -> dict[str, Any]:
    """Return for each collection, out of fold, how many were refused, and the AUROC."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(a.collection for a in asked):
        inside = np.array([a.collection == name for a in asked])
        labels = np.array([a.answerable for a in asked])[inside]
        own = probabilities[inside]
        both = 0 < labels.sum() < len(labels)
        found[name] = {
            "answerable": int(labels.sum()),
            "falsely refused": round(float((own[labels] < threshold).mean()), 4),
            "unanswerable": int((~labels).sum()),
            "refused": round(float((own[~labels] < threshold).mean()), 4) if both else None,
            "AUROC": round(float(roc_auc_score(labels, own)), 4) if both else None,
        }
    return found


def written(calibration: Calibration, figures: dict[str, Any], risk: float) -> str:
    """Return a calibration as the text of a file, with what it was fitted on."""
    lines = [
        "# Written by `python -m eval calibrate`. Accepted: "
        f"{risk:.0%} of the answerable questions are refused.",
        *(
            f"# {name}, out of fold: {row['falsely refused']:.3f} of {row['answerable']} "
            f"answerable and {row['refused'] or 0:.3f} of {row['unanswerable']} unanswerable "
            f"questions refused, AUROC {row['AUROC'] or 0:.3f}."
            for name, row in figures.items()
        ),
        f"threshold = {calibration.threshold}",
        f"margin = {calibration.margin}",
        f"correction = {calibration.correction}",
        f"sure = {calibration.sure}",
        f'reader = "{calibration.reader}"',
    ]
    for name, table in (("sentence", calibration.sentence), ("question", calibration.question)):
        lines += ["", f"[{name}]", f"intercept = {table.intercept}", "", f"[{name}.weights]"]
        lines += [f"{feature} = {weight}" for feature, weight in table.weights.items()]
    return "\n".join(lines) + "\n"
