"""What is demanded held against what is stated, as numbers that the decision weighs.

Each feature is a share, a flag or a difference of cosines, so that it means the same on every
index; none of them is the composer's own score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from assistant.rules.demand import is_numbered
from assistant.rules.evidence import NEAREST, Reading, by_cosine, kinds_met
from assistant.rules.ranking import coefficients
from assistant.rules.selection import Candidate
from index.noise import Noise

_LEAST = 1e-12  # keeps the logarithm finite


def features(
    reading: Reading,
    ranked: Sequence[Candidate],
    counts: Mapping[str, int],
    noise: Noise,
    *,
    later_turn: bool,
) -> dict[str, float]:
    """Return every feature by name. ``counts`` has in how many passages each term stands.

    In a later turn what the turns before named speaks for siblings, so that these say nothing.
    """
    best, weights = reading.evidence[0], reading.weights
    same = best.candidate.hit.document.language == reading.language
    top = max(weights.values(), default=1.0) or 1.0
    lost_best = [w / top for term, w in weights.items() if term not in best.near]
    lost_around = [w / top for term, w in weights.items() if term not in reading.around]
    return {
        "above_noise": max(one.cosine for one in ranked) - noise.of(reading.language, same=same),
        "foreign": float(not same),
        "acronym_known": _acronym_known(reading, counts),
        "gap": reading.gap,
        "rarest_best": max(lost_best, default=0.0),
        "rarest_around": max(lost_around, default=0.0),
        "money_nowhere": _money_nowhere(reading),
        "rival_ahead": 0.0 if later_turn else _rival_ahead(reading, ranked),
        **_of_the_first(reading, same=same),
        **_borne_out(ranked),
        **_values(reading),
        **_names(reading, counts, same=same),
    }


def _acronym_known(reading: Reading, counts: Mapping[str, int]) -> float:
    """Return how rare, 0..1, the rarest abbreviation is that the question shares with the index.

    Of one that stands in every passage, as AI may, that is little.
    """
    weights = reading.weights
    known = [
        _weight(own, weights) / len(own)
        for name, own in reading.wanted.names.items()
        if name.isupper() and len(name) > 1 and all(counts.get(term) for term in own)
    ]
    return max(known, default=0.0) / (max(weights.values(), default=1.0) or 1.0)


def _money_nowhere(reading: Reading) -> float:
    asked = "money" in reading.wanted.kinds
    met = any(kinds_met(reading.wanted, one).get("money") for one in reading.evidence)
    return float(asked and not met)


def _rival_ahead(reading: Reading, ranked: Sequence[Candidate]) -> float:
    """Return by how much a sentence of another year or thing fits better than the first quote.

    On the scale of the linear ranking, 0 to what it loses there for being of another.
    """
    first = reading.quotes[0].candidate
    rivals = [one.score for one in ranked if one.rival]
    if first.rival or not rivals:
        return 0.0
    lost = -coefficients()["same_language"]["rival_year"]
    ahead = math.log((max(rivals) + _LEAST) / (first.score + _LEAST)) + lost
    return max(0.0, min(lost, ahead))


def _of_the_first(reading: Reading, *, same: bool) -> dict[str, float]:
    """Return what the sentence that would be read first lacks, or says otherwise.

    ``first_lacks_head``: it, and what it is placed by, has not the first word that is asked for.
    """
    first, wanted = reading.quotes[0], reading.wanted
    met = kinds_met(wanted, first)
    head = next(iter(reading.weights))
    return {
        "first_rival": float(first.candidate.rival),
        "first_lacks_kind": sum(not one for one in met.values()) / (len(met) or 1),
        "first_lacks_head": float(same and head not in first.near),
    }


def _borne_out(ranked: Sequence[Candidate]) -> dict[str, float]:
    """Return the most that any sentence or passage bears out of the question, token by token.

    ``log_tokens`` is the logarithm of how many tokens there are: of a few, more is borne out.
    """
    found = [one.borne_out for one in ranked if one.borne_out]
    lengths = [len(one.nearest) for one in found if one.nearest is not None]
    return {
        "log_tokens": math.log(max(lengths, default=1)),
        "tokens": max((one.mean for one in found), default=0.0),
        "tokens_weakest": max((one.weakest for one in found), default=0.0),
        "tokens_passage": max((one.passage for one in found), default=0.0),
    }


def _values(reading: Reading) -> dict[str, float]:
    """Return which years, figures and ordinals are missing, where: a room is a whole passage."""
    best, wanted, room = reading.evidence[0], reading.wanted, reading.room_said
    topic, around = reading.topic.placed, reading.topic_room
    nearest = sorted(reading.evidence, key=lambda one: by_cosine(one.candidate))[:NEAREST]
    lacking = [bool(wanted.years - one.placed.years) for one in nearest]
    placed = [one.placed for one in reading.evidence]
    ordinals = room.ordinals.union(*(one.ordinals for one in placed))
    numbers = room.numbers.union(best.placed.ordinals, *(one.numbers for one in placed))
    return {
        "year_not_in_room": _missing(wanted.years, best.placed.years | room.years),
        "year_off_topic_room": _missing(wanted.years, topic.years | around.years),
        "year_far": sum(lacking) / len(lacking),
        "unnumbered": _unnumbered(reading),
        "figure_not_in_room": _missing(wanted.figures, numbers | room.ordinals | room.years),
        "ordinal_nowhere": _missing(wanted.ordinals, ordinals),
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
    total = sum(_weight(own, reading.weights) for own in sought.values()) or 1.0
    lost = [own for own in sought.values() if not own <= reading.around]
    unknown = [
        name
        for name, own in sought.items()
        if not any(counts.get(term) for term in own)
        and not any(one.bears(name, own) for one in reading.evidence)
    ]
    return {
        "names_nowhere": sum(_weight(own, reading.weights) for own in lost) / total,
        "name_unknown": float(bool(unknown)),
        # An abbreviation is neither misspelt nor translated as other names are.
        "acronym_unknown": float(any(name.isupper() and len(name) > 1 for name in unknown)),
    }


def _weight(own: Iterable[str], weights: Mapping[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in own)
