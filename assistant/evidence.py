"""What the best sentences state, held against what the question demands, as numbers.

Each feature is a share, a flag or a difference of cosines, so that it means the same on every
index; none of them is the composer's own score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assistant.composer import Candidate, Quoted
from assistant.demand import Demand, Stated, demand, is_numbered, stated
from corpus.text import fold
from index.analysis import terms
from index.manifest import Manifest

# The nearest sentences that are read beside those of the answer, and the passages around them.
NEAREST = 3
PASSAGES = 3
FIELD = 24
# Is the question on the documents' subject at all? A logistic regression of its own, as a logit,
# over a sentence's cosine above the noise and the share of terms covered: in the question's
# language, and in another. Fitted on questions asked of other documents: docs/measurements.md.
SAME_LANGUAGE, OTHER_LANGUAGE = (107.0, 4.5, -4.5), (77.6, 10.2, -1.9)
SUBJECT_CAP = 4.0
SUBJECT_ENOUGH = 0.5
GAP_CAP = 0.6
_AROUND = 10
_MANY = 3


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
            **{kind: not met for kind, met in _met(wanted, self).items()},
        }
        return frozenset(name for name, lost in lacking.items() if lost)

    def bears(self, name: str, own: frozenset[str]) -> bool:
        """Tell whether a name stands here, or the words whose initials it is made of."""
        return own <= self.near or (name.isupper() and name in self.placed.initials)


@dataclass(frozen=True)
class Reading:
    """A question's demands, the evidence sentences, best first, and what passages hold."""

    wanted: Demand
    language: str
    weights: Mapping[str, float]
    evidence: Sequence[Evidence]
    around: frozenset[str]
    rooms: Sequence[frozenset[str]]
    room_said: Stated
    topic: Evidence
    topic_room: Stated
    gaps: Mapping[str, float]
    text: str


def read_evidence(
    question: str,
    language: str,
    ranked: Sequence[Candidate],
    quoted: Sequence[Quoted],
    weights: Mapping[str, float],
) -> Reading:
    """Read the sentences of the answer and the nearest ones; ``ranked`` must not be empty."""
    nearest = sorted(ranked, key=_by_cosine)[:NEAREST]
    chosen = {one.row: one for one in (*(q.candidate for q in quoted), *nearest)}
    wanted = demand(question, language)
    evidence = [evidence_of(one, language) for one in chosen.values()]
    evidence.sort(key=lambda one: (-_fit(one, wanted, weights), one.candidate.row))
    texts = _rooms(ranked, [one.candidate for one in evidence])
    rooms = [_terms(text, written_in) for text, written_in in texts]
    text = fold("\n".join(text for text, _ in texts))
    gaps = _gaps(ranked, wanted, language, weights)
    said = _room_said(ranked, evidence[0])
    topic = max(evidence, key=lambda one: (_topical(one, weights), -one.candidate.row))
    topic_room = _room_said(ranked, topic)
    around = frozenset().union(*rooms)
    return Reading(
        wanted, language, weights, evidence, around, rooms, said, topic, topic_room, gaps, text
    )


def _room_said(ranked: Sequence[Candidate], best: Evidence) -> Stated:
    """Return what the passage of the best sentence states, its headings included."""
    hit = best.candidate.hit
    inside = [one.sentence.text for one in ranked if one.hit.row == hit.row]
    whole = "\n".join((*inside, *hit.passage.section, hit.document.title))
    return stated(whole, hit.document.language)


def _gaps(
    ranked: Sequence[Candidate], wanted: Demand, language: str, weights: Mapping[str, float]
) -> dict[str, float]:
    """Return for each demand how much worse than the best the best sentence is that bears it out.

    Worth is what cosine and coverage say together; a demand that none bears out has the cap.
    """
    field = [evidence_of(one, language) for one in sorted(ranked, key=_by_cosine)[:FIELD]]
    worth = [4 * one.candidate.cosine + coverage(one.near, weights) for one in field]
    lost = [
        one.lacks(wanted, same=one.candidate.hit.document.language == language) for one in field
    ]
    top = max(worth)
    asked = frozenset().union(*lost)
    found = {}
    for demanded in asked:
        bearing = [w for w, lacking in zip(worth, lost, strict=True) if demanded not in lacking]
        found[demanded] = min(top - max(bearing, default=top - GAP_CAP), GAP_CAP)
    bearing = [w - 0.25 * len(lacking) for w, lacking in zip(worth, lost, strict=True)]
    found["all"] = min(top - max(bearing), GAP_CAP)
    return found


