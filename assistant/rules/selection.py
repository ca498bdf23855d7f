"""The sentences that together answer, chosen from all that may be quoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np

from assistant.answer import Hit
from assistant.interaction import Nearest
from assistant.lists import KIND as LIST
from assistant.reading import ScoredSentence
from assistant.retrieval import Query, Scores
from assistant.rules.answer_types import needs_the_one_before
from assistant.rules.ranking import relative_scores
from assistant.rules.sentences import Featured, featured_sentences
from corpus.text import fold
from index.generations import Generation
from index.records import SentenceRow

MAX_SENTENCES = 3
# Terms in the heading or the lead count half: they place a sentence, but do not answer.
CONTEXT_SHARE = 0.5
# What a further sentence gains in linear score if it adds all of the question's terms. From 10 to
# 16 all facts stand in .95 and .93 of the English development questions (report, sample); at 8 in
# .90 and .93, at 1 in .88 and .88.
_NOVELTY = 12.0
# ... and what it gains if its tokens come nearer to the question's than those before, by a mean
# cosine of 1. From 40 to 90 all facts stand in .863 to .868 of 408 questions, at 20 in .853, and
# without it in .855; of those in other words over the sample corpus in .59 to .63, .53 and .51.
_NEARER = 40.0
_TOO_ALIKE = 0.8
# A further sentence must be this likely beside the first; at .02, two of 40 answers lost a fact.
_LEAST_SHARE = 0.001
_LEAST = 1e-12  # keeps the logarithm finite


@dataclass(frozen=True)
class Borne:
    """How much of the question a sentence bears out token by token, as cosines.

    The mean over all the question's tokens, over the third that is borne out least, and the mean
    for the whole passage; ``nearest`` and the passage's ``nearest_around`` have it for each token.
    """

    mean: float
    weakest: float
    passage: float
    nearest: Nearest | None = field(default=None, compare=False)
    nearest_around: Nearest | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Candidate(ScoredSentence):
    """A sentence that may be quoted, with how well it fits, each feature 0..1 except cosine.

    ``rival`` tells that it speaks of another year, or another thing of the same name, than
    the question. ``borne_out`` is None where the index has no tokens. ``before``,
    ``antecedents`` and ``subject`` are as in Featured.
    """

    cosine: float
    coverage: float
    covered: frozenset[str]
    words: frozenset[str]
    rival: bool = False
    borne_out: Borne | None = None
    before: str = ""
    antecedents: tuple[SentenceRow, ...] = ()
    subject: frozenset[str] = frozenset()


def candidates(
    query: Query, hits: Sequence[Hit], generation: Generation, weights: dict[str, float]
) -> list[Candidate]:
    """Score every sentence, and every list as a whole, of the best passages; best first.

    Ties by row. ``weights`` has the question's terms.
    """
    featured = featured_sentences(query, hits, generation, weights)
    if not featured:
        return []
    scores = relative_scores(featured, query.language)
    found = [
        Candidate(
            sentence=one.sentence,
            hit=one.hit,
            row=one.rows[0],
            parts=one.parts,
            cosine=one.cosine,
            coverage=one.features["own"] + CONTEXT_SHARE * one.features["around"],
            score=score,
            covered=frozenset(weights) & (one.terms | one.context),
            words=one.terms,
            rows=one.rows,
            rival=bool(one.features["rival_year"] or one.features["rival_number"]),
            borne_out=_borne_out(one),
            before=one.before,
            antecedents=one.antecedents,
            subject=one.subject,
        )
        for one, score in zip(featured, scores, strict=True)
    ]
    return sorted(found, key=lambda c: (-c.score, c.row))


def _borne_out(one: Featured) -> Borne | None:
    found = one.features
    if "tokens" not in found:
        return None
    return Borne(
        found["tokens"],
        found["tokens_weakest"],
        found["tokens_passage"],
        one.nearest,
        one.nearest_around,
    )


def select(ranked: Sequence[Candidate], weights: dict[str, float]) -> list[Candidate]:
    """Choose the sentences of the answer, the most direct first; at most MAX_SENTENCES.

    Each further one is the best by its score and by the question's terms that it adds; one that
    says the same again, or speaks of another year or thing than the first, is passed over.
    """
    gains = _Gains(ranked, weights)
    chosen: list[Candidate] = []
    passed: set[int] = set()
    while len(chosen) < MAX_SENTENCES:
        beside = _items_beside(chosen[0], ranked) if chosen else []
        place = next((n for n in (*beside, *gains.order()) if n not in passed), None)
        if place is None:
            break
        passed.add(place)
        best = _in_its_list(ranked[place], ranked)
        if _says_nothing(best) or (
            chosen and not _may_follow(best, chosen, beside=place in beside)
        ):
            continue
        chosen.append(best)
        gains.take(place)
    return chosen


def _items_beside(first: Candidate, ranked: Sequence[Candidate]) -> list[int]:
    """Return the places of the other items of a short list with which a passage begins.

    Who reads one of two chairs takes it for the only one.
    """
    inside = sorted(
        (one.row, n)
        for n, one in enumerate(ranked)
        if one.hit.row == first.hit.row and one.sentence.kind != LIST
    )
    run = list(takewhile(lambda place: ranked[place[1]].sentence.kind == "item", inside))
    others = [n for row, n in run if row != first.row]
    return others if len(others) == len(run) - 1 and len(run) <= MAX_SENTENCES else []


def _says_nothing(one: Candidate) -> bool:
    """Tell whether a sentence is a word, or introduces others, as "Four bodies lead it:"."""
    text = one.sentence.text
    word = one.hit.document.language != "zh" and len(text.split()) == 1
    return one.sentence.kind == "sentence" and (word or text.endswith((":", "：")))


def _in_its_list(one: Candidate, ranked: Sequence[Candidate]) -> Candidate:
    """Return the whole list in place of an item that is only a fragment of it, if it is quotable.

    "UNICEF;" is one of several that the line before them speaks of.
    """
    if one.sentence.kind != "item" or not one.sentence.text.endswith((";", "；", "؛", ",", "،")):
        return one
    lists = (other for other in ranked if other.sentence.kind == LIST and one.row in other.rows)
    return next(lists, one)


def _may_follow(best: Candidate, chosen: Sequence[Candidate], *, beside: bool) -> bool:
    """Tell whether a sentence adds something to those chosen, and speaks of the same thing.

    ``beside`` tells that it is an item beside the direct answer, and so as likely as that.
    """
    return (
        (beside or best.score >= _LEAST_SHARE * chosen[0].score)
        and (chosen[0].rival or not best.rival)
        and (bool(best.antecedents) or not _opens_with_pronoun(best))
        and not any(_alike(best, other) for other in chosen)
    )


def _opens_with_pronoun(one: Candidate) -> bool:
    sentence, language = one.sentence, one.hit.document.language
    return sentence.kind == "sentence" and needs_the_one_before(sentence.text, language)


class _Gains:
    """How much each candidate adds to the sentences chosen, on the scale of the linear score."""

    def __init__(self, ranked: Sequence[Candidate], weights: dict[str, float]) -> None:
        self._worth = np.log(np.array([one.score for one in ranked]) + _LEAST)
        self._rows = np.array([one.row for one in ranked])
        self._covers = np.array([[t in one.covered for t in weights] for one in ranked], bool)
        self._covers = self._covers.reshape(len(ranked), len(weights))
        self._weights = np.array(list(weights.values())) / (sum(weights.values()) or 1.0)
        found = [one.borne_out.nearest if one.borne_out else None for one in ranked]
        tokens = max((len(one) for one in found if one is not None), default=0)
        # Where a sentence has no tokens it comes nearer to none.
        none = np.full(tokens, -1.0)
        self._nearest = np.array([none if one is None else one for one in found], np.float64)
        self._chosen: list[int] = []
        self._order: list[int] | None = None

    def order(self) -> list[int]:
        """Return the places of all candidates, the one that adds most first, ties by row."""
        if self._order is None:
            self._order = np.lexsort((self._rows, -self._added())).tolist()
        return self._order

    def take(self, place: int) -> None:
        """Choose a candidate; the others add what it does not say."""
        self._chosen.append(place)
        self._order = None

    def _added(self) -> Scores:
        if not self._chosen:
            return self._worth
        new = self._covers & ~self._covers[self._chosen].any(axis=0)
        added = self._worth + _NOVELTY * (new @ self._weights)
        if self._nearest.shape[1]:
            before = self._nearest[self._chosen].max(axis=0)
            added = added + _NEARER * np.maximum(self._nearest - before, 0).mean(axis=1)
        return added


def _alike(one: Candidate, other: Candidate) -> bool:
    """Tell whether two sentences say the same: one stretch, equal texts, nearly the same terms."""
    if set(one.rows) & set(other.rows):
        return True
    if fold(one.sentence.text) == fold(other.sentence.text):
        return True
    both, either = one.words & other.words, one.words | other.words
    return len(both) > _TOO_ALIKE * len(either) if either else False
