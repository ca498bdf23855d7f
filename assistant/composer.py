"""The extractive composer: at most three quoted sentences that together answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.answer import Hit
from assistant.retriever import Query
from corpus.documents import Sentence
from corpus.text import fold, fold_space
from index.analysis import invariant_terms, terms
from index.generations import Generation

MAX_SENTENCES = 3
MAX_WORDS = 150
# Sentences are taken from this many of the best passages.
PASSAGES = 10
# Weights of a sentence's cosine, its coverage of the question's terms, and its passage's score.
# Set on the 40 answerable development questions: see docs/measurements.md.
COSINE_WEIGHT, COVERAGE_WEIGHT, PASSAGE_WEIGHT = 0.4, 0.4, 0.2
# A sentence is understood from its passage too: this much of its cosine is the passage's.
PASSAGE_COSINE_SHARE = 0.4
# Terms in the heading or the lead count half: they place a sentence, but do not answer.
CONTEXT_SHARE = 0.5
# A further sentence is added for this much of its score, and the rest for the terms it adds.
_NOVELTY_WEIGHT = 0.3
_TOO_ALIKE = 0.8
# A further sentence must have this much of the first one's score. Up to 0.6 no development
# question lost a fact; at 0.7 one did.
_LEAST_SHARE = 0.6
# A document's own bracketed numbers would read as markers.
_BRACKETED = re.compile(r"\s*\[\d+\]")
_CLAUSE_END = re.compile(r"(?<=[,;:،；，])\s+|\s+(?=[–—(])")


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be quoted, with how well it fits, each feature 0..1 except cosine."""

    sentence: Sentence
    hit: Hit
    row: int
    cosine: float
    coverage: float
    score: float
    covered: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True)
class Quoted:
    """A sentence of the answer: the text that is shown, and the sentence that it quotes."""

    text: str
    candidate: Candidate


def term_weights(query: Query, generation: Generation) -> dict[str, float]:
    """Return the question's terms with their inverse document frequency over passages.

    ln(1 + (N - n + 0.5) / (n + 0.5)), Robertson and Sparck Jones, as in BM25. A term that
    stands nowhere has the highest weight.
    """
    wanted = list(dict.fromkeys(terms(query.text, query.language)))
    counts = generation.records.passage_counts(wanted)
    total = generation.passages.size
    return {
        term: math.log(1 + (total - n + 0.5) / (n + 0.5))
        for term in wanted
        for n in [min(counts.get(term, 0), total)]
    }


def candidates(query: Query, hits: Sequence[Hit], generation: Generation) -> list[Candidate]:
    """Score every sentence of the best passages, best first, ties by row."""
    by_row = {hit.row: hit for hit in hits[:PASSAGES]}
    stored = [s for s in generation.records.sentences(by_row) if s.sentence.kind != "header"]
    if not stored:
        return []
    vectors = generation.sentence_vectors(np.array([s.row for s in stored], np.int64))
    cosines = vectors @ query.vector
    around = np.array([by_row[s.passage].cosine for s in stored], np.float32)
    mixed = (1 - PASSAGE_COSINE_SHARE) * cosines + PASSAGE_COSINE_SHARE * around
    low, high = float(mixed.min()), float(mixed.max())
    weights = term_weights(query, generation)
    found = []
    for one, cosine, fit in zip(stored, cosines.tolist(), mixed.tolist(), strict=True):
        hit = by_row[one.passage]
        words, context = _words(one.sentence, hit, query)
        coverage = _coverage(weights, words, context)
        scaled = (fit - low) / ((high - low) or 1.0)
        score = COSINE_WEIGHT * scaled + COVERAGE_WEIGHT * coverage + PASSAGE_WEIGHT * hit.score
        covered = frozenset(weights) & (words | context)
        found.append(Candidate(one.sentence, hit, one.row, cosine, coverage, score, covered, words))
    return sorted(found, key=lambda c: (-c.score, c.row))


