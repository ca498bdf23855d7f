"""What the best sentences and the passages around them state, as far as a question demands it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.rules.demand import Demand, Stated, demand, stated
from assistant.rules.memo import once_a_question
from assistant.rules.selection import Candidate
from corpus.text import fold
from index.analysis import terms

# The nearest sentences that are read beside those of the answer, and the passages around them.
NEAREST = 3
PASSAGES = 3
# The sentences among which one is sought that meets a demand, and how much worse than the best it
# may be before that tells no more.
FIELD = 24
GAP_CAP = 0.6


@dataclass(frozen=True)
class Evidence:
    """A sentence with the terms and values that it states by itself, and with its surroundings."""

    candidate: Candidate
    own: frozenset[str]
    near: frozenset[str]
    said: Stated
    placed: Stated

    def lacks(self, wanted: Demand, *, same: bool) -> frozenset[str]:
        """Return which of the demands are not borne out: years, figures, counts, names, a kind."""
        sought = wanted.names if same else {n: wanted.names[n] for n in wanted.invariant}
        lacking = {
            "year": wanted.years - self.placed.years,
            "figure": wanted.figures - self.placed.numbers - self.placed.ordinals,
            "ordinal": wanted.ordinals - self.placed.ordinals,
            "name": {n for n, own in sought.items() if not self.bears(n, own)},
            **{kind: not met for kind, met in kinds_met(wanted, self).items()},
        }
        return frozenset(name for name, lost in lacking.items() if lost)

    def bears(self, name: str, own: frozenset[str]) -> bool:
        """Tell whether a name stands here, or the words whose initials it is made of."""
        return own <= self.near or (name.isupper() and name in self.placed.initials)


@dataclass(frozen=True)
class Reading:
    """A question's demands, the evidence sentences, best first, and what passages hold.

    ``around`` are the terms of the passages around the evidence, and ``text`` is theirs, folded.
    ``quotes`` are the sentences of the answer in its order; ``gap`` is how much worse than the
    nearest sentence the best is that bears out the demands.
    """

    wanted: Demand
    language: str
    weights: Mapping[str, float]
    evidence: Sequence[Evidence]
    quotes: Sequence[Evidence]
    around: frozenset[str]
    room_said: Stated
    topic: Evidence
    topic_room: Stated
    gap: float
    text: str


def read_evidence(
    question: str,
    language: str,
    ranked: Sequence[Candidate],
    answer: Sequence[Candidate],
    weights: Mapping[str, float],
) -> Reading:
    """Read the sentences of the answer and the nearest ones; neither must be empty."""
    nearest = sorted(ranked, key=by_cosine)[:NEAREST]
    chosen = {one.row: one for one in (*answer, *nearest)}
    wanted = demand(question, language)
    evidence = [evidence_of(one, language) for one in chosen.values()]
    evidence.sort(key=lambda one: (-_fit(one, wanted, weights), one.candidate.row))
    texts = _rooms(ranked, [one.candidate for one in evidence])
    text = fold("\n".join(text for text, _ in texts))
    gap = _gap(ranked, wanted, language, weights)
    said = _room_said(ranked, evidence[0])
    topic = max(evidence, key=lambda one: (_topical(one, weights), -one.candidate.row))
    topic_room = _room_said(ranked, topic)
    around = frozenset().union(*(_terms(*room) for room in texts))
    quotes = [evidence_of(one, language) for one in answer]
    return Reading(
        wanted,
        language,
        weights,
        evidence,
        quotes,
        around,
        said,
        topic,
        topic_room,
        gap,
        text,
    )


def _room_said(ranked: Sequence[Candidate], best: Evidence) -> Stated:
    """Return what the passage of the best sentence states, its headings included."""
    hit = best.candidate.hit
    inside = [one.sentence.text for one in ranked if one.hit.row == hit.row]
    whole = "\n".join((*inside, *hit.passage.section, hit.document.title))
    return stated(whole, hit.document.language)


def _gap(
    ranked: Sequence[Candidate], wanted: Demand, language: str, weights: Mapping[str, float]
) -> float:
    """Return how much worse than the nearest sentence one is that bears out the demands.

    Worth is what cosine and coverage say together; each demand that is not borne out costs a
    quarter. At most GAP_CAP.
    """
    field = [evidence_of(one, language) for one in sorted(ranked, key=by_cosine)[:FIELD]]
    worth = [4 * one.candidate.cosine + coverage(one.near, weights) for one in field]
    bearing = [
        value - 0.25 * len(one.lacks(wanted, same=one.candidate.hit.document.language == language))
        for value, one in zip(worth, field, strict=True)
    ]
    return min(max(worth) - max(bearing), GAP_CAP)


def by_cosine(one: Candidate) -> tuple[float, int]:
    """Return a key that sorts the nearest sentence first."""
    return (-one.cosine, one.row)


def evidence_of(one: Candidate, language: str) -> Evidence:
    """Return what a sentence states, for a question in a language.

    It is placed by its document, its headings, the sentence before, and those before that which
    name what it speaks of.
    """
    document = one.hit.document
    place = (document.title, document.number, document.edition, document.published)
    surroundings = "\n".join(
        part
        for part in (
            *(one.sentence.lead, *one.hit.passage.section, *place),
            *(one.before, *(former.sentence.text for former in one.antecedents)),
        )
        if part
    )
    own = (
        one.words if document.language == language else _terms(one.sentence.text, document.language)
    )
    near = own | _terms(surroundings, document.language)
    said = stated(one.sentence.text, document.language)
    placed = said.beside(stated(surroundings, document.language))
    return Evidence(one, own, near, said, placed)


@once_a_question
def _terms(text: str, language: str) -> frozenset[str]:
    """Return the terms of a text; names and cognates meet those of a question in any language."""
    return frozenset(terms(text, language))


def _rooms(ranked: Sequence[Candidate], evidence: Sequence[Candidate]) -> list[tuple[str, str]]:
    """Return the text, headings included, and the language of the passages of the evidence."""
    rows = list(dict.fromkeys(one.hit.row for one in evidence))[:PASSAGES]
    rooms = []
    for row in rows:
        inside = [one for one in ranked if one.hit.row == row]
        hit = inside[0].hit
        parts = (*hit.passage.section, hit.document.title, *(one.sentence.text for one in inside))
        rooms.append((" \n".join(parts), hit.document.language))
    return rooms


def _fit(one: Evidence, wanted: Demand, weights: Mapping[str, float]) -> float:
    """Return by what the most telling sentence is chosen, all parts 0..1 or so."""
    typed = sum(not met for met in kinds_met(wanted, one).values())
    years = len(wanted.years - one.placed.years)
    return _topical(one, weights) - 0.15 * typed - 0.2 * years


def _topical(one: Evidence, weights: Mapping[str, float]) -> float:
    shared = 0.5 * coverage(one.own, weights) + 0.5 * coverage(one.near, weights)
    return shared + 4 * one.candidate.cosine


def coverage(found: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return the share, 0..1, of the question's terms found, weighted by idf."""
    total = sum(weights.values()) or 1.0
    return sum(weight for term, weight in weights.items() if term in found) / total


def kinds_met(wanted: Demand, one: Evidence) -> dict[str, bool]:
    """Tell of each kind of value that is demanded whether the sentence states such a value."""
    said = one.said
    amounts = said.amounts - wanted.figures
    dated = bool(said.months or said.years - wanted.years)
    named = bool(said.names - frozenset(map(fold, wanted.names)))
    scripts = one.candidate.hit.document.language in {"ar", "zh"}
    states = {
        "quantity": bool(amounts),
        "percentage": said.percent,
        "money": said.money,
        "time": dated,
        "person": named or scripts,
        "place": named or scripts,
    }
    return {kind: states[kind] for kind in states if kind in wanted.kinds}
