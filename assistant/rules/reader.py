"""Reading by rules about language: question and passages in, scored sentences out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.answer import Hit
from assistant.reading import Reading
from assistant.retrieval import Query
from assistant.rules.decision import decide
from assistant.rules.memo import one_question
from assistant.rules.selection import candidates, select
from assistant.rules.sentences import term_weights
from assistant.versions import in_one_version
from index.dense import Vectors
from index.generations import Generation


def read(
    query: Query, hits: Sequence[Hit], generation: Generation, embed: Callable[[str], Vectors]
) -> Reading:
    """Read the passages for a question; ``embed`` gives the vector of another question."""
    with one_question():
        weights = term_weights(query, generation)
        scored = candidates(query, hits, generation, weights)
        ranked = in_one_version(query.language, scored, generation)
        chosen = select(ranked, weights)
        decision = decide(query, ranked, chosen, weights, generation, embed)
    return Reading(
        ranked,
        chosen,
        decision.answerable,
        decision.confidence,
        decision.lacking,
        decision.correction,
        decision.features,
    )
