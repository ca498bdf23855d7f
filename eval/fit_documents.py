"""Fitting the ranking of sentences to documents, from what was fitted on paragraphs.

Paragraphs of an encyclopedia have no headings, tables or lists, and each names its subject. The
coefficients for sentences in the question's language are therefore drawn on to case files over
real documents, while a ridge keeps them near those that many more questions gave.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.query_engine import open_query_engine
from assistant.ranking import FITTED, ranking_tables
from assistant.sentences import Featured, featured_sentences, term_weights
from corpus.settings import Settings
from corpus.text import fold
from eval.cases import Turn, read_cases
from eval.facts import holds_fact
from eval.fit_ranking import Choice, fit

RIDGE = 0.1
# What the fit starts from for the cosine: a sentence of a document is embedded with its title and
# headings, a paragraph of an encyclopedia without. On documents not seen, all facts stand in the
# best three sentences for .83 of 238 English questions, at .8 for .82, and with what paragraphs
# gave (.45) for .81.
COSINE = 2.0
FOLDS = 5


def fit_documents(
    collections: Sequence[Sequence[Path]], settings: Settings, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Fit on collections, each an index folder followed by its case files.

    Only questions are used of which some sentences in their own language are right. Returns the
    table ``in_documents`` of ``ranking.toml``, and the share of questions whose best sentence is
    right by the table before and by tables that have not seen the document. Raises UsageError
    for a faulty file, NoUsableIndexError when there is no index.
    """
    tables = ranking_tables()
    prior = tables["same_language"] | tables["everywhere"] | {"cosine": COSINE}
    names = tuple(dict.fromkeys((*FITTED, *tables["everywhere"])))
    choices = [
        choice
        for index, *files in collections
        for choice in _choices(index, files, names, settings, progress)
    ]
    before = np.array([prior.get(name, 0.0) for name in names])
    weights = fit(choices, {}, names, prior, RIDGE)
    return {
        "questions": len(choices),
        "right_first": {
            "before": _right(choices, before),
            "documents_not_seen": _cross_checked(choices, names, prior),
        },
        "in_documents": {
            name: round(float(weight), 3) for name, weight in zip(names, weights, strict=True)
        },
    }


def _choices(
    index: Path,
    files: Sequence[Path],
    names: Sequence[str],
    settings: Settings,
    progress: Callable[[int, int], None],
) -> Iterator[Choice]:
    engine = open_query_engine(replace(settings, index=index))
    retriever = engine.retriever
    cases = read_cases(files)
    for done, case in enumerate(cases):
        progress(done, len(cases))
        turn = case.turns[0]
        if len(case.turns) > 1 or not turn.answer_facts:
            continue  # a later turn needs the earlier ones
        query = retriever.query(turn.question)
        weights = term_weights(query, retriever.generation)
        found = featured_sentences(query, retriever.search(query), retriever.generation, weights)
        found = [one for one in found if one.hit.document.language == query.language]
        right = _right_ones(found, turn)
        if 0 < right.sum() < len(right):
            rows = [[one.features.get(name, 0.0) for name in names] for one in found]
            yield Choice(turn.document or index.name, query.language, np.array(rows), right)


def _right_ones(found: Sequence[Featured], turn: Turn) -> NDArray[np.bool_]:
    """Tell which sentences are right: those of the evidence that hold the most facts.

    Else an item would be as right as the list that is asked for.
    """
    facts = np.array([
        sum(holds_fact(one.sentence.text, fact) for fact in turn.answer_facts)
        if _is_right(one, turn) else -1
        for one in found
    ])  # fmt: skip
    return np.asarray((facts >= 0) & (facts == facts.max(initial=-1)), bool)


def _is_right(one: Featured, turn: Turn) -> bool:
    """Tell whether a sentence holds a piece of the evidence, or is a part of one."""
    if turn.document and one.hit.document.id != turn.document:
        return False
    text = fold(one.sentence.text)
    pieces = [fold(piece) for piece in turn.evidence]
    return any(piece in text or (len(text.split()) > 2 and text in piece) for piece in pieces)  # noqa: PLR2004 - not a mere word


def _cross_checked(
    choices: Sequence[Choice], names: Sequence[str], prior: dict[str, float]
) -> float:
    documents = sorted({one.article for one in choices})
    random.Random(1).shuffle(documents)  # noqa: S311
    right = []
    for number in range(min(FOLDS, len(documents))):
        held_out = set(documents[number::FOLDS])
        seen = [one for one in choices if one.article not in held_out]
        unseen = [one for one in choices if one.article in held_out]
        if seen and unseen:
            weights = fit(seen, {}, names, prior, RIDGE)
            right += [_right([one], weights) for one in unseen]
    return round(float(np.mean(right)), 4) if right else 0.0


def _right(choices: Sequence[Choice], weights: Any) -> float:
    best = [bool(one.right[int(np.argmax(one.features @ weights))]) for one in choices]
    return round(float(np.mean(best)), 4) if best else 0.0
