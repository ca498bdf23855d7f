"""One benchmark run: every case asked, every answer kept, the figures from those."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from assistant.query_engine import QueryEngine, failed_answer, open_query_engine
from corpus.errors import AssistantError
from corpus.settings import Settings
from eval.cases import Case, Turn, read_cases
from eval.facts import fact_recall
from eval.invariants import broken_invariants, sentences_with_markers

RECORDS_FILE = "records.jsonl"
SUMMARY_FILE = "summary.json"


def run_cases(
    files: Sequence[Path], settings: Settings, out: Path, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Ask every case, write a record for each turn and a summary, and return the summary.

    Raises UsageError for faulty case files, NoUsableIndexError when there is no index.
    """
    cases = read_cases(files)
    engine = open_query_engine(settings)
    out.mkdir(parents=True, exist_ok=True)
    records = []
    with (out / RECORDS_FILE).open("w", encoding="utf-8") as file:
        for n, case in enumerate(cases):
            progress(n, len(cases))
            for record in _records(case, engine):
                records.append(record)
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    progress(len(cases), len(cases))
    summary = {"generation": engine.retriever.generation.id, **summarise(records)}
    (out / SUMMARY_FILE).write_text(
        json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return summary


def summarise(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a run: over all cases, by kind and by language.

    ``all_facts`` and ``facts_in_first_sentence`` are shares of the answerable turns whose
    cited text holds every fact; ``refused`` is a share of the turns of each sort.
    """
    rows = list(records)
    slices: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        slices[f"type {row['kind']}"].append(row)
        slices[f"language {row['language']}"].append(row)
    return {
        "turns": len(rows),
        "answerable": _figures([row for row in rows if row["answerable"]]),
        "unanswerable": _figures([row for row in rows if not row["answerable"]]),
        "broken_invariants": sum(bool(row["broken_invariants"]) for row in rows),
        "latency_ms": {stage: _percentiles(rows, stage) for stage in ("retrieve", "total")},
        "slices": {name: _figures(part) for name, part in sorted(slices.items())},
    }


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not rows:
        return {"turns": 0}
    figures = {"turns": len(rows), "refused": _mean(row["refused"] for row in rows)}
    answerable = [row for row in rows if row["answerable"]]
    if answerable:
        figures["all_facts"] = _mean(row["all_facts"] for row in answerable)
        figures["facts_in_first_sentence"] = _mean(row["first_sentence"] for row in answerable)
    return figures


def _percentiles(rows: Sequence[dict[str, Any]], stage: str) -> dict[str, float]:
    """Return median and 95th percentile (nearest rank) of a stage, in milliseconds."""
    spent = sorted(row["answer"]["timings_ms"].get(stage, 0.0) for row in rows)
    return {"p50": median(spent), "p95": spent[int(0.95 * (len(spent) - 1))]}


def _mean(values: Iterable[bool]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 4)


def _records(case: Case, engine: QueryEngine) -> Iterable[dict[str, Any]]:
    pages = engine.retriever.generation.records

    def page_text(document_id: str, page: int | None) -> str:
        found = pages.page(document_id, page or 1)
        return found.text if found else ""

    questions: list[str] = []
    for n, turn in enumerate(case.turns, 1):
        questions.append(turn.question)
        try:
            answer = engine.answer(questions).to_json()
        except AssistantError as error:
            answer = failed_answer(turn.question, error).to_json()
        yield {
            "id": case.id,
            "turn": n,
            "kind": case.kind,
            "language": case.language,
            "answerable": bool(turn.answer_facts),
            "refused": answer["status"] == "not_in_documents",
            **_facts_found(answer, turn),
            "broken_invariants": broken_invariants(answer, page_text),
            "answer": answer,
        }


def _facts_found(answer: dict[str, Any], turn: Turn) -> dict[str, bool]:
    sentences = [text for text, markers in sentences_with_markers(answer["text"]) if markers]
    return {
        "all_facts": fact_recall("\n".join(sentences), turn.answer_facts) == 1,
        "first_sentence": fact_recall("".join(sentences[:1]), turn.answer_facts) == 1,
    }
