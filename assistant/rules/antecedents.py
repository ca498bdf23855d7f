"""What a sentence speaks of where it does not say so itself: the sentences and headings before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import dropwhile, pairwise, takewhile

from assistant.answer import Hit
from assistant.lists import KIND as LIST
from assistant.rules.answer_types import has_pronoun, needs_the_one_before
from assistant.rules.demand import capitalised_terms, name_terms, names_nothing
from assistant.rules.memo import once_a_question
from corpus.documents import Sentence, Span
from index.analysis import function_words, terms
from index.generations import Generation
from index.records import Records, SentenceRow

HEADING = "heading"
_WITHOUT_CAPITALS = frozenset({"ar", "zh"})
# The opening of a sentence that names what another one speaks of has at most this many words.
_OPENING_WORDS = 15
CLAUSE_END = re.compile(r"(?<=[,;:،；，])\s+|\s+(?=[–—(])")
_NUMBER = re.compile(r"^(?:(?:[A-Z]|[IVX]+)[.)]|\d{1,2}(?:\.\d{1,2})*[.)]?)\s+")
_LISTED = frozenset({"item", "row", LIST})
# A heading is no sentence, and has no row.
_NO_ROW = -1
# A name in more of the passages than this tells no subject from another, but in a small corpus.
_OWN_SHARE = 0.1
_OWN_PASSAGES = 3
# A heading is sought on its passage's first page, on this many before it, and on page 1.
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
        self._headings: dict[tuple[int, bool], SentenceRow | None] = {}

    def before(self, one: SentenceRow) -> Sequence[SentenceRow]:
        """Return the sentences before one, the nearest first, of its section."""
        return self._before.get(one.row, ())

    def subject(self, passage: int) -> frozenset[str]:
        """Return the terms of the names in a passage's headings and its document's title."""
        return self._subjects[passage]

    def naming(self, one: SentenceRow) -> tuple[SentenceRow, ...]:
        """Return the sentences back to the one that names what a sentence speaks of, nearest first.

        A pronoun stands for what the nearest one without a pronoun names; what has none is said of
        the subject of its headings. For an item of a list it is sought from the line that
        introduces it. Where the nearest one does not name it, it is the nearest heading that does,
        else a sentence further back, which need not name the subject if the sentence has no name
        at all. Empty where a sentence names its subject itself, or nothing before it does.
        """
        language = self._hits[one.passage].document.language
        subject = self._subjects[one.passage]
        if self._is_named(one, language, subject):
            return ()
        formers = _of_the_text(one, self.before(one))
        texts = [former.sentence.text for former in formers]
        named = [n for n, text in enumerate(texts) if _names_something(text, language)]
        naming = [n for n in named if _names_its_subject(texts[n], language, subject)]
        # What pronouns stand for in turn stands before them.
        nearest = next(
            (n for n, text in enumerate(texts) if not needs_the_one_before(text, language)), -1
        )
        nameless = _is_nameless(one.sentence.text, language)
        meant = named if needs_the_one_before(one.sentence.text, language) else naming
        if nearest in meant:
            return tuple(formers[: nearest + 1])
        heading = self._heading(one.passage, titled=nameless)
        if heading is not None:
            return (heading,)
        place = next(iter(naming or (named if nameless else [])), -1)
        return tuple(formers[: place + 1])

    def _is_named(self, one: SentenceRow, language: str, subject: frozenset[str]) -> bool:
        """Tell whether a sentence names its subject; a row or item by most of its heading's names.

        What a list gives are names too, and one may have a word in common with the heading.
        """
        text = _with_lead(one.sentence)
        if not _names_its_subject(text, language, subject):
            return False
        listed = one.sentence.kind in _LISTED
        heading = self._heading(one.passage, titled=False) if listed else None
        if heading is None:
            return True
        wanted = subject & _names(heading.sentence.text, language, openings=True)
        return len(wanted & _names(text, language, openings=True)) > len(wanted) / 2

    def _heading(self, passage: int, *, titled: bool) -> SentenceRow | None:
        if (passage, titled) not in self._headings:
            self._headings[passage, titled] = self._heading_of(passage, titled=titled)
        return self._headings[passage, titled]

    def _heading_of(self, passage: int, *, titled: bool) -> SentenceRow | None:
        """Return the nearest heading that names the subject, at its place in the page.

        ``titled`` tells that the document's title will do.
        """
        hit = self._hits[passage]
        language, subject = hit.document.language, self._subjects[passage]
        title = [hit.document.title] if titled else []
        for heading in dict.fromkeys((*reversed(hit.passage.section), *title)):
            text = _NUMBER.sub("", heading)
            if subject.isdisjoint(_names(text, language)):
                continue
            span = _place_before(heading, hit, self._records)
            if span is not None:
                span = replace(span, start=span.end - len(text))
                return SentenceRow(_NO_ROW, passage, Sentence(text, (span,), HEADING), "")
        return None


def opening(text: str, language: str, subject: frozenset[str]) -> str:
    """Return the first clauses of a sentence, up to one that names its subject, or else has a name.

    At most _OPENING_WORDS words; without what stands at the end of a sentence or before the next
    word. ``subject`` are terms of names.
    """
    clauses = CLAUSE_END.split(text)
    named = [n for n, clause in enumerate(clauses) if not names_nothing(clause, language)]
    telling = [n for n in named if subject & _names(clauses[n], language)]
    last = next(iter((*telling, *named, 0)))
    words = " ".join(clauses[: last + 1]).split()
    if len(words) > _OPENING_WORDS:
        words = words[:_OPENING_WORDS]
        while len(words) > 1 and function_words(words[-1], language):
            words.pop()
    return " ".join(words).rstrip(".!?,;:。؟！？،；： ")


@once_a_question
def _names_something(text: str, language: str) -> bool:
    """Tell whether a sentence's opening has a name, and no pronoun that another one explains."""
    if _is_nameless(text, language):
        return False
    return not has_pronoun(opening(text, language, frozenset()), language)


