"""The commands that train the reader: ``prepare-reader``, ``fit-reader``, ``average-readers``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from corpus.command_line import add_json, add_settings, print_json, settings_of


def add_prepare_reader(commands: Any) -> None:
    """Add ``prepare-reader``."""
    prepare = commands.add_parser(
        "prepare-reader", help="writes what fit-reader learns from: cards and SQuAD files"
    )
    prepare.set_defaults(command=_prepare_reader)
    prepare.add_argument(
        "--cards", nargs="+", type=Path, metavar="FILE", help="default: those in the repository"
    )
    prepare.add_argument("--dataset", nargs="+", type=Path, default=[], metavar="FILE")
    prepare.add_argument("--most", type=int, metavar="N", help="questions from each dataset")
    prepare.add_argument(
        "--aside", nargs="+", metavar="TITLE", help="articles left out (default: SQuAD 2.0's eight)"
    )
    prepare.add_argument("--evaluate", nargs="+", type=Path, default=[], metavar="FILE")
    prepare.add_argument("--out", type=Path, required=True, metavar="FILE")
    add_settings(prepare)


def add_fit_reader(commands: Any) -> None:
    """Add ``fit-reader``."""
    fit = commands.add_parser(
        "fit-reader", help="trains the reader on what was prepared; needs torch alone (a GPU helps)"
    )
    fit.set_defaults(command=_fit_reader)
    fit.add_argument("--prepared", type=Path, required=True, metavar="FILE")
    fit.add_argument("--start", type=Path, metavar="FILE", help="a packed reader to go on from")
    fit.add_argument("--resume", action="store_true", help="go on with what was stopped in DIR")
    fit.add_argument("--rate", type=float, default=1.2e-4, help="of learning (default: 1.2e-4)")
    fit.add_argument("--batch-tokens", type=int, default=4096, help="of a step (default: 4096)")
    fit.add_argument("--dropped", type=float, default=0.0, help="share of numbers set to 0 (0)")
    fit.add_argument("--masked", type=float, default=0.0, help="share of tokens hidden (0)")
    fit.add_argument("--card-passes", type=int, default=3, help="default: 3")
    fit.add_argument("--seed", type=int, default=1, help="of the order (default: 1)")
    budget = fit.add_mutually_exclusive_group(required=True)
    budget.add_argument("--tokens", type=int, help="to train on")
    budget.add_argument("--until", metavar="HH:MM", help="when to be done, within a day")
    fit.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_json(fit)


def add_average_readers(commands: Any) -> None:
    """Add ``average-readers``."""
    average = commands.add_parser(
        "average-readers", help="writes the mean of trained readers, and evaluates it (or one)"
    )
    average.set_defaults(command=_average_readers)
    average.add_argument("readers", nargs="+", type=Path, metavar="FILE")
    average.add_argument("--prepared", type=Path, required=True, metavar="FILE")
    average.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_json(average)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _prepare_reader(arguments: argparse.Namespace) -> int:
    from eval.training.cards import repository_cards
    from eval.training.fit_reader import Materials, prepare
    from eval.training.prepared import write_prepared
    from eval.training.squad_examples import ASIDE

    materials = Materials(
        arguments.cards or repository_cards(),
        arguments.dataset,
        arguments.evaluate,
        ASIDE if arguments.aside is None else frozenset(arguments.aside),
        arguments.most,
    )
    write_prepared(prepare(materials, settings_of(arguments).values), arguments.out)
    return 0


def _fit_reader(arguments: argparse.Namespace) -> int:
    from eval.training.fit_reader import fit_reader, moment, shown
    from eval.training.loop import Plan
    from eval.training.prepared import read_prepared

    plan = Plan(
        rate=arguments.rate,
        batch_tokens=arguments.batch_tokens,
        dropped=arguments.dropped,
        masked=arguments.masked,
        seed=arguments.seed,
        tokens=arguments.tokens,
        until=moment(arguments.until) if arguments.until else None,
    )
    found = fit_reader(
        read_prepared(arguments.prepared),
        plan,
        arguments.out,
        _say,
        arguments.start,
        card_passes=arguments.card_passes,
        resume=arguments.resume,
    )
    if arguments.json:
        print_json(found)
    else:
        sys.stdout.write(shown(found))
    return 0


def _average_readers(arguments: argparse.Namespace) -> int:
    from eval.training.fit_reader import average_readers, shown
    from eval.training.loop import Plan
    from eval.training.prepared import read_prepared

    materials = read_prepared(arguments.prepared)
    found = average_readers(arguments.readers, materials, Plan(), arguments.out)
    if arguments.json:
        print_json(found)
    else:
        sys.stdout.write(shown(found))
    return 0
