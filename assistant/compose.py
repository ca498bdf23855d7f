"""The extractive composer: from the sentences that answer to the quotes of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from assistant.answer import Says
from assistant.scored import ScoredSentence
from corpus.documents import Document, Passage, Span
from corpus.text import fold_space

# What an answer to a question for a fact may hold.
MAX_SENTENCES = 3
MAX_WORDS = 150
# Between the cells of a table row, as format readers write it.
_CELLS = " | "
# A document's own bracketed numbers would read as markers.
_BRACKETED = re.compile(r"\s*\[\d+\]")
_CLAUSE_END = re.compile(r"(?<=[,;:،；，])\s+|\s+(?=[–—(])")
_CUT = "…"


@dataclass(frozen=True)
class Source:
    """Where a statement stands: stretches of the pages of a document, in one of its passages."""

    document: Document
    passage: Passage
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Statement:
    """One sentence of an answer with the places that bear it out, as any composer gives it.

    ``text`` is what is shown, on one line; ``quote`` is the whole text that is quoted. ``shape`` is
    ``sentence``, ``item`` or ``row``.
    """

    text: str
    quote: str
    source: Source
    shape: str = "sentence"
    header: list[str] | None = None
    cells: list[str] | None = None
    answer: tuple[int, int] | None = None
    says: Says = Says.ANSWERS


@dataclass(frozen=True)
class Draft:
    """An answer before it is verified; ``more`` is how many sentences were left out."""

    statements: Sequence[Statement] = ()
    more: int = 0


def compose_fact(chosen: Sequence[ScoredSentence], says: Says = Says.ANSWERS) -> Draft:
    """Quote the chosen sentences whole, in their order, as far as there is room.

    Only a first sentence that is longer than a whole answer may be is shortened.
    """
    quoted: list[Statement] = []
    left, more = MAX_WORDS, 0
    for whole in _statements(chosen, says):
        statement = whole if quoted else _shortened(whole, left)
        words = len(statement.text.split())
        if len(quoted) == MAX_SENTENCES or words > left:
            more += 1
            continue
        quoted.append(statement)
        left -= words
    return Draft(quoted, more)


def _statements(chosen: Sequence[ScoredSentence], says: Says) -> Iterator[Statement]:
    """Yield what is to be quoted, nothing twice."""
    seen: set[tuple[str, tuple[Span, ...]]] = set()
    for scored in chosen:
        place = (scored.hit.document.id, scored.sentence.spans)
        if place not in seen:
            seen.add(place)
            yield _statement(scored, says)


def _statement(scored: ScoredSentence, says: Says) -> Statement:
    sentence = scored.sentence
    is_row = sentence.kind == "row"
    whole = fold_space(sentence.text)
    shown = without_brackets(whole)
    words = sentence.text[slice(*scored.answer)] if scored.answer else ""
    return Statement(
        text=shown,
        quote=whole,
        source=Source(scored.hit.document, scored.hit.passage, sentence.spans),
        shape=sentence.kind if sentence.kind in {"item", "row"} else "sentence",
        header=sentence.lead.split(_CELLS) if is_row and sentence.lead else None,
        cells=sentence.text.split(_CELLS) if is_row else None,
        answer=_place_of(words, shown),
        says=says,
    )


def _place_of(words: str, text: str) -> tuple[int, int] | None:
    """Return where the words that answer stand in what is shown; None where they were cut."""
    start = text.find(words) if words else -1
    return (start, start + len(words)) if start >= 0 else None


def without_brackets(text: str) -> str:
    """Return a text whose bracketed numbers, which would read as markers, are cut out."""
    return _BRACKETED.sub(f" {_CUT}", text)


def _shortened(statement: Statement, words: int) -> Statement:
    """Cut a sentence to whole clauses around the words that answer, or from its beginning.

    At most ``words`` words, the marks of the cuts included; a clause that is longer is cut too.
    One that is no longer is returned as it is.
    """
    if len(statement.text.split()) <= words:
        return statement
    place = statement.answer[0] if statement.answer else 0
    text = statement.text
    ends = [found.end() for found in _CLAUSE_END.finditer(text) if found.end() <= place]
    start = next((e for e in ends if len(text[e:place].split()) < words // 2), place)
    kept = text[start:].split()
    shown = " ".join(kept[: words - 2])
    shown = f"{_CUT} {shown}" if start else shown
    shown = f"{shown} {_CUT}" if len(kept) > words - 2 else shown
    answer = text[slice(*statement.answer)] if statement.answer else ""
    return replace(statement, text=shown, answer=_place_of(answer, shown))
