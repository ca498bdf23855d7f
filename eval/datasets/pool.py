"""A retrieval dataset: paragraphs to be found, and questions that say which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """One text of a pool, in a language (BCP 47)."""

    id: str
    language: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question and the paragraphs that are right, by their language: id → gain.

    ``answerable`` is false where the paragraphs named do not answer it, as in SQuAD 2.0.
    """

    id: str
    language: str
    text: str
    relevant: dict[str, dict[str, float]]
    answerable: bool = True


@dataclass(frozen=True)
class Dataset:
    """The paragraphs of a dataset, and the questions asked of them."""

    paragraphs: tuple[Paragraph, ...]
    questions: tuple[Question, ...]
