"""What an unanswered question lacks, and the sentence that corrects what it presupposes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.reading import Lacking
from assistant.rules.demand import Demand, counts, stated
from assistant.rules.evidence import Evidence, Reading, by_cosine, coverage, evidence_of
from assistant.rules.selection import Candidate
from corpus.text import fold, without_accents

# What a notice can name, the most telling first.
_KINDS = ("money", "percentage", "time", "quantity", "person", "place")
# A correction covers at least this much of what the question says beside the conflict.
LEAST_COVERAGE = 0.5
# ... and this much by itself, without its headings: a line of front matter corrects nothing.
LEAST_OWN = 0.3
# Only a question that is clearly on the subject (a logit) can be corrected.
LEAST_SUBJECT = 0.0
_FIELD = 12


def first_lacking(
    reading: Reading, ranked: Sequence[Candidate], known: Mapping[str, int]
) -> Lacking | None:
    """Return the most telling of the demands that none of the evidence meets.

    Of a year or a figure that stands anywhere in the passages found, nothing is said, nor of a name
    that does but for its accents, as Séoul.
    """
    wanted = reading.wanted
    same = _is_same(reading.evidence[0], reading)
    sought = wanted.names if same else {n: wanted.names[n] for n in wanted.invariant}
    texts = {(one.sentence.text, one.hit.document.language) for one in ranked}
    texts |= {(" ".join(one.hit.passage.section), one.hit.document.language) for one in ranked}
    for name, own in sought.items():
        unknown = not any(known.get(term) for term in own) and not _borne(name, own, reading)
        if unknown and not any(without_accents(name) in without_accents(text) for text, _ in texts):
            return Lacking("name", name)
    said = [one.placed for one in reading.evidence] + [stated(*text) for text in texts]
    for kind, values, found in (
        ("year", wanted.years, [one.years for one in said]),
        ("figure", wanted.figures, [one.numbers | one.ordinals for one in said]),
    ):
        lost = values.difference(*found)
        if lost:
            return Lacking(kind, min(lost))
    lacked = [one.lacks(wanted, same=_is_same(one, reading)) for one in reading.evidence]
    return next((Lacking(kind) for kind in _KINDS if all(kind in one for one in lacked)), None)


def correcting_sentence(
    reading: Reading, ranked: Sequence[Candidate], subject: float
) -> Candidate | None:
    """Return the sentence that says otherwise what a question takes for granted, if there is one.

    It speaks of the same things, and counts something otherwise than the question does; or the
    question asks why, and it has another name than the question. Where questions ask how many, a
    wrong year is no presupposition.
    """
    if subject < LEAST_SUBJECT or not _presupposes(reading.wanted):
        return None
    nearest = sorted(ranked, key=by_cosine)[:_FIELD]
    found = [evidence_of(one, reading.language) for one in nearest]
    rivals = [one for one in found if _says_otherwise(one, reading)]
    fitting = [
        one
        for one in rivals
        if _worth(one, one.near, reading) >= LEAST_COVERAGE
        and _worth(one, one.own, reading) >= LEAST_OWN
    ]
    dated = [one for one in fitting if reading.wanted.years <= one.said.years]
    if not fitting:
        return None
    best = min(dated or fitting, key=lambda one: by_cosine(one.candidate))
    return best.candidate


def _presupposes(wanted: Demand) -> bool:
    return "reason" in wanted.kinds or bool(wanted.counted)


def _says_otherwise(one: Evidence, reading: Reading) -> bool:
    """Tell whether a sentence counts the same thing otherwise, or asked why, names another."""
    wanted = reading.wanted
    stated = counts(fold(one.candidate.sentence.text), one.candidate.hit.document.language)
    for number, counted in wanted.counted:
        others = {value for value, thing in stated if thing == counted}
        if others and number not in others:
            return True
    named = one.said.names - {fold(name) for name in wanted.names}
    lacks = one.lacks(wanted, same=_is_same(one, reading))
    # A sentence that shares no name with the question may speak of something else: "She opened it".
    shared = len(wanted.names) == 1 or any(one.bears(*name) for name in wanted.names.items())
    return "name" in lacks and bool(named) and "reason" in wanted.kinds and shared


def _worth(one: Evidence, found: frozenset[str], reading: Reading) -> float:
    """Return the share covered of what the question says beside its names and numbers in doubt."""
    wanted = reading.wanted
    doubted = {
        term for name, own in wanted.names.items() if not one.bears(name, own) for term in own
    } | (wanted.figures | wanted.cardinals)
    kept = {term: weight for term, weight in reading.weights.items() if term not in doubted}
    return coverage(found, kept)


def _borne(name: str, own: frozenset[str], reading: Reading) -> bool:
    return any(one.bears(name, own) for one in reading.evidence)


def _is_same(one: Evidence, reading: Reading) -> bool:
    return one.candidate.hit.document.language == reading.language
