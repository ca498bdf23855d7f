"""Are the labels of case files sound? What is wrong is named by file and case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.settings import Settings
from corpus.text import fold
from eval.cases import Case, Turn, read_cases, unknown_keys, with_document_ids
from eval.facts import holds_fact
from index.generations import open_generation
from index.records import Records


def check_cases(files: Sequence[Path], settings: Settings) -> list[str]:
    """Return what is wrong with the labels, one line each; empty when they are sound.

    Wrong are: a document or page that the index does not have, evidence that no longer stands
    there, a fact that no evidence holds, and a question that is asked twice. Raises UsageError
    for a malformed line, NoUsableIndexError when there is no index.
    """
    records = open_generation(settings.index).records
    ids = {indexed.document.path: indexed.document.id for indexed in records.documents()}
    cases = with_document_ids(read_cases(files), ids)
    return [
        *unknown_keys(files),
        *_duplicates(cases),
        *(wrong for case in cases for wrong in _stale(case, records)),
    ]


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
        wrong = [*_not_there(turn, records)]
        if wrong:
            yield from (f"{where}: {problem}" for problem in wrong)
            continue
        parts = [_text(document, page, records) for document, page in turn.places]
        text = " ".join(parts) if parts else _text(None, None, records)
        for evidence in turn.evidence:
            if fold(evidence) not in text:
                yield f"{where}: the evidence {evidence!r} no longer stands there"
        for fact in turn.answer_facts if turn.evidence else ():
            if not holds_fact(text, fact):
                yield f"{where}: no text there holds the fact {fact!r}"


def _not_there(turn: Turn, records: Records) -> Iterator[str]:
    for document, page in turn.places:
        if records.document(document) is None:
            yield f"the document {document!r} is not in the index"
        elif page and records.page(document, page) is None:
            yield f"{document!r} has no page {page}"


def _text(document: str | None, page: int | None, records: Records) -> str:
    """Return the folded text in which the evidence must stand: a page, a document, or all."""
    if document and page:
        found = records.page(document, page)
        return fold(found.text if found else "")
    ids = [document] if document else [indexed.document.id for indexed in records.documents()]
    return " ".join(fold(page.text) for key in ids for page in records.pages(key))
