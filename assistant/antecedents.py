"""What a sentence speaks of where it does not say so itself: the sentences and headings before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile, pairwise, takewhile

from assistant.answer import Hit
from assistant.answer_types import has_pronoun, needs_the_one_before
from assistant.demand import capitalised_terms, name_terms, names_nothing
from assistant.lists import KIND as LIST
from corpus.documents import Sentence, Span
from index.generations import Generation
from index.records import Records, SentenceRow

HEADING = "heading"
_NUMBER = re.compile(r"^(?:(?:[A-Z]|[IVX]+)[.)]|\d{1,2}(?:\.\d{1,2})*[.)]?)\s+")
_LISTED = frozenset({"item", "row", LIST})
# A heading is no sentence, and has no row.
_NO_ROW = -1
# A name in more of the passages than this tells no subject from another, but in a small corpus.
_OWN_SHARE = 0.1
_OWN_PASSAGES = 3
# A heading is sought on its passage's first page, and on this many before it.
_PAGES_BACK = 3


class Antecedents:
    """What stands before the sentences of some passages, as far as it names what they speak of."""

    def __init__(
        self, stored: Sequence[SentenceRow], by_row: Mapping[int, Hit], generation: Generation
    ) -> None:
        self._hits = by_row
        self._records = generation.records
        self._before = _sentences_before(stored, by_row, self._records)
        self._subjects = _subjects(by_row, generation)
        self._headings: dict[int, SentenceRow | None] = {}

    def before(self, one: SentenceRow) -> Sequence[SentenceRow]:
        """Return the sentences before one, the nearest first, of its section."""
        return self._before.get(one.row, ())

    def subject(self, passage: int) -> frozenset[str]:
        """Return the terms of the names in a passage's headings and its document's title."""
        return self._subjects[passage]

    def naming(self, one: SentenceRow) -> tuple[SentenceRow, ...]:
        """Return the sentences back to the one that names what a sentence speaks of, nearest first.

        That has no pronoun that another one could explain, if there is such; for an item of a list
        it is sought from the line that introduces it. Where none names the subject, it is the
        nearest heading that does; where none does, any sentence that has a name. Empty where a
        sentence names its subject itself, or nothing before it does.
        """
        language = self._hits[one.passage].document.language
        subject = self._subjects[one.passage]
        if self._names_its_subject(one, language, subject):
            return ()
        formers = _of_the_text(one, self.before(one))
        texts = [former.sentence.text for former in formers]
        naming = [n for n, text in enumerate(texts) if _names_its_subject(text, language, subject)]
        whole = [n for n in naming if not has_pronoun(texts[n], language)]
        if not naming:
            heading = self._heading(one.passage)
            if heading is not None:
                return (heading,)
            naming = [n for n, text in enumerate(texts) if not _is_nameless(text, language)]
        place = next(iter((*whole, *naming)), -1)
        return tuple(formers[: place + 1])

    def _names_its_subject(self, one: SentenceRow, language: str, subject: frozenset[str]) -> bool:
        """Tell so of a sentence, and of a row or an item that has most of its heading's names.

        What a list gives are names too, and one may have a word in common with the heading.
        """
        text = _with_lead(one.sentence)
        if not _names_its_subject(text, language, subject):
            return False
        heading = self._heading(one.passage) if one.sentence.kind in _LISTED else None
        if heading is None:
            return True
        wanted = subject & name_terms(heading.sentence.text, language)
        return len(wanted & capitalised_terms(text, language)) > len(wanted) / 2

    def _heading(self, passage: int) -> SentenceRow | None:
        if passage not in self._headings:
            self._headings[passage] = self._heading_of(passage)
        return self._headings[passage]

    def _heading_of(self, passage: int) -> SentenceRow | None:
        """Return the nearest heading that names the subject, at its place in the page."""
        hit = self._hits[passage]
        language, subject = hit.document.language, self._subjects[passage]
        for heading in reversed(hit.passage.section):
            text = _NUMBER.sub("", heading)
            if subject.isdisjoint(name_terms(text, language)):
                continue
            span = _place_before(heading, hit, self._records)
            if span is not None:
                span = replace(span, start=span.end - len(text))
                return SentenceRow(_NO_ROW, passage, Sentence(text, (span,), HEADING), "")
        return None


def _with_lead(sentence: Sentence) -> str:
    """Return what is quoted of a sentence: a table row has its header before it."""
    return f"{sentence.lead}\n{sentence.text}" if sentence.kind == "row" else sentence.text


def _of_the_text(one: SentenceRow, before: Sequence[SentenceRow]) -> list[SentenceRow]:
    """Return those of the sentences before that may say what a sentence speaks of."""
    formers = list(before) if one.sentence.kind in {"sentence", "item"} else []
    if one.sentence.kind == "item":
        formers = list(dropwhile(lambda former: former.sentence.kind == "item", formers))
    return list(takewhile(lambda former: former.sentence.kind == "sentence", formers))


def _place_before(heading: str, hit: Hit, records: Records) -> Span | None:
    """Return where the last line stands, before a passage, that a heading makes up."""
    first = hit.passage.first_page
    for number in range(first, max(first - _PAGES_BACK, 1) - 1, -1):
        page = records.page(hit.document.id, number)
        text = page.text if page else ""
        lines = f"\n{text[: hit.passage.start] if number == first else text}\n"
        place = lines.rfind(f"\n{heading}\n")
        if place >= 0:
            return Span(number, place, place + len(heading))
    return None


def _sentences_before(
    stored: Sequence[SentenceRow], by_row: Mapping[int, Hit], records: Records
) -> dict[int, list[SentenceRow]]:
    """Return the sentences before, the nearest first, by row.

    Those of its passage, and of the passage before where that is of the same section.
    """
    hits = dict(by_row) | _passages_before(by_row, records)
    former_ones = records.sentences(hits.keys() - by_row.keys())
    found: dict[int, list[SentenceRow]] = {}
    for former, one in pairwise(sorted((*stored, *former_ones), key=lambda s: s.row)):
        if former.passage == one.passage or _runs_on(hits[former.passage], hits[one.passage]):
            found[one.row] = [former, *found.get(former.row, ())]
    return found


def _names_its_subject(text: str, language: str, subject: frozenset[str]) -> bool:
    """Tell whether a text has a name, and one of its document's and headings' where these have.

    "The mayor, Ann Marsh, opened the assembly" does not say which. A name may open it.
    """
    if needs_the_one_before(text, language):
        return False
    if not subject:
        return not names_nothing(text, language)
    return not subject.isdisjoint(capitalised_terms(text, language))


def _is_nameless(text: str, language: str) -> bool:
    """Tell whether a sentence has a pronoun for its subject, or no name at all."""
    return needs_the_one_before(text, language) or names_nothing(text, language)


def _subjects(hits: Mapping[int, Hit], generation: Generation) -> dict[int, frozenset[str]]:
    """Return for each passage the terms of the names in its title and headings.

    Without those that many passages have; none in Arabic and Chinese, which have no capitals.
    """
    named = {}
    for row, hit in hits.items():
        headings = [_NUMBER.sub("", heading) for heading in hit.passage.section]
        text = "\n".join((*headings, hit.document.title))
        named[row] = name_terms(text, hit.document.language)
    counts = generation.records.passage_counts(frozenset().union(*named.values()))
    most = max(_OWN_SHARE * generation.passages.size, _OWN_PASSAGES)
    return {
        row: frozenset(term for term in found if counts.get(term, 0) <= most)
        for row, found in named.items()
    }


def _passages_before(by_row: Mapping[int, Hit], records: Records) -> dict[int, Hit]:
    """Return the passages right before those found, where they are of the same section."""
    wanted = {row - 1: hit for row, hit in by_row.items() if row - 1 not in by_row}
    found = records.passages(wanted)
    formers = {row: replace(wanted[row], passage=found[row], row=row) for row in found}
    return {row: one for row, one in formers.items() if _runs_on(one, wanted[row])}


def _runs_on(former: Hit, hit: Hit) -> bool:
    """Tell whether a passage stands right before another one in the same section."""
    one, other = former.passage, hit.passage
    same = (one.document_id, one.section) == (other.document_id, other.section)
    return same and former.row == hit.row - 1
