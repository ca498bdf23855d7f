"""``python -m eval``: benchmarks of answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus.command_line import add_json, add_settings, print_json, run, settings_of
from eval.training.commands import add_average_readers, add_fit_reader, add_prepare_reader


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    return run(parser, arguments)


def _add_run(commands: Any) -> None:
    cases = commands.add_parser("run", help="ask every case, and report what was answered")
    cases.set_defaults(command=_run)
    cases.add_argument("--cases", nargs="+", type=Path, required=True, metavar="FILE")
    cases.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the records")
    cases.add_argument(
        "--metrics", nargs="+", default=[], metavar="NAME", help="print these only (default: all)"
    )
    cases.add_argument("--generation", metavar="ID", help="an older generation of the index")
    add_settings(cases, "index")
    add_json(cases)


def _add_fit_encoder(commands: Any) -> None:
    fit = commands.add_parser(
        "fit-encoder", help="tunes the embedding model on SQuAD and XQuAD (a GPU is of use)"
    )
    fit.set_defaults(command=_fit_encoder)
    fit.add_argument("--dataset", nargs="+", type=Path, required=True, metavar="FILE")
    fit.add_argument("--out", type=Path, required=True, metavar="FILE", help="for the updates")
    fit.add_argument(
        "--check", action="store_true", help="fit on half of the articles first, and ask the others"
    )
    add_json(fit)


def _add_calibrate(commands: Any) -> None:
    fit = commands.add_parser("calibrate", help="fits what is quoted and what is refused")
    fit.set_defaults(command=_calibrate)
    fit.add_argument(
        "--on", nargs="+", action="append", type=Path, default=[], metavar="PATH",
        help="an index, then the case files asked of it (default: the sample and the held cards)",
    )  # fmt: skip
    fit.add_argument(
        "--risk", type=float, default=0.08, help="share of answerable questions refused (.08)"
    )
    fit.add_argument(
        "--kept", type=float, default=0.985, help="share of answers that keep what is useful (.985)"
    )
    fit.add_argument(
        "--work", type=Path, default=Path("eval/runs/calibrate"), metavar="DIR", help="for indexes"
    )
    fit.add_argument(
        "--again", action="store_true", help="fit on what was read before in DIR; ask nothing"
    )
    fit.add_argument("--out", type=Path, required=True, metavar="FILE")
    add_settings(fit)
    add_json(fit)


def _add_retrieval(commands: Any) -> None:
    retrieval = commands.add_parser("retrieval", help="are the right paragraphs found?")
    retrieval.set_defaults(command=_retrieval)
    retrieval.add_argument("--dataset", required=True, choices=("beir", "squad", "xquad"))
    retrieval.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    retrieval.add_argument("--limit", type=int, metavar="N", help="questions in each language")
    retrieval.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_json(retrieval)


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser("compare", help="two runs on the same cases, turn by turn")
    compare.set_defaults(command=_compare)
    compare.add_argument("runs", nargs=2, type=Path, metavar="RUN")
    add_json(compare)


def _add_check(commands: Any) -> None:
    check = commands.add_parser("check", help="are the labels of case files sound?")
    check.set_defaults(command=_check)
    check.add_argument("cases", nargs="+", type=Path, metavar="FILE")
    add_settings(check, "index")
    add_json(check)


def _add_gate(commands: Any) -> None:
    gate = commands.add_parser("gate", help="has a run lost more than its baseline allows?")
    gate.set_defaults(command=_gate)
    gate.add_argument("run", type=Path, metavar="RUN")
    gate.add_argument("--baseline", type=Path, required=True, metavar="FILE")
    gate.add_argument("--accept", action="store_true", help="make this run the baseline")
    add_json(gate)


def _add_golden(commands: Any) -> None:
    golden = commands.add_parser("golden", help="which questions each of some generations answers")
    golden.set_defaults(command=_golden)
    golden.add_argument("--cases", type=Path, required=True, metavar="FILE")
    golden.add_argument("--generations", nargs="+", required=True, metavar="ID")
    add_settings(golden, "index")
    add_json(golden)


def _add_bench(commands: Any) -> None:
    bench = commands.add_parser("bench", help="speed and memory of the life of an index")
    bench.set_defaults(command=_bench)
    bench.add_argument("--documents", type=int, default=500, help="default: 500")
    bench.add_argument("--passages", type=int, default=100_000, help="default: 100000")
    bench.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_json(bench)
    peers = bench.add_argument_group("beside txtai and LlamaIndex")
    peers.add_argument("--peers", action="store_true", help="compare retrieval with theirs instead")
    peers.add_argument("--dataset", choices=("beir", "squad", "xquad"), help="the files' format")
    peers.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files of the dataset")
    peers.add_argument("--paragraphs", type=int, default=800, metavar="N", help="default: 800")
    peers.add_argument("--questions", type=int, default=200, metavar="N", help="default: 200")
    peers.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    peers.add_argument(
        "--work", type=Path, metavar="DIR", help="for the peers' environments (default: the cache)"
    )


def _add_refusals(commands: Any) -> None:
    refusals = commands.add_parser("refusals", help="how often questions are refused")
    refusals.set_defaults(command=_refusals)
    refusals.add_argument("--cases", nargs="+", type=Path, default=[], metavar="FILE")
    refusals.add_argument(
        "--foreign", nargs="+", type=Path, default=[], metavar="FILE", help="SQuAD files"
    )
    refusals.add_argument("--limit", type=int, default=200, help="questions from each SQuAD file")
    add_settings(refusals, "index")
    add_json(refusals)


_COMMANDS = (
    _add_run,
    _add_fit_encoder,
    add_prepare_reader,
    add_fit_reader,
    add_average_readers,
    _add_calibrate,
    _add_retrieval,
    _add_compare,
    _add_check,
    _add_gate,
    _add_golden,
    _add_bench,
    _add_refusals,
)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows on stderr how many questions have been asked."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Asking", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _named_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows on stderr what is being done, and how much of it."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda name, done, total: bar.update(
            task, description=name, completed=done, total=total
        )


def _refusals(arguments: argparse.Namespace) -> int:
    from eval.refusals import measure_refusals

    settings = settings_of(arguments).values
    with _progress() as progress:
        found = measure_refusals(
            arguments.cases, arguments.foreign, arguments.limit, settings, progress
        )
    if arguments.json:
        print_json(found)
        return 0
    for name, row in found["groups"].items():
        share = "" if row["refused"] is None else f"{row['refused']:.3f}"
        sys.stdout.write(f"{name:<36}{row['questions']:>6} questions, refused {share}\n")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from eval.cases import unknown_keys
    from eval.metrics import named_metrics
    from eval.run import run_cases

    names = named_metrics(arguments.metrics)
    sys.stderr.write("".join(f"Warning: {line}\n" for line in unknown_keys(arguments.cases)))
    settings = settings_of(arguments).values
    with _progress() as progress:
        summary = run_cases(
            arguments.cases, settings, arguments.out, progress, arguments.generation
        )
    if arguments.json:
        print_json(summary)
    else:
        _print(summary, names)
    return 0


def _fit_encoder(arguments: argparse.Namespace) -> int:
    from eval.fit_encoder import fit_encoder

    with _named_progress() as progress:
        found = fit_encoder(
            arguments.dataset,
            settings_of(arguments).values,
            arguments.out,
            progress,
            check=arguments.check,
        )
    if arguments.json:
        print_json(found)
        return 0
    for key, value in found.items():
        sys.stdout.write(f"{key}: {value}\n")
    return 0


def _calibrate(arguments: argparse.Namespace) -> int:
    from eval.calibrate import calibrate, written

    settings = settings_of(arguments).values
    with _named_progress() as progress:
        fitted, figures = calibrate(
            arguments.on,
            arguments.risk,
            arguments.kept,
            settings,
            arguments.work,
            progress,
            again=arguments.again,
        )
    text = written(fitted, figures, arguments.risk)
    arguments.out.write_text(text, encoding="utf-8")
    if arguments.json:
        print_json(figures)
    else:
        sys.stdout.write(text)
    return 0


def _retrieval(arguments: argparse.Namespace) -> int:
    from eval.retrieval import run_retrieval

    settings = settings_of(arguments).values
    with _named_progress() as progress:
        found = run_retrieval(
            arguments.dataset, arguments.paths, settings, arguments.out, progress, arguments.limit
        )
    if arguments.json:
        print_json(found)
        return 0
    for name, ablations in found["groups"].items():
        for ablation, measures in ablations.items():
            questions = measures["MRR@10"]["n"]
            figures = "  ".join(f"{key} {value['value']:.3f}" for key, value in measures.items())
            sys.stdout.write(f"{name:<10}{ablation:<9}{questions:>6} questions  {figures}\n")
    for name, settings_found in found["answerability"].items():
        for setting, row in settings_found.items():
            figures = f"AUROC {row['AUROC']:.3f}  F1 {row['F1']:.3f}"
            sys.stdout.write(
                f"{name:<10}answerable, {setting:<16}{row['questions']:>6}  {figures}\n"
            )
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from eval.compare import compare_runs

    found = compare_runs(*arguments.runs)
    if arguments.json:
        print_json(found)
        return 0
    sys.stdout.write(f"{'':<28}{'A':>9}{'B':>9}{'n':>6}{'p':>9}{'p, Holm':>9}\n")
    for row in found["metrics"]:
        figures = f"{row['a']:>9.3f}{row['b']:>9.3f}{row['n']:>6}{row['p']:>9.4f}"
        sys.stdout.write(f"{row['metric']:<28}{figures}{row['p_holm']:>9.4f}\n")
    for row in found["differing"]:
        better = row["better"].upper()
        sys.stdout.write(f"\n{row['case']}, turn {row['turn']}: {better} is right\n")
        sys.stdout.write(f"  Q {row['question']}\n  A {row['a']}\n  B {row['b']}\n")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from eval.check import check_cases

    wrong = check_cases(arguments.cases, settings_of(arguments).values)
    if arguments.json:
        print_json({"wrong": wrong})
    else:
        sys.stdout.write("".join(f"{line}\n" for line in wrong) or "The labels are sound.\n")
    return 1 if wrong else 0


def _golden(arguments: argparse.Namespace) -> int:
    from eval.golden import answered_questions

    settings = settings_of(arguments).values
    answered = answered_questions(arguments.cases, settings, arguments.generations)
    if arguments.json:
        print_json({"answered": answered})
        return 0
    for generation, questions in answered.items():
        sys.stdout.write(f"{generation} answers {len(questions)}\n")
        sys.stdout.write("".join(f"  {key}  {text}\n" for key, text in questions.items()))
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    if arguments.peers:
        return _bench_peers(arguments)
    from eval.benchmarks.index_life import bench_index

    with _named_progress() as progress:
        found = bench_index(arguments.documents, arguments.passages, arguments.out, progress)
    if arguments.json:
        print_json(found)
        return 0
    sys.stdout.write(f"Syncs over {found['documents']} documents\n")
    for name, row in found["syncs"].items():
        sys.stdout.write(
            f"  {name:<28}{row['seconds']:>7.2f} s, {row['seconds_without_embedding']:.2f} s "
            f"without embedding {row['embedded']} texts; {row['peak_memory_mb']} MB\n"
        )
    for row in found["sizes"]:
        sys.stdout.write(
            f"{row['passages']:,} passages, {row['sentences']:,} sentences, {row['index_mb']} MB: "
            f"opened in {row['open_seconds']} s; one document changed: {row['small_sync_seconds']} "
            f"s, {row['peak_memory_mb']} MB\n"
        )
    grown = found["growth_mb"]
    sys.stdout.write(f"Growth: {grown['memory']} MB of memory, {grown['vectors']} MB of vectors\n")
    return 0


def _bench_peers(arguments: argparse.Namespace) -> int:
    from corpus.errors import UsageError
    from eval.benchmarks.peer_report import table
    from eval.benchmarks.peers import Extent, bench_peers

    if arguments.dataset is None or not arguments.paths:
        raise UsageError("--peers needs paragraphs and questions: --dataset NAME PATH...")
    settings = settings_of(arguments).values
    extent = Extent(arguments.paragraphs, arguments.questions, arguments.rounds)
    work = arguments.work or settings.cache / "peers"
    with _named_progress() as progress:
        found = bench_peers(
            arguments.dataset, arguments.paths, extent, settings, work, arguments.out, progress
        )
    if arguments.json:
        print_json(found)
    else:
        sys.stdout.write(table(found))
    return 0


def _gate(arguments: argparse.Namespace) -> int:
    from eval.gate import dropped, write_baseline

    if arguments.accept:
        write_baseline(arguments.run, arguments.baseline)
    lost = dropped(arguments.run, arguments.baseline)
    if arguments.json:
        print_json({"dropped": lost})
    else:
        text = "".join(f"{line}\n" for line in lost)
        sys.stdout.write(text or "No headline figure is below its baseline's interval.\n")
    return 1 if lost else 0


def _print(summary: dict[str, Any], names: Sequence[str]) -> None:
    """Print every metric with its interval, then the headline figures of each slice."""
    sys.stdout.write(f"{'':<28}{'value':>9}   {'95 % interval':<16}{'turns':>6}\n")
    for name, figure in summary["all"].items():
        if name not in names:
            continue
        interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
        sys.stdout.write(f"{name:<28}{figure['value']:>9.3f}   {interval:<16}{figure['n']:>6}\n")
    sys.stdout.write(f"\n{'slice':<44}{'turns':>6}{'all facts':>11}{'answered':>10}\n")
    for name, figures in summary["slices"].items():
        facts = figures.get("all facts")
        shown = f"{facts['value']:>11.3f}" if facts else f"{'':>11}"
        answered = figures["answered"]
        sys.stdout.write(f"{name:<44}{answered['n']:>6}{shown}{answered['value']:>10.3f}\n")
    sys.stdout.write("\n")
    for stage, spent in summary["latency_ms"].items():
        shown = ", ".join(f"{name} {value:.0f} ms" for name, value in spent.items())
        sys.stdout.write(f"{stage}: {shown}\n")
    sys.stdout.write(f"peak memory: {summary['peak_memory_mb']} MB\n")


if __name__ == "__main__":
    sys.exit(main())
