"""The sentences that may be quoted, with what speaks for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.answer import Hit
from assistant.interaction import (
    Nearest,
    borne_out,
    nearest_in_passages,
    nearest_in_sentences,
    weakest,
)
from assistant.lists import whole_lists
from assistant.retrieval import Query, adjusted, standardised
from assistant.rules.acronyms import Acronym, acronyms, both_ways
from assistant.rules.answer_types import asked_kinds, meaning_terms
from assistant.rules.antecedents import Antecedents
from assistant.rules.demand import designations, figures_by_stem, stated, years_by_stem
from assistant.rules.features import Asked, Surroundings, Text, analysed_text, features, letters_of
from corpus.documents import Sentence
from index.analysis import analysed, terms
from index.generations import Generation
from index.records import SentenceRow

# Sentences are taken from this many of the best passages.
PASSAGES = 10


@dataclass(frozen=True)
class Featured:
    """A sentence, or a list as one, with its features and the sentence rows it is made of.

    ``cosine`` is its own as stored; ``terms`` and ``context`` are what a question may match, in it
    and around it. ``nearest`` is how near its tokens come to each of the question's, and
    ``nearest_around`` how near those of its whole passage come. ``before`` is what stands right
    before a sentence in its section; ``antecedents`` go from there back to the sentence that names
    what it speaks of, and are empty where it does so itself. ``subject`` are the terms of the
    names in its headings and its document's title.
    """

    sentence: Sentence
    hit: Hit
    rows: tuple[int, ...]
    parts: tuple[Sentence, ...]
    cosine: float
    terms: frozenset[str]
    context: frozenset[str]
    features: Mapping[str, float]
    nearest: Nearest | None = None
    nearest_around: Nearest | None = None
    before: str = ""
    antecedents: tuple[SentenceRow, ...] = ()
    subject: frozenset[str] = frozenset()


def term_weights(query: Query, generation: Generation) -> dict[str, float]:
    """Return the question's terms with their inverse document frequency over passages.

    ln(1 + (N - n + 0.5) / (n + 0.5)), Robertson and Sparck Jones, as in BM25. A term that
    stands nowhere has the highest weight. Those that only ask for a meaning are left out.
    """
    wanted = list(dict.fromkeys(terms(query.text, query.language)))
    if "meaning" in asked_kinds(query.text, query.language):
        only_asking = meaning_terms(query.language)
        wanted = [term for term in wanted if term not in only_asking] or wanted
    counts = generation.records.passage_counts(wanted)
    total = generation.passages.size
    return {
        term: math.log(1 + (total - n + 0.5) / (n + 0.5))
        for term in wanted
        for n in [min(counts.get(term, 0), total)]
    }


def featured_sentences(
    query: Query, hits: Sequence[Hit], generation: Generation, weights: Mapping[str, float]
) -> list[Featured]:
    """Return the sentences and the lists of the best passages with their features, by row."""
    by_row = {hit.row: hit for hit in hits[:PASSAGES]}
    stored = generation.records.sentences(by_row)
    if not stored:
        return []
    own_letters = letters_of(word for _, word in analysed(query.text, query.language))
    kinds = asked_kinds(query.text, query.language)
    language = query.language
    # What the last turn names replaces what the turns before have named.
    turns = (query.asked, query.text)
    named = next((turn for turn in turns if stated(turn, language).years), query.asked)
    years, dated = stated(named, language).years, years_by_stem(named, language)
    coded = designations(query.asked) or designations(query.text)
    numbered = figures_by_stem(query.asked, language) or figures_by_stem(query.text, language)
    asked = Asked(query.language, weights, kinds, own_letters, years, dated, numbered, coded)
    known = _known_acronyms(by_row.values())
    cosines = _cosines(query, stored, by_row, generation)
    interaction = _Interaction(query, stored, by_row, generation)
    units: list[tuple[SentenceRow, tuple[SentenceRow, ...]]] = [
        (one, (one,)) for one in stored if one.sentence.kind != "header"
    ]
    units += whole_lists(stored)
    antecedents = Antecedents(stored, by_row, generation)
    repeated = generation.records.repeated(one.sentence.text for one in stored)
    found = []
    for one, made_of in sorted(units, key=lambda unit: (unit[0].row, len(unit[1]))):
        hit, rows = by_row[one.passage], tuple(part.row for part in made_of)
        text = _own_text(one.sentence, hit, query)
        if one.sentence.kind != "row" and all(word.isdecimal() for _, word in text.words):
            continue  # the number of a list item, or a bullet
        formers = antecedents.before(one)
        around = Surroundings(*_around(one, hit, query), _analysed(formers, hit, query))
        borne = both_ways(text.terms, known)
        values = features(asked, one.sentence, text, borne, around)
        values["cosine"] = max(cosines.sentence[row] for row in rows)
        values["passage_cosine"] = cosines.passage[one.passage]
        values["passage"] = hit.score
        # What many documents say is boilerplate as far as it says nothing that is asked.
        values["repeated"] = float(one.sentence.text in repeated) * (1 - values["own"])
        nearest = interaction.nearest(one, rows)
        values |= interaction.features(one, nearest)
        raw = max(cosines.raw[row] for row in rows)
        context = both_ways(around.context.terms | around.title.terms, known)
        found.append(
            Featured(
                one.sentence,
                hit,
                rows,
                tuple(part.sentence for part in made_of if part is not one and len(rows) > 1),
                raw,
                borne,
                context,
                values,
                nearest,
                interaction.nearest_around(one.passage),
                formers[0].sentence.text if formers and one.sentence.kind == "sentence" else "",
                antecedents.naming(one),
                antecedents.subject(one.passage),
            )
        )
    return found


@dataclass(frozen=True)
class _Cosines:
    """Cosines by sentence row (as stored, and standardised) and by passage row."""

    raw: dict[int, float]
    sentence: dict[int, float]
    passage: dict[int, float]


class _Interaction:
    """How much of the question each sentence and each passage bears out, token by token."""

    def __init__(
        self,
        query: Query,
        stored: Sequence[SentenceRow],
        by_row: Mapping[int, Hit],
        generation: Generation,
    ) -> None:
        self._sentences: dict[int, Nearest] = {}
        self._passages: dict[int, Nearest] = {}
        self._headers: dict[tuple[int, str], int] = {}
        store = generation.tokens
        if store is None or query.tokens is None:
            return
        self._sentences = nearest_in_sentences(query.tokens.vectors, stored, by_row, store)
        known = {row: hit.nearest for row, hit in by_row.items() if hit.nearest is not None}
        left = by_row.keys() - known
        self._passages = known | nearest_in_passages(query.tokens.vectors, left, store)
        self._headers = {
            (one.passage, one.sentence.text): one.row
            for one in stored
            if one.sentence.kind == "header"
        }
        self._by_passage = {row: borne_out(one) for row, one in self._passages.items()}
        self._least = min(map(borne_out, self._sentences.values()), default=0.0)

    def nearest(self, one: SentenceRow, rows: Sequence[int]) -> Nearest | None:
        """Return how near a sentence, or a list of these rows, comes to each question token.

        A table row has its header's as well. None where the tokens are not there.
        """
        header = self._headers.get((one.passage, one.sentence.lead), -1)
        parts = [self._sentences[row] for row in (*rows, header) if row in self._sentences]
        return np.max(parts, axis=0) if parts else None

    def nearest_around(self, passage: int) -> Nearest | None:
        """Return how near a passage comes to each question token; None without tokens."""
        return self._passages.get(passage)

    def features(self, one: SentenceRow, nearest: Nearest | None) -> dict[str, float]:
        """Return the features of a sentence; one without tokens counts like that with the least."""
        if not self._passages:
            return {}
        found = {"tokens_passage": self._by_passage[one.passage]}
        if nearest is None:
            return found | {"tokens": self._least, "tokens_weakest": self._least}
        return found | {"tokens": borne_out(nearest), "tokens_weakest": weakest(nearest)}


def _cosines(
    query: Query, stored: Sequence[SentenceRow], by_row: Mapping[int, Hit], generation: Generation
) -> _Cosines:
    rows = [one.row for one in stored]
    vectors = generation.sentence_vectors(np.array(rows, np.int64))
    same = np.array([by_row[one.passage].document.language == query.language for one in stored])
    nearest = standardised(adjusted(query, vectors, same))
    passages = list(by_row)
    whole = generation.passages.vectors(np.array(passages, np.int64))
    same = np.array([by_row[row].document.language == query.language for row in passages])
    around = standardised(adjusted(query, whole, same))
    raw = np.asarray(vectors @ query.vector, np.float64)
    return _Cosines(
        dict(zip(rows, raw.tolist(), strict=True)),
        dict(zip(rows, nearest.tolist(), strict=True)),
        dict(zip(passages, around.tolist(), strict=True)),
    )


def _analysed(stored: Iterable[SentenceRow], hit: Hit, query: Query) -> list[Text]:
    language = hit.document.language
    return [analysed_text(one.sentence.text, language, query.language) for one in stored]


def _own_text(sentence: Sentence, hit: Hit, query: Query) -> Text:
    """Analyse a sentence; a table row says what its header says too."""
    language = hit.document.language
    text = analysed_text(sentence.text, language, query.language)
    if sentence.kind != "row" or not sentence.lead:
        return text
    header = analysed_text(sentence.lead, language, query.language)
    return replace(text, terms=text.terms | header.terms, letters=text.letters | header.letters)


def _around(one: SentenceRow, hit: Hit, query: Query) -> tuple[Text, Text]:
    context = " \n".join((one.sentence.lead, *hit.passage.section))
    language = hit.document.language
    return (
        analysed_text(context, language, query.language),
        analysed_text(hit.document.title, language, query.language),
    )


def _known_acronyms(hits: Iterable[Hit]) -> list[Acronym]:
    """Return the abbreviations that the passages found explain."""
    return list(
        dict.fromkeys(
            one for hit in hits for one in acronyms(hit.passage.text, hit.document.language)
        )
    )
