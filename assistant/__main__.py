"""``python -m assistant``: asks questions of the index."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpus.command_line import add_json, add_settings, print_json, run, settings_of
from corpus.errors import AssistantError, UsageError

if TYPE_CHECKING:
    from assistant.engine import Engine
    from index.generations import Generation

_EXPECTED = 'Write {"id": …, "question": "…"} or {"id": …, "turns": ["…", …]}.'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m assistant", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    ask = commands.add_parser("ask", help="one answer with citations")
    ask.set_defaults(command=_ask)
    ask.add_argument("question", help="the question, in quotes, in any UN language")
    _add_reading(ask)
    _add_narrowing(ask)
    add_json(ask)

    search = commands.add_parser("search", help="the passages nearest to a query")
    search.set_defaults(command=_search)
    search.add_argument("query")
    search.add_argument("-k", type=int, default=10, help="how many passages (default: 10)")
    _add_reading(search)
    _add_narrowing(search)
    add_json(search)

    batch = commands.add_parser("batch", help="answers JSON lines from stdin with JSON lines")
    batch.set_defaults(command=_batch)
    _add_reading(batch)
    _add_narrowing(batch)

    page = commands.add_parser("page", help="the stored text of a page")
    page.set_defaults(command=_page)
    page.add_argument("document", metavar="DOCUMENT", help="a document's id")
    page.add_argument("number", metavar="NUMBER", type=int, help="the page, counted from 1")
    _add_reading(page)
    add_json(page)

    why = commands.add_parser("why", help="what happened to a document on the way to the answer")
    why.set_defaults(command=_why)
    why.add_argument("question")
    why.add_argument("--expect", metavar="DOCUMENT", required=True, help="a document's id or path")
    _add_reading(why)
    _add_narrowing(why)
    add_json(why)

    doctor = commands.add_parser("doctor", help="what is missing, and the command that repairs it")
    doctor.set_defaults(command=_doctor)
    add_settings(doctor, "index", "embedder")
    doctor.add_argument(
        "--offline", action="store_true", help="do not look at configured endpoints"
    )
    add_json(doctor)
    return run(parser, arguments)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "index")
    parser.add_argument("--generation", metavar="ID", help="an older generation of the index")


def _add_narrowing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--filter",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="only documents with this language, year, document, number, edition or type; "
        "may be given several times",
    )
    parser.add_argument(
        "--audience",
        metavar="NAME",
        action="append",
        help="only documents for this audience; may be given several times (default: every one)",
    )


def _ask(arguments: argparse.Namespace) -> int:
    from assistant.question import checked_question
    from assistant.rendering import answer_text

    checked_question(arguments.question)  # before the model is loaded
    filters = _filters(arguments)
    answer = _narrowed_engine(arguments, filters).answer(arguments.question, filters)
    if arguments.json:
        print_json(answer.to_json())
    else:
        sys.stdout.write(answer_text(answer))
    return 0


def _search(arguments: argparse.Namespace) -> int:
    from assistant.question import checked_question
    from assistant.rendering import hits_text

    if arguments.k < 1:
        raise UsageError("-k must be at least 1.")
    text, filters = checked_question(arguments.query), _filters(arguments)
    engine = _narrowed_engine(arguments, filters)
    hits = engine.search(text, filters, arguments.k)
    if arguments.json:
        rows = [hit.to_json() for hit in hits]
        print_json({"query": text, "generation": engine.generation.id, "hits": rows})
    else:
        sys.stdout.write(hits_text(hits))
    return 0


def _batch(arguments: argparse.Namespace) -> int:
    filters = _filters(arguments)
    engine = _narrowed_engine(arguments, filters)
    for line in sys.stdin:
        if line.strip():
            print_json(_batch_line(engine, line, filters))
            sys.stdout.flush()
    return 0


def _batch_line(engine: Engine, line: str, filters: dict[str, str]) -> dict[str, Any]:
    """Answer one line; an error becomes an answer with status ``failed``."""
    from assistant.engine import failed_answer

    case_id = None
    try:
        values = _parsed(line)
        case_id = values.get("id")
        turns = _turns(values)
    except UsageError as error:
        return {"id": case_id, "answers": [failed_answer(line.strip(), error).to_json()]}
    answers = []
    for n in range(1, len(turns) + 1):
        try:
            answer = engine.answer(turns[:n], filters)
        except AssistantError as error:
            answer = failed_answer(turns[n - 1], error)
        answers.append(answer.to_json())
    return {"id": case_id, "answers": answers}


def _parsed(line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise UsageError(f"The line is not JSON ({error}). {_EXPECTED}") from error
    if not isinstance(values, dict):
        raise UsageError(f"The line is not a JSON object. {_EXPECTED}")
    return values


def _turns(values: dict[str, Any]) -> list[str]:
    """Return the questions of a line; a single question is one turn."""
    turns = values.get("turns", [values.get("question")])
    given = turns if isinstance(turns, list) else []
    texts = [turn.get("q") if isinstance(turn, dict) else turn for turn in given]
    questions = [text for text in texts if isinstance(text, str)]
    if questions and len(questions) == len(texts):
        return questions
    raise UsageError(f"The line holds no question. {_EXPECTED}")


def _page(arguments: argparse.Namespace) -> int:
    from index.generations import open_generation
    from index.repairs import index_command

    index = settings_of(arguments).values.index
    generation = open_generation(index, arguments.generation)
    _warn(generation)
    records = generation.records
    found = records.document(arguments.document)
    if found is None:
        known = [d.document.id for d in records.documents()]
        raise UsageError(
            f"There is no document {arguments.document!r}. There are: {', '.join(known[:10])}"
            f"{' …' if len(known) > 10 else ''}. "  # noqa: PLR2004
            f"List all: {index_command('list', index)}"
        )
    page = records.page(arguments.document, arguments.number)
    if page is None:
        last = len(records.pages(arguments.document))
        raise UsageError(f"{arguments.document} has the pages 1 to {last}, not {arguments.number}.")
    if arguments.json:
        number = page.number if found.document.paged else None
        print_json(
            {
                "document_id": page.document_id,
                "title": found.document.title,
                "page": number,
                "printed_page": page.printed_number,
                "text": page.text,
            }
        )
    else:
        sys.stdout.write(page.text + "\n")
    return 0


def _why(arguments: argparse.Namespace) -> int:
    from assistant.diagnose.why import explain
    from assistant.question import checked_question

    checked_question(arguments.question)  # before the model is loaded
    filters = _filters(arguments)
    engine = _narrowed_engine(arguments, filters)
    found = explain(engine, arguments.question, arguments.expect, filters)
    if arguments.json:
        print_json(found.to_json())
        return 0
    sys.stdout.write(f"{found.document}: {found.outcome}. {found.reason}\n")
    for rival in found.outscored_by:
        place = f", page {rival.page}" if rival.page else ""
        sys.stdout.write(f"{rival.rank}. {rival.document_id}{place} ({rival.score:.3f})\n")
        sys.stdout.write(f"   {rival.text}\n")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from assistant.diagnose.doctor import examine

    checks = examine(settings_of(arguments))
    healthy = all(check.ok for check in checks)
    if arguments.json:
        rows = [{"name": c.name, "ok": c.ok, "found": c.found, "repair": c.repair} for c in checks]
        print_json({"ok": healthy, "checks": rows})
    else:
        for check in checks:
            sys.stdout.write(f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.found}\n")
            if check.repair:
                sys.stdout.write(f"     → {check.repair}\n")
    # That there is no usable index (3) goes before what else is not in order (1).
    return max((check.exit_code for check in checks if not check.ok), default=0)


def _engine(arguments: argparse.Namespace) -> Engine:
    from assistant.engine import open_engine

    settings = settings_of(arguments).values
    engine = open_engine(settings, arguments.generation, arguments.audience)
    _warn(engine.generation)
    return engine


def _warn(generation: Generation) -> None:
    """Say on stderr that another generation than the published one is served, and why."""
    if generation.warning:
        sys.stderr.write(f"Warning: {generation.warning}\n")


def _narrowed_engine(arguments: argparse.Namespace, filters: dict[str, str]) -> Engine:
    """Open the engine; say on stderr when the filters leave nothing that could be found."""
    from index.filters import no_match

    engine = _engine(arguments)
    for audience in arguments.audience or ():
        if not any(found.document.audience == audience for found in engine.documents()):
            sys.stderr.write(f"Warning: no document is for the audience {audience!r}.\n")
    nothing = no_match([found.document for found in engine.documents()], filters)
    if nothing:
        sys.stderr.write(f"Warning: {nothing}\n")
    return engine


def _filters(arguments: argparse.Namespace) -> dict[str, str]:
    from index.filters import check_filters

    pairs = dict(_pair(text) for text in arguments.filter)
    if len(pairs) < len(arguments.filter):
        raise UsageError("A filter is given twice. Give each key once.")
    check_filters(pairs)
    return pairs


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise UsageError(f"The filter {text!r} must be written KEY=VALUE, such as year=2025.")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
