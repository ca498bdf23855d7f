"""The foreign questions as a model reads them: their vectors, and what tokens are centred on."""

from __future__ import annotations

from dataclasses import dataclass

from index.dense import Vectors
from index.embedder import Embedder
from index.foreign_questions import foreign_questions, question_vectors
from index.manifest import EmbedderRecord
from index.tokens import Centres, Tokens, mean_token

# By the model, which is what they depend on: a process that builds several indexes reads them once.
_READ: dict[EmbedderRecord, ForeignQuestions] = {}
_MOST_MODELS = 4


@dataclass(frozen=True)
class ForeignQuestions:
    """Their vectors, shape (questions, dimension), and what tokens are centred on.

    ``centres`` is None where the model has no vectors of tokens.
    """

    vectors: Vectors
    centres: Centres | None


def read_foreign_questions(embedder: Embedder) -> ForeignQuestions:
    """Return the foreign questions as a model reads them, some seconds for the first time."""
    if embedder.record not in _READ:
        if len(_READ) >= _MOST_MODELS:
            _READ.clear()
        _READ[embedder.record] = _read(embedder)
    return _READ[embedder.record]


def _read(embedder: Embedder) -> ForeignQuestions:
    by_language = foreign_questions()
    texts = [question for questions in by_language.values() for question in questions]
    found = {text: embedder.read_query(text) for text in texts}
    vectors = question_vectors(lambda text: found[text][0])
    asked: dict[str, list[Tokens]] = {}
    for language, questions in by_language.items():
        for text in questions:
            tokens = found[text][1]
            if tokens is None:
                return ForeignQuestions(vectors, None)
            asked.setdefault(language, []).append(tokens)
    read: list[Tokens] = []
    embedder.embed_passages(
        texts, on_tokens=lambda _, tokens: read.append(tokens) if tokens else None
    )
    means = {language: mean_token(tokens) for language, tokens in asked.items()}
    return ForeignQuestions(vectors, Centres(mean_token(read), means))
