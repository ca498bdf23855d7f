"""One benchmark run: every case asked, every answer kept, the figures from those."""

from __future__ import annotations

import json
import platform
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assistant.engine import Engine, failed_answer, open_engine
from corpus.errors import AssistantError, UsageError
from corpus.settings import Settings
from corpus.text import fold
from eval.cases import Case, Turn, cases_digest, read_cases, with_document_ids
from eval.invariants import PageText, broken_invariants
from eval.latency import stage_percentiles
from eval.records import Record, read_records, write_records
from eval.report import write_report
from eval.summary import summarise

RUN_FILE = "run.json"
RECORDS_FILE = "records.jsonl"
TIMINGS_FILE = "timings.jsonl"
SUMMARY_FILE = "summary.json"


def run_cases(
    files: Sequence[Path],
    settings: Settings,
    out: Path,
    progress: Callable[[int, int], None],
    generation: str | None = None,
) -> dict[str, Any]:
    """Ask every case, write a record for each turn and a summary, and return the summary.

    ``generation`` None asks the published one. A run that was interrupted goes on where it
    stopped. The same cases over the same generation give the same records; timings stand beside
    them. Raises UsageError for faulty case files, a document that the index does not have, and a
    folder that holds another run; NoUsableIndexError when there is no index.
    """
    engine = open_engine(settings, generation)
    ids = {indexed.document.path: indexed.document.id for indexed in engine.documents()}
    cases = with_document_ids(read_cases(files), ids)
    _refuse_unknown_documents(cases, engine)
    made_on = _made_on(files, engine)
    records = _begun(out, made_on)
    done = {(record.case_id, record.turn) for record in records}
    with (
        (out / RECORDS_FILE).open("a", encoding="utf-8") as record_file,
        (out / TIMINGS_FILE).open("a", encoding="utf-8") as timings_file,
    ):
        for n, case in enumerate(cases):
            progress(n, len(cases))
            if (case.id, len(case.turns)) in done:
                continue
            asked = list(ask_case(case, engine))
            record_file.write("".join(record.to_line() for record, _ in asked))
            timings_file.write("".join(json.dumps(spent) + "\n" for _, spent in asked))
            record_file.flush()
            records += [record for record, _ in asked]
    progress(len(cases), len(cases))
    summary = {**made_on, **summarise(records)}
    _write_json(out / SUMMARY_FILE, summary)
    measured = {
        "latency_ms": stage_percentiles(out / TIMINGS_FILE),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    write_report(out, records, made_on, summary, measured)
    return {**summary, **measured}


def _made_on(files: Sequence[Path], engine: Engine) -> dict[str, Any]:
    """Return what a run depends on: questions, index, model and versions."""
    manifest = engine.generation.manifest
    return {
        "cases": [file.name for file in files],
        "cases_sha256": cases_digest(files),
        "generation": manifest.generation,
        "corpus_digest": manifest.corpus_digest,
        "chunking": manifest.chunking,
        "embedder": manifest.embedder.source,
        "embedder_probe": list(manifest.embedder.probe[:4]),
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("faiss-cpu", "sentence-transformers", "torch")},
        },
    }


def _commit() -> str | None:
    """Return the commit of the checkout that this runs from; a + says that files differ."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or None


def _begun(out: Path, made_on: dict[str, Any]) -> list[Record]:
    """Return the records of an interrupted run in this folder; begin a new one in an empty one."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / RUN_FILE).exists():
        _write_json(out / RUN_FILE, made_on)
        return []
    if json.loads((out / RUN_FILE).read_text(encoding="utf-8")) != made_on:
        raise UsageError(
            f"{out} holds a run on other cases, another index or other versions. "
            "Name another folder with --out DIR."
        )
    if not (out / RECORDS_FILE).exists():
        return []
    records = read_records(out / RECORDS_FILE)
    write_records(out / RECORDS_FILE, records)  # without a line that was cut off
    return records


def _refuse_unknown_documents(cases: Iterable[Case], engine: Engine) -> None:
    known = {found.document.id for found in engine.documents()}
    for case in cases:
        for document in (name for turn in case.turns for name, _ in turn.places):
            if document not in known:
                raise UsageError(
                    f"The case {case.id} names the document {document!r}, which the index "
                    "does not have. Index it, or correct the case: python -m ingest list"
                )


def ask_case(case: Case, engine: Engine) -> Iterator[tuple[Record, dict[str, float]]]:
    """Ask the turns of a case one after the other; yield each record with its timings."""
    page_text = _page_texts(engine)
    questions: list[str] = []
    for n, turn in enumerate(case.turns, 1):
        questions.append(turn.question)
        try:
            answer = engine.answer(questions)
        except AssistantError as error:
            answer = failed_answer(turn.question, error)
        shown = answer.to_json()
        spent = shown.pop("timings_ms")
        ranks = _evidence_ranks(turn, [hit.passage.text for hit in answer.retrieved])
        broken = tuple(broken_invariants(shown, page_text))
        yield Record(case.id, n, case.kind, case.language, turn, shown, ranks, broken), spent


def _evidence_ranks(turn: Turn, passages: Sequence[str]) -> tuple[int | None, ...]:
    folded = [fold(passage) for passage in passages]
    return tuple(
        next((rank for rank, text in enumerate(folded, 1) if fold(evidence) in text), None)
        for evidence in turn.evidence
    )


def _page_texts(engine: Engine) -> PageText:
    pages = engine.generation.records

    def page_text(document_id: str, page: int | None) -> str:
        found = pages.page(document_id, page or 1)
        return found.text if found else ""

    return page_text


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
