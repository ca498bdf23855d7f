"""A question's way through, as one ordered list of steps over one trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from assistant.answer import Answer, Citation, Hit, Quote, Says, Status, with_citations
from assistant.calibration import Calibration, load_calibration
from assistant.compose import compose_fact, without_brackets
from assistant.phrases import phrase
from assistant.question import checked_question, question_language, standalone_question
from assistant.reading import Reading, ReadsPassages, read
from assistant.retrieval import HybridRetriever
from assistant.trace import Clock, Trace
from assistant.verify import verify
from assistant.versions import in_askers_version
from corpus.errors import AssistantError
from corpus.settings import Settings
from index.analysis import terms
from index.embedder import load_recorded_embedder
from index.generations import Generation, open_generation
from index.language import UN_LANGUAGES, detect_language
from index.reader_model import load_reader
from index.records import IndexedDocument

NEAREST = 3


@dataclass(frozen=True)
class Event:
    """A part of an answer as it arrives.

    ``name`` is ``retrieved`` (with ``hits``), ``quote`` (with ``quote`` and its ``citations``) or,
    last, ``answer``.
    """

    name: str
    hits: Sequence[Hit] = ()
    quote: Quote | None = None
    citations: Sequence[Citation] = field(default=())
    answer: Answer | None = None


class Engine:
    """Answers questions with verified quotes from one generation of the index.

    It reads the documents for which the generation was opened, and no others. It may be used from
    any thread.
    """

    def __init__(
        self, retriever: HybridRetriever, reader: ReadsPassages, calibration: Calibration
    ) -> None:
        self.retriever = retriever
        self.reader = reader
        self.calibration = calibration

    @property
    def generation(self) -> Generation:
        """The generation of the index that is asked."""
        return self.retriever.generation

    def answer(
        self, turns: str | Sequence[str], filters: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer a question, or the last turn of a conversation.

        Raises UsageError for a question that is empty or too long, and for an unknown filter.
        """
        return self.trace(turns, filters).finished

    def trace(self, turns: str | Sequence[str], filters: Mapping[str, str] | None = None) -> Trace:
        """Answer a question, and return what each step took and gave. Raises as ``answer``."""
        clock = Clock()
        trace = self._understood(turns, filters)
        for _ in self._steps(trace, clock):
            pass
        return trace

    def stream(
        self, turns: str | Sequence[str], filters: Mapping[str, str] | None = None
    ) -> Iterator[Event]:
        """Answer a question, and yield each part as soon as it is verified. Raises as ``answer``.

        What is yielded as a quote stands in the answer, which comes last, word for word.
        """
        clock = Clock()
        trace = self._understood(turns, filters)
        for name in self._steps(trace, clock):
            if name == "retrieve":
                yield Event("retrieved", hits=trace.hits)
            if name == "verify":
                verified = trace.verified
                for quote, cited in with_citations(verified.quotes, verified.citations):
                    yield Event("quote", quote=quote, citations=cited)
        yield Event("answer", answer=trace.finished)

    def search(self, text: str, filters: Mapping[str, str] | None = None, k: int = 10) -> list[Hit]:
        """Return the ``k`` passages nearest to a text, best first. Raises as ``answer``."""
        query = self.retriever.query(checked_question(text), filters)
        return self.retriever.search(query, k).hits

    def documents(self, filters: Mapping[str, str] | None = None) -> list[IndexedDocument]:
        """Return the documents that pass every filter, ordered by path.

        Raises UsageError for an unknown filter.
        """
        return self.generation.records.select_documents(filters or {})

    def _understood(self, turns: str | Sequence[str], filters: Mapping[str, str] | None) -> Trace:
        asked = [checked_question(turn) for turn in ([turns] if isinstance(turns, str) else turns)]
        standalone = standalone_question(asked)
        return Trace(
            turns=asked,
            standalone=standalone,
            language=question_language(asked[-1], self.retriever.usual_language),
            query=self.retriever.query(standalone, filters, asked),
            generation=self.generation,
        )

    def _steps(self, trace: Trace, clock: Clock) -> Iterator[str]:
        """Run the steps in their order; yield the name of each when it is done."""
        for name, step in STEPS:
            step(self, trace)
            trace.timings[name] = clock.lap()
            yield name
        trace.timings["total"] = clock.total()
        trace.answer = _answer(trace)