def _by_cosine(one: Candidate) -> tuple[float, int]:
    return (-one.cosine, one.row)


def evidence_of(one: Candidate, language: str) -> Evidence:
    """Return what a sentence states, for a question in a language."""
    document = one.hit.document
    place = (document.title, document.number, document.edition, document.published)
    surroundings = "\n".join(
        part for part in (one.sentence.lead, *one.hit.passage.section, *place) if part
    )
    own = (
        one.words if document.language == language else _terms(one.sentence.text, document.language)
    )
    near = own | _terms(surroundings, document.language)
    said = stated(one.sentence.text, document.language)
    placed = stated(f"{one.sentence.text}\n{surroundings}", document.language)
    return Evidence(one, own, near, said, placed)


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
    typed = sum(not met for met in _met(wanted, one).values())
    years = len(wanted.years - one.placed.years)
    return _topical(one, weights) - 0.15 * typed - 0.2 * years


def _topical(one: Evidence, weights: Mapping[str, float]) -> float:
    shared = 0.5 * coverage(one.own, weights) + 0.5 * coverage(one.near, weights)
    return shared + 4 * one.candidate.cosine


def coverage(found: frozenset[str], weights: Mapping[str, float]) -> float:
    """Return the share, 0..1, of the question's terms found, weighted by idf."""
    total = sum(weights.values()) or 1.0
    return sum(weight for term, weight in weights.items() if term in found) / total


def _met(wanted: Demand, one: Evidence) -> dict[str, bool]:
    """Tell of each kind of value that is demanded whether the sentence states such a value."""
    said = one.said
    own_numbers = said.numbers - wanted.figures
    dated = bool(said.months or said.years - wanted.years)
    named = bool(said.names - frozenset(map(fold, wanted.names)))
    scripts = one.candidate.hit.document.language in {"ar", "zh"}
    states = {
        "quantity": bool(own_numbers),
        "percentage": said.percent,
        "money": said.money,
        "time": dated,
        "person": named or scripts,
        "place": named or scripts,
    }
    return {kind: states[kind] for kind in states if kind in wanted.kinds}


GAPS = ("all", "year", "figure", "ordinal", "name", "quantity", "percentage", "money", "time",
        "person", "place")  # fmt: skip


def features(
    reading: Reading, ranked: Sequence[Candidate], counts: Mapping[str, int], manifest: Manifest
) -> dict[str, float]:
    """Return every feature by name. ``counts`` has in how many passages each term stands."""
    best = reading.evidence[0]
    weights = reading.weights
    same = best.candidate.hit.document.language == reading.language
    noise = manifest.noise.of(reading.language, same=same)
    cosines = sorted((one.cosine for one in ranked), reverse=True)
    union = frozenset().union(*(one.near for one in reading.evidence))
    top = max(weights.values(), default=1.0) or 1.0
    lost_best = [w / top for term, w in weights.items() if term not in best.near]
    lost_own = [w / top for term, w in weights.items() if term not in union]
    lost_around = [w / top for term, w in weights.items() if term not in reading.around]
    unknown = {term: w for term, w in weights.items() if not counts.get(term)}
    found = {
        "best_behind": cosines[0] - best.candidate.cosine,
        "subject": _subject(cosines[0] - noise, coverage(union, weights), same=same),
        "margin": cosines[0] - sum(cosines[:_AROUND]) / len(cosines[:_AROUND]),
        "own": coverage(best.own, weights),
        "near": coverage(best.near, weights),
        "union": coverage(union, weights),
        "room": max((coverage(room, weights) for room in reading.rooms), default=0.0),
        "around": coverage(reading.around, weights),
        "rarest_best": max(lost_best, default=0.0),
        "rarest_own": max(lost_own, default=0.0),
        "rarest_around": max(lost_around, default=0.0),
        "unknown": sum(unknown.values()) / (sum(weights.values()) or 1.0),
        "unknowns": min(len(unknown), _MANY) / _MANY,
        "length": min(len(weights), 12) / 12,
        "foreign": float(not same),
    }
    gaps = {f"gap_{name}": reading.gaps.get(name, 0.0) for name in GAPS}
    return found | gaps | _values(reading) | _names(reading, counts, same=same) | _kinds(reading)


