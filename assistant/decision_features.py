"""What is demanded held against what is stated, as numbers that the decision weighs.

Each feature is a share, a flag or a difference of cosines, so that it means the same on every
index; none of them is the composer's own score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from assistant.composer import Candidate
from assistant.demand import is_numbered
from assistant.evidence import NEAREST, Reading, by_cosine, coverage, kinds_met
from index.manifest import Manifest

_AROUND = 10
_MANY = 3
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
        "above_noise": cosines[0] - noise,
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
    return (
        found
        | gaps
        | _borne_out(ranked)
        | _values(reading)
        | _names(reading, counts, same=same)
        | _kinds(reading)
        | _of_the_first(reading, top)
    )


def _of_the_first(reading: Reading, top: float) -> dict[str, float]:
    """Return what the sentence that would be read first lacks, or says otherwise."""
    first, wanted = reading.first, reading.wanted
    lost = [w / top for term, w in reading.weights.items() if term not in first.near]
    met = kinds_met(wanted, first)
    return {
        "first_year_rival": float(
            bool(wanted.years and first.said.years and not wanted.years & first.placed.years)
        ),
        "first_rarest": max(lost, default=0.0),
        "first_lacks_kind": sum(not one for one in met.values()) / (len(met) or 1),
        "first_lost": sum(lost) / (sum(w / top for w in reading.weights.values()) or 1.0),
    }


def _borne_out(ranked: Sequence[Candidate]) -> dict[str, float]:
    """Return the most that any sentence or passage bears out of the question, token by token."""
    found = [one.borne_out for one in ranked if one.borne_out]
    return {
        "tokens": max((one.mean for one in found), default=0.0),
        "tokens_weakest": max((one.weakest for one in found), default=0.0),
        "tokens_passage": max((one.passage for one in found), default=0.0),
    }


def _values(reading: Reading) -> dict[str, float]:
    best, wanted, room = reading.evidence[0], reading.wanted, reading.room_said
    topic, around = reading.topic.placed, reading.topic_room
    nearest = sorted(reading.evidence, key=lambda one: by_cosine(one.candidate))[:NEAREST]
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

    unknown = [
        name
        for name, own in sought.items()
        if not any(counts.get(term) for term in own)
        and not any(one.bears(name, own) for one in reading.evidence)
    ]
    return {
        "names": float(bool(sought)),
        "names_missing": lost(near) / total,
        "names_nowhere": lost(reading.around) / total,
        "name_unknown": float(bool(unknown)),
        # An abbreviation is neither misspelt nor translated as other names are.
        "acronym_unknown": float(any(name.isupper() and len(name) > 1 for name in unknown)),
    }


def _weight(own: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in own)


def _kinds(reading: Reading) -> dict[str, float]:
    wanted, best = reading.wanted, reading.evidence[0]
    met = kinds_met(wanted, best)
    anywhere = [kinds_met(wanted, one) for one in reading.evidence]
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
