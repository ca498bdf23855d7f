"""A question's way through: standalone → retrieve → compose → decide → verify → answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from assistant.answer import Answer, Hit, Status
from assistant.composer import Quoted, candidates, compose, without_brackets
from assistant.decision import Decision, decide
from assistant.elision import sought
from assistant.phrases import phrase
from assistant.question import checked_question, question_language, standalone_question
from assistant.retriever import HybridRetriever
from assistant.sentences import term_weights
from assistant.verifier import verified_answer
from assistant.versions import in_askers_version, in_one_version
from corpus.errors import AssistantError
from corpus.settings import Settings
from index.dense import Vectors
from index.embedder import load_recorded_embedder
from index.generations import open_generation
from index.language import UN_LANGUAGES, detect_language

NEAREST = 3


class QueryEngine:
    """Answers questions with verified quotes from one generation of the index.

    ``assistant.llama_index_parts`` offers it as a LlamaIndex query engine.
    """

    def __init__(self, retriever: HybridRetriever) -> None:
        self.retriever = retriever

    def answer(
        self,
        turns: str | Sequence[str],
        filters: Mapping[str, str] | None = None,
    ) -> Answer:
        """Answer a question, or the last turn of a conversation.

        Raises UsageError for a question that is empty or too long, and for an unknown filter.
        """
        clock = _Clock()
        questions = [
            checked_question(turn) for turn in ([turns] if isinstance(turns, str) else turns)
        ]
        standalone = standalone_question(questions)
        generation = self.retriever.generation

        query = self.retriever.query(standalone, filters, questions[-1])
        searched = self.retriever.searched(query)
        hits = in_askers_version(query, self.retriever.search(query), searched, generation)
        clock.lap("retrieve")

        ranked = in_one_version(query, candidates(query, hits, generation), generation)
        weights = term_weights(query, generation)
        quoted = compose(ranked, weights, sought(query, weights))
        decision = decide(query, ranked, quoted, weights, generation, self._embed)
        clock.lap("compose")

        verified = verified_answer(_shown(quoted, decision), generation.records)
        clock.lap("verify")

        language = question_language(questions[-1], self.retriever.usual_language)
        status = _status(hits, decision.answerable, bool(verified.text))
        answered = status is Status.ANSWERED
        return Answer(
            question=questions[-1],
            standalone_question=standalone,
            language=language,
            status=status,
            text=verified.text,
            notice=_notice(
                status,
                hits,
                language,
                questions[-1],
                decision,
                filters or {},
                corrected=bool(verified.text),
            ),
            confidence=decision.confidence,
            citations=verified.citations,
            nearest=[] if answered else hits[:NEAREST],
            retrieved=hits,
            generation=generation.id,
            timings_ms=clock.timings(),
        )

    def _embed(self, text: str) -> Vectors:
        return self.retriever.query(text).vector


def open_query_engine(
    settings: Settings, generation: str | None = None, audiences: Sequence[str] | None = None
) -> QueryEngine:
    """Open the published generation, or the one named, with the embedder that built it.

    ``audiences`` are the asker's: nothing is read of documents for others. None means all, which
    is for staff. Raises NoUsableIndexError when there is none, or when the embedder is another one
    now.
    """
    opened = open_generation(settings.index, generation, audiences)
    embedder = load_recorded_embedder(opened.manifest.embedder, settings.cache)
    return QueryEngine(HybridRetriever(opened, embedder))


def failed_answer(question: str, error: AssistantError) -> Answer:
    """Return the answer that stands for an error, where one must not end the others."""
    question = question.encode("utf-8", "replace").decode()  # a broken character cannot be printed
    return Answer(
        question=question,
        standalone_question=question,
        language=detect_language(question, UN_LANGUAGES) if question.strip() else "en",
        status=Status.FAILED,
        notice=str(error),
    )


def _status(hits: Sequence[Hit], answerable: bool, verified: bool) -> Status:
    if not hits or not answerable:
        return Status.NOT_IN_DOCUMENTS
    return Status.ANSWERED if verified else Status.WITHHELD_UNVERIFIED


def _shown(quoted: Sequence[Quoted], decision: Decision) -> Sequence[Quoted]:
    """Return what is quoted: the answer, or the one sentence that corrects a presupposition."""
    if decision.answerable:
        return quoted
    return [decision.correction] if decision.correction else []


def _notice(
    status: Status,
    hits: Sequence[Hit],
    language: str,
    question: str,
    decision: Decision,
    filters: Mapping[str, str],
    *,
    corrected: bool,
) -> str:
    """Return fixed words on what was sought, where, and what is missing.

    The values are the question's and the filters'.
    """
    if status is Status.ANSWERED:
        return ""
    if status is Status.WITHHELD_UNVERIFIED:
        return phrase("withheld_unverified", language)
    if not hits:
        return phrase("nothing_to_search", language)
    lacking = decision.lacking
    missing = phrase(f"missing_{lacking.kind}", language, value=lacking.value) if lacking else ""
    name = "said_otherwise" if corrected else "not_in_documents"
    notice = phrase(name, language, question=without_brackets(question), missing=missing)
    if not filters:
        return notice
    named = ", ".join(f"{key}={value}" for key, value in filters.items())
    return notice + phrase("only_filtered", language, filters=without_brackets(named))


class _Clock:
    """Milliseconds spent in each step."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round(1000 * (now - self._last), 2)
        self._last = now

    def timings(self) -> dict[str, float]:
        return {**self._laps, "total": round(1000 * (time.perf_counter() - self._start), 2)}