def _subject(above_noise: float, covered: float, *, same: bool) -> float:
    cosine, share, intercept = SAME_LANGUAGE if same else OTHER_LANGUAGE
    return max(
        -SUBJECT_CAP, min(SUBJECT_ENOUGH, cosine * above_noise + share * covered + intercept)
    )


def _values(reading: Reading) -> dict[str, float]:
    best, wanted, room = reading.evidence[0], reading.wanted, reading.room_said
    topic, around = reading.topic.placed, reading.topic_room
    nearest = sorted(reading.evidence, key=lambda one: _by_cosine(one.candidate))[:NEAREST]
    lacking = [bool(wanted.years - one.placed.years) for one in nearest]
    numbers = best.placed.numbers | best.placed.ordinals
    everywhere = numbers.union(*(one.placed.numbers for one in reading.evidence))
    in_room = everywhere | room.numbers | room.ordinals | room.years
    ordinals = room.ordinals.union(*(one.placed.ordinals for one in reading.evidence))
    return {
        "year_missing": _missing(wanted.years, best.placed.years),
        "year_off_topic": _missing(wanted.years, topic.years),
        "year_off_topic_room": _missing(wanted.years, topic.years | around.years),
        "year_rival": float(bool(wanted.years and topic.years and not wanted.years & topic.years)),
        "year_not_in_room": _missing(wanted.years, best.placed.years | room.years),
        "year_far": sum(lacking) / len(lacking),
        "year_not_nearest": float(lacking[0]),
        "unnumbered": _unnumbered(reading),
        "figure_missing": _missing(wanted.figures, numbers),
        "figure_not_in_room": _missing(wanted.figures, in_room),
        "ordinal_missing": _missing(wanted.ordinals, best.placed.ordinals),
        "ordinal_nowhere": _missing(wanted.ordinals, ordinals),
        "cardinal_missing": _missing(wanted.cardinals, numbers),
        "cardinal_not_in_room": _missing(wanted.cardinals, in_room),
    }


def _unnumbered(reading: Reading) -> float:
    """Return 1 where no passage in the question's language numbers a thing as the question does."""
    if reading.evidence[0].candidate.hit.document.language != reading.language:
        return 0.0
    numbered = reading.wanted.numbered
    return float(any(not is_numbered(*pair, reading.text) for pair in numbered))


def _missing(wanted: Iterable[str], found: Iterable[str]) -> float:
    wanted = set(wanted)
    return len(wanted - set(found)) / len(wanted) if wanted else 0.0


def _names(reading: Reading, counts: Mapping[str, int], *, same: bool) -> dict[str, float]:
    wanted = reading.wanted
    sought = {n: own for n, own in wanted.names.items() if same or n in wanted.invariant}
    near = reading.evidence[0].near
    total = sum(_weight(own, reading.weights) for own in sought.values()) or 1.0

    def lost(found: frozenset[str]) -> float:
        return sum(_weight(own, reading.weights) for own in sought.values() if not own <= found)

    unknown = any(
        not any(counts.get(term) for term in own)
        and not any(one.bears(name, own) for one in reading.evidence)
        for name, own in sought.items()
    )
    return {
        "names": float(bool(sought)),
        "names_missing": lost(near) / total,
        "names_nowhere": lost(reading.around) / total,
        "name_unknown": float(unknown),
    }


def _weight(own: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in own)


def _kinds(reading: Reading) -> dict[str, float]:
    wanted, best = reading.wanted, reading.evidence[0]
    met = _met(wanted, best)
    anywhere = [_met(wanted, one) for one in reading.evidence]
    found: dict[str, float] = {}
    for kind in ("quantity", "percentage", "money", "time", "person", "place"):
        asked = kind in wanted.kinds
        found[kind] = float(asked)
        found[f"{kind}_missing"] = float(asked and not met[kind])
        found[f"{kind}_nowhere"] = float(asked and not any(one[kind] for one in anywhere))
    return found | {
        "reason": float("reason" in wanted.kinds),
        "superlative": float("superlative" in wanted.kinds),
    }
