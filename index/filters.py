"""What a question can be narrowed by, and which values that can have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from corpus.documents import Document
from corpus.errors import UsageError
from corpus.languages import meant_tag

# Every row is a column of `documents`, or made from one. The values are compared as they are
# written.
FILTERS: dict[str, str] = {
    "document": "id = ?",
    "language": "language = ?",
    "year": "substr(published, 1, 4) = ?",
    "number": "number = ?",
    "edition": "edition = ?",
    "type": "json_extract(record, '$.type') = ?",
}
_SHOWN = 10
_YEAR = re.compile(r"[0-9]{4}")


def check_filters(filters: Mapping[str, str]) -> None:
    """Raise UsageError for an unknown filter, and for a value that no document can have."""
    unknown = sorted(set(filters) - set(FILTERS))
    if unknown:
        raise UsageError(f"Unknown filter {unknown[0]!r}. Known: {', '.join(FILTERS)}.")
    year, language = filters.get("year"), filters.get("language")
    if year is not None and not _YEAR.fullmatch(year):
        raise UsageError(f"The filter year={year} must have four digits, such as year=2025.")
    if language is not None and meant_tag(language) is None:
        raise UsageError(
            f"The filter language={language} must be a language tag (BCP 47), such as language=en."
        )


def filter_value(document: Document, key: str) -> str:
    """Return what a document has for a filter, empty where it has nothing."""
    values = {
        "document": document.id,
        "language": document.language,
        "year": (document.published or "")[:4],
        "number": document.number,
        "edition": document.edition,
        "type": document.type,
    }
    return values[key] or ""


def no_match(documents: Sequence[Document], filters: Mapping[str, str]) -> str:
    """Say which filter leaves none of these documents, and what it could be.

    Empty where one matches all filters.
    """
    values = {
        key: {filter_value(document, key) for document in documents} - {""} for key in filters
    }
    for key, value in filters.items():
        if value not in values[key]:
            known = sorted(values[key])
            more = " …" if len(known) > _SHOWN else ""
            return (
                f"No document matches the filter {key}={value}. "
                f"Known: {', '.join(known[:_SHOWN]) or 'none'}{more}."
            )
    matching = (all(filter_value(d, k) == v for k, v in filters.items()) for d in documents)
    return "" if not filters or any(matching) else "No document matches all of the filters."