def _with_lead(sentence: Sentence) -> str:
    """Return what is quoted of a sentence: a table row has its header before it."""
    return f"{sentence.lead}\n{sentence.text}" if sentence.kind == "row" else sentence.text


def _of_the_text(one: SentenceRow, before: Sequence[SentenceRow]) -> list[SentenceRow]:
    """Return those of the sentences before that may say what a sentence speaks of."""
    formers = list(before) if one.sentence.kind in {"sentence", "item", LIST} else []
    if one.sentence.kind != "sentence":
        formers = list(dropwhile(lambda former: former.sentence.kind == "item", formers))
    return list(takewhile(lambda former: former.sentence.kind == "sentence", formers))


def _place_before(heading: str, hit: Hit, records: Records) -> Span | None:
    """Return where the last line stands, before a passage, that a heading makes up."""
    first = hit.passage.first_page
    for number in dict.fromkeys((*range(first, max(first - _PAGES_BACK, 1) - 1, -1), 1)):
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
    return not subject.isdisjoint(_names(text, language, openings=True))


def _names(text: str, language: str, *, openings: bool = False) -> frozenset[str]:
    """Return the terms of the names in a text, and with ``openings`` of what may be one there.

    In Arabic and Chinese, which have no capitals, of all its words.
    """
    if language in _WITHOUT_CAPITALS:
        return frozenset(terms(text, language))
    return capitalised_terms(text, language) if openings else name_terms(text, language)


def _is_nameless(text: str, language: str) -> bool:
    """Tell whether a sentence has a pronoun for its subject, or no name at all."""
    return needs_the_one_before(text, language) or names_nothing(text, language)


def _subjects(hits: Mapping[int, Hit], generation: Generation) -> dict[int, frozenset[str]]:
    """Return for each passage the terms of the names in its title and headings.

    Of those that few passages have, if there are such.
    """
    named = {}
    for row, hit in hits.items():
        headings = [_NUMBER.sub("", heading) for heading in hit.passage.section]
        text = "\n".join((*headings, hit.document.title))
        named[row] = _names(text, hit.document.language)
    counts = generation.records.passage_counts(frozenset().union(*named.values()))
    most = max(_OWN_SHARE * generation.passages.size, _OWN_PASSAGES)
    return {
        row: frozenset(term for term in found if counts.get(term, 0) <= most) or found
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
