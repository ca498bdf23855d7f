"""Golden questions: which of them each of some generations answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assistant.calibration import load_calibration
from assistant.engine import Engine
from assistant.retrieval import HybridRetriever
from corpus.settings import Settings
from eval.cases import Case, read_cases
from eval.metrics.facts import all_facts
from eval.records import Record
from eval.run import ask_case
from index.embedder import load_recorded_embedder
from index.generations import open_generation
from index.probe import same_model
from index.reader_model import load_reader


def answered_questions(
    file: Path, settings: Settings, generations: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Return, for each generation, the questions that it answers, as ``case:turn`` → text.

    A question is answered when every fact is stated and cited; one without facts, when it is
    refused. Raises UsageError for a faulty file, NoUsableIndexError for a missing generation.
    """
    cases = read_cases([file])
    opened = [open_generation(settings.index, name) for name in generations]
    reader, calibration = load_reader(settings.cache), load_calibration(settings.calibration)
    embedder, answered = None, {}
    for generation in opened:
        record = generation.manifest.embedder
        if embedder is None or not same_model(embedder.record, record):
            embedder = load_recorded_embedder(record, settings.cache)
        retriever = HybridRetriever(generation, embedder)
        engine = Engine(retriever, reader, calibration)
        answered[generation.id] = _answered(cases, engine)
    return answered


def _answered(cases: Sequence[Case], engine: Engine) -> dict[str, str]:
    return {
        f"{record.case_id}:{record.turn}": record.expected.question
        for case in cases
        for record, _ in ask_case(case, engine)
        if _is_right(record)
    }


def _is_right(record: Record) -> bool:
    return all_facts(record) == 1 if record.answerable else record.refused