def compose(ranked: Sequence[Candidate], weights: dict[str, float]) -> list[Quoted]:
    """Choose the sentences of the answer, the most direct first.

    Each further one is the best by its score and by the question's terms that it adds; one
    that says the same again is passed over. Together they have at most MAX_WORDS words.
    """
    chosen: list[Candidate] = []
    quoted: list[Quoted] = []
    left = MAX_WORDS
    covered: set[str] = set()
    pool = list(ranked)
    while pool and len(chosen) < MAX_SENTENCES:
        best = max(pool, key=lambda c: (_worth(c, covered, weights), -c.row))
        pool.remove(best)
        if chosen and best.score < _LEAST_SHARE * chosen[0].score:
            continue
        if any(_alike(best, other) for other in chosen):
            continue
        text = shown_text(best.sentence.text)
        if len(text.split()) > left:
            if chosen:
                continue
            text = elided(text, best.covered, best.hit.document.language, left)
        chosen.append(best)
        quoted.append(Quoted(text, best))
        covered |= best.covered
        left -= len(text.split())
    return quoted


def without_brackets(text: str) -> str:
    """Return a text whose bracketed numbers, which would read as markers, are elided."""
    return _BRACKETED.sub(" …", text)


def shown_text(text: str) -> str:
    """Return a sentence as the answer shows it: one line, its bracketed numbers elided."""
    return fold_space(without_brackets(text))


def elided(text: str, wanted: frozenset[str], language: str, words: int) -> str:
    """Shorten a sentence to the run of clauses that holds most of the wanted terms.

    At most ``words`` words; what is left out at either end is marked by ``…``.
    """
    clauses = [clause.split() for clause in _CLAUSE_END.split(text)]
    clauses = [part for clause in clauses for part in _cut(clause, words - 2)]
    best, best_run = -1, (0, 1)
    for first in range(len(clauses)):
        for last in range(first + 1, len(clauses) + 1):
            run = clauses[first:last]
            if sum(map(len, run)) > words - 2:
                break
            found = set(terms(" ".join(" ".join(clause) for clause in run), language))
            if len(found & wanted) > best:
                best, best_run = len(found & wanted), (first, last)
    first, last = best_run
    middle = " ".join(" ".join(clause) for clause in clauses[first:last])
    return f"{'… ' if first else ''}{middle}{' …' if last < len(clauses) else ''}"


def _cut(words: list[str], size: int) -> list[list[str]]:
    return [words[n : n + size] for n in range(0, len(words), size)]


def _words(sentence: Sentence, hit: Hit, query: Query) -> tuple[frozenset[str], frozenset[str]]:
    """Return the terms of a sentence, and of what stands around it, that a question may match."""
    language = hit.document.language
    analyse = terms if language == query.language else invariant_terms
    context = " \n".join((sentence.lead, *hit.passage.section))
    return frozenset(analyse(sentence.text, language)), frozenset(analyse(context, language))


def _coverage(weights: dict[str, float], words: frozenset[str], context: frozenset[str]) -> float:
    total = sum(weights.values()) or 1.0
    own = sum(weight for term, weight in weights.items() if term in words)
    near = sum(weight for term, weight in weights.items() if term in context - words)
    return (own + CONTEXT_SHARE * near) / total


def _worth(candidate: Candidate, covered: set[str], weights: dict[str, float]) -> float:
    if not covered:
        return candidate.score
    new = sum(weights[term] for term in candidate.covered - covered)
    novelty = new / (sum(weights.values()) or 1.0)
    return (1 - _NOVELTY_WEIGHT) * candidate.score + _NOVELTY_WEIGHT * novelty


def _alike(one: Candidate, other: Candidate) -> bool:
    """Tell whether two sentences say the same: equal texts, or nearly the same terms."""
    if fold(one.sentence.text) == fold(other.sentence.text):
        return True
    both, either = one.words & other.words, one.words | other.words
    return len(both) > _TOO_ALIKE * len(either) if either else False
