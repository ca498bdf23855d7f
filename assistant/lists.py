"""Lists as wholes: their items together, after the line that introduces them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from corpus.documents import Sentence, Span
from index.records import SentenceRow

KIND = "list"
# A longer one would leave no room for anything else in an answer of 150 words.
_MOST_WORDS = 100
_LEAST_ITEMS = 2
# An item of more words that ends in a full stop is a sentence of its own, and quoted as such.
_SHORT_ITEM = 8
_NUMBER = re.compile(r"^\(?\d{1,3}[.)]\s+")
_STOP = re.compile(r"[.!?。؟]$")


def whole_lists(
    stored: Sequence[SentenceRow],
) -> list[tuple[SentenceRow, tuple[SentenceRow, ...]]]:
    """Return each list among sentences as one sentence, with the sentences that it is made of.

    Its row is that of its first part, its spans run from the first part to the last. What is left
    out between parts (a bullet, a number, the full stop of an item) is marked by ``…``.
    """
    found = []
    for run in _runs(stored):
        items = [one for one in run if one.sentence.kind == "item"]
        words = sum(len(one.sentence.text.split()) for one in run)
        short = not any(_stands_alone(one.sentence.text) for one in items[:-1])
        if len(items) >= _LEAST_ITEMS and words <= _MOST_WORDS and short:
            found.append((_joined(run), tuple(run)))
    return found


def _runs(stored: Sequence[SentenceRow]) -> Iterator[list[SentenceRow]]:
    """Yield the items of each list in reading order, after the line that introduces them."""
    run: list[SentenceRow] = []
    for one in sorted(stored, key=lambda s: s.row):
        follows = bool(run) and (run[-1].row, run[-1].passage) == (one.row - 1, one.passage)
        follows = follows and not _parted(run[-1].sentence, one.sentence)
        if follows and one.sentence.kind == "item" and _belongs(one.sentence, run):
            run.append(one)
            continue
        yield run
        run = [one] if one.sentence.kind in {"item", "sentence"} else []
    yield run


def _belongs(item: Sentence, run: Sequence[SentenceRow]) -> bool:
    last = run[-1].sentence
    if last.kind == "item":
        return item.lead == last.lead
    return bool(item.lead) and item.lead.endswith(last.text)


def _stands_alone(item: str) -> bool:
    return len(item.split()) > _SHORT_ITEM and bool(_STOP.search(item))


def _joined(run: Sequence[SentenceRow]) -> SentenceRow:
    text = ""
    for n, one in enumerate(run):
        part, shown = one.sentence.text, one.sentence.text
        shown = _NUMBER.sub("", part) if one.sentence.kind == "item" else part
        close = n == 0 or _touch(run[n - 1].sentence, one.sentence)
        stopped = bool(_STOP.search(text))
        if text:
            whole = close and shown == part and not stopped
            text = (text.rstrip(".!?。؟") if stopped else text) + (" " if whole else " … ")
        text += shown
    first = run[0].sentence
    spans: list[Span] = []
    for span in (span for one in run for span in one.sentence.spans):
        if spans and spans[-1].page == span.page:
            spans[-1] = Span(span.page, spans[-1].start, span.end)
        else:
            spans.append(span)
    lead = first.lead if first.kind == "item" else ""
    return replace(run[0], sentence=Sentence(text, tuple(spans), KIND, lead))


def _parted(one: Sentence, other: Sentence) -> bool:
    """Tell whether an empty line lies between two sentences, as between adjoining lists.

    From one block to the next there is a single line break otherwise.
    """
    last, first = one.spans[-1], other.spans[0]
    return last.page == first.page and first.start - last.end > 1


def _touch(one: Sentence, other: Sentence) -> bool:
    """Tell whether nothing but one space or line break lies between two sentences."""
    last, first = one.spans[-1], other.spans[0]
    return last.page == first.page and first.start - last.end <= 1