def _retrieve(engine: Engine, trace: Trace) -> None:
    trace.retrieved = engine.retriever.search(trace.query)
    if len(trace.turns) > 1:
        # A later turn may be whole by itself, which the reader will tell.
        alone = engine.retriever.query(trace.turns[-1], trace.query.filters)
        trace.retrieved = trace.retrieved.alternating(engine.retriever.search(alone))
    version = in_askers_version(
        trace.query, trace.retrieved.hits, trace.retrieved.searched, trace.generation
    )
    trace.hits, trace.gave_way = version.hits, version.gave_way


def _read(engine: Engine, trace: Trace) -> None:
    if not terms(trace.standalone, trace.query.language):
        return  # "Who?" asks for nothing that could be answered
    trace.reading = read(
        trace.query, trace.hits, trace.generation, engine.reader, engine.calibration
    )


def _compose(_engine: Engine, trace: Trace) -> None:
    reading = trace.reading
    if reading.answerable:
        trace.draft = compose_fact(reading.chosen)
    elif reading.contradicting:
        trace.draft = compose_fact([reading.contradicting], Says.CONTRADICTS)


def _verify(_engine: Engine, trace: Trace) -> None:
    trace.verified = verify(trace.draft, trace.generation.records)


# Each step reads what those before it have put into the trace. The names are those of the timings.
STEPS: tuple[tuple[str, Callable[[Engine, Trace], None]], ...] = (
    ("retrieve", _retrieve),
    ("read", _read),
    ("compose", _compose),
    ("verify", _verify),
)


def open_engine(
    settings: Settings,
    generation: str | None = None,
    audiences: Sequence[str] | None = None,
) -> Engine:
    """Open the published generation, or the one named, with the embedder that built it.

    ``audiences`` are those whose documents may be read; None means every audience. Raises
    NoUsableIndexError when there is no index, or when the embedder is another one now.
    """
    opened = open_generation(settings.index, generation, audiences)
    calibration = load_calibration(settings.calibration)
    with ThreadPoolExecutor(1) as beside:
        reader = beside.submit(load_reader, settings.cache)
        embedder = load_recorded_embedder(opened.manifest.embedder, settings.cache)
        return Engine(HybridRetriever(opened, embedder), reader.result(), calibration)


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


def _answer(trace: Trace) -> Answer:
    verified, reading = trace.verified, trace.reading
    status = _status(trace)
    answered = status is Status.ANSWERED
    return Answer(
        question=trace.turns[-1],
        standalone_question=trace.standalone,
        language=trace.language,
        status=status,
        text=verified.text,
        quotes=verified.quotes,
        missing=[*reading.unanswered] if answered else _missing(reading, trace.turns[-1]),
        notice=_notice(status, trace),
        confidence=reading.confidence,
        citations=verified.citations,
        nearest=[] if answered else trace.hits[:NEAREST],
        retrieved=trace.hits,
        generation=trace.generation.id,
        timings_ms=trace.timings,
        more=trace.draft.more if answered else 0,
    )


def _status(trace: Trace) -> Status:
    if not trace.hits or not trace.reading.answerable:
        return Status.NOT_IN_DOCUMENTS
    return Status.ANSWERED if trace.verified.text else Status.WITHHELD_UNVERIFIED


def _missing(reading: Reading, question: str) -> list[str]:
    """Return what is known to be missing, as the question writes it."""
    value = reading.lacking.value if reading.lacking else ""
    place = question.casefold().find(value) if value else -1
    return [question[place : place + len(value)]] if place >= 0 else []


def _notice(status: Status, trace: Trace) -> str:
    """Return fixed words on what was sought, where, and what is missing.

    The values are the question's and the filters'.
    """
    language, filters = trace.language, trace.query.filters
    if status is Status.ANSWERED:
        return ""
    if status is Status.WITHHELD_UNVERIFIED:
        return phrase("withheld_unverified", language)
    if not trace.hits:
        return phrase("nothing_to_search" if filters else "nothing_indexed", language)
    lacking = trace.reading.lacking
    named = _missing(trace.reading, trace.turns[-1])
    missing = (
        phrase(f"missing_{lacking.kind}", language, value=named[0]) if lacking and named else ""
    )
    name = "said_otherwise" if trace.verified.text else "not_in_documents"
    asked = without_brackets(trace.turns[-1])
    notice = phrase(name, language, question=asked, missing=missing)
    if not filters:
        return notice
    pairs = ", ".join(f"{key}={value}" for key, value in filters.items())
    return notice + phrase("only_filtered", language, filters=without_brackets(pairs))
