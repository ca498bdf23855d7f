"""The invariants that every answer must keep, checked from its JSON alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from corpus.text import fold_space

# Returns the stored text of a page, by document id and page (None where there are no pages).
PageText = Callable[[str, int | None], str]

_MARKERS = re.compile(r"(?:\s*\[\d+\])+")
MAX_SENTENCES = 3
MAX_WORDS = 150


def broken_invariants(answer: Mapping[str, Any], page_text: PageText) -> list[str]:
    """Return what is wrong with an answer in words, by invariants 1 to 3; empty when sound."""
    citations = {citation["marker"]: citation for citation in answer["citations"]}
    broken = [
        f"1: the quote of [{marker}] is not the page's text from start to end"
        for marker, citation in citations.items()
        if not _is_verbatim(citation, page_text)
    ]
    parts = sentences_with_markers(answer["text"])
    if [text for text, _ in parts] != [quote["text"] for quote in answer["quotes"]]:
        broken.append("the quotes are not what the text is made of")
    broken += _broken_form(answer["text"], parts, set(citations))
    for text, markers in parts:
        quotes = fold_space(" ".join(citations[m]["quote"] for m in markers if m in citations))
        for part in text.split("…"):
            if fold_space(part) not in quotes:
                broken.append(f"3: {fold_space(part)!r} does not stand in its quotes")
    return broken


def sentences_with_markers(text: str) -> list[tuple[str, list[int]]]:
    """Split an answer's text into its sentences, each with the markers that follow it."""
    parts = []
    start = 0
    for found in _MARKERS.finditer(text):
        markers = [int(number) for number in re.findall(r"\d+", found.group())]
        parts.append((text[start : found.start()].strip(), markers))
        start = found.end()
    if text[start:].strip():
        parts.append((text[start:].strip(), []))
    return parts


def _is_verbatim(citation: Mapping[str, Any], page_text: PageText) -> bool:
    text = page_text(citation["document_id"], citation["page"])
    quote: str = citation["quote"]
    return bool(quote) and text[citation["start"] : citation["end"]] == quote


def _broken_form(text: str, parts: list[tuple[str, list[int]]], known: set[int]) -> list[str]:
    used = {marker for _, markers in parts for marker in markers}
    broken = [f"2: [{marker}] is not in the citations" for marker in sorted(used - known)]
    broken += [f"2: the citation [{marker}] is not used" for marker in sorted(known - used)]
    broken += ["2: a sentence has no marker" for _, markers in parts if not markers]
    if len(parts) > MAX_SENTENCES:
        broken.append(f"2: {len(parts)} sentences")
    words = len(_MARKERS.sub("", text).split())
    if words > MAX_WORDS:
        broken.append(f"2: {words} words")
    return broken
