"""Are the labels of case files sound? What is wrong is named by file and case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.settings import Settings
from corpus.text import fold
from eval.cases import Case, read_cases
from eval.facts import holds_fact
from index.generations import open_generation
from index.records import Records


def check_cases(files: Sequence[Path], settings: Settings) -> list[str]:
    """Return what is wrong with the labels, one line each; empty when they are sound.

    Wrong are: a document or page that the index does not have, evidence that no longer stands
    there, a fact that no evidence holds, and a question that is asked twice. Raises UsageError
    for a malformed line, NoUsableIndexError when there is no index.
    """
    cases = read_cases(files)
    records = open_generation(settings.index).records
    return [*_duplicates(cases), *(wrong for case in cases for wrong in _stale(case, records))]


def _duplicates(cases: Sequence[Case]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for case in cases:
        key = fold(" ".join(turn.question for turn in case.turns))
        if key in seen:
            yield f"{case.id}: asks the same as {seen[key]}"
        seen.setdefault(key, case.id)


def _stale(case: Case, records: Records) -> Iterator[str]:
    for number, turn in enumerate(case.turns, 1):
        where = f"{case.id}, turn {number}" if len(case.turns) > 1 else case.id
        if turn.document and records.document(turn.document) is None:
            yield f"{where}: the document {turn.document!r} is not in the index"
            continue
        if turn.page and turn.document and records.page(turn.document, turn.page) is None:
            yield f"{where}: {turn.document!r} has no page {turn.page}"
            continue
        text = _text(turn.document, turn.page, records)
        for evidence in turn.evidence:
            if fold(evidence) not in text:
                yield f"{where}: the evidence {evidence!r} no longer stands there"
        for fact in turn.answer_facts if turn.evidence else ():
            if not holds_fact(text, fact):
                yield f"{where}: no text there holds the fact {fact!r}"


def _text(document: str | None, page: int | None, records: Records) -> str:
    """Return the folded text in which the evidence must stand: a page, a document, or all."""
    if document and page:
        found = records.page(document, page)
        return fold(found.text if found else "")
    ids = [document] if document else [one.document.id for one in records.documents()]
    return " ".join(fold(page.text) for key in ids for page in records.pages(key))
