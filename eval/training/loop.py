"""The training of the reader: steps over batches until a budget is used up.

The model computes in bfloat16; its weights are kept beside it in 32-bit floats, which is what the
optimiser changes. What is written every few minutes is enough to go on from.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from eval.training.encoded import Batch, Encoded, batch_of, batches
from eval.training.losses import loss_of
from eval.training.network import ReaderNetwork, file_names
from index.reader_input import END
from index.reader_weights import write_reader

_WARM_UP = 60
_LOWEST_RATE = 0.02
_DECAY = 0.01
_BETAS = (0.9, 0.98)
_LONGEST_STEP = 1.0
# Weights are averaged over the last part of the budget, every so many steps.
_AVERAGED_FROM, _AVERAGED_EVERY = 0.7, 10
_SMOOTHING = 0.98
_LOSS_READ_EVERY = 10
STATE_FILE, LAST_FILE, AVERAGE_FILE = "state.pt", "reader-last.npz", "reader-average.npz"


@dataclass(frozen=True)
class Plan:
    """How to train. The budget is ``tokens``, or time until ``until`` (seconds since the epoch).

    ``dropped`` is the share of numbers set to 0 within the layers that learn; ``masked`` that of
    tokens, in question and passage, of which the model sees the mask ``mask`` instead. ``kind`` is
    the numbers that the model computes with.
    """

    rate: float = 1.2e-4
    batch_tokens: int = 4096
    tokens: int | None = None
    until: float | None = None
    dropped: float = 0.0
    masked: float = 0.0
    mask: int = 0
    seed: int = 1
    kind: torch.dtype = torch.bfloat16
    save_every: float = 300.0
    device: str = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass
class Progress:
    """How far a training is: steps and tokens done, the loss of late, and when it began."""

    began: float
    steps: int = 0
    tokens: int = 0
    loss: float = 0.0
    pass_number: int = 0
    batches_done: int = 0
    averaged: int = 0

    def share(self, plan: Plan) -> float:
        """Return the used part of the budget, from 0 to 1."""
        if plan.tokens is not None:
            return min(1.0, self.tokens / plan.tokens)
        if plan.until is None:
            raise ValueError("a plan has a number of tokens or an end")
        now = time.time()
        return 1.0 if now >= plan.until else (now - self.began) / (plan.until - self.began)


@dataclass
class Training:
    """A model being trained, with all that is needed to go on later."""

    network: ReaderNetwork
    plan: Plan
    progress: Progress = field(default_factory=lambda: Progress(time.time()))

    def __post_init__(self) -> None:
        torch.manual_seed(self.plan.seed)
        names = set(self.network.learning())
        self.masters = {
            name: parameter.detach().clone().float().to(self.plan.device).requires_grad_()
            for name, parameter in self.network.named_parameters()
            if name in names
        }
        self.network.to_device(self.plan.device, self.plan.kind)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in names)
        self._loss = torch.zeros((), device=self.plan.device)
        self.average = {name: torch.zeros_like(master) for name, master in self.masters.items()}
        matrices = [master for master in self.masters.values() if master.ndim > 1]
        others = [master for master in self.masters.values() if master.ndim == 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": _DECAY}, {"params": others, "weight_decay": 0.0}],
            lr=self.plan.rate,
            betas=_BETAS,
            fused=True,
        )

    def run(
        self, rows: Sequence[Encoded], on_step: Callable[[Progress], None], folder: Path | None
    ) -> None:
        """Train until the budget is used up; with a folder, write there every few minutes."""
        saved = time.monotonic()
        for batch in self._batches(rows):
            if self.progress.share(self.plan) >= 1:
                break
            self._step(batch_of(batch))
            if self.progress.steps % _LOSS_READ_EVERY == 1:  # which waits for the device
                self.progress.loss = float(self._loss)
            on_step(self.progress)
            if folder and time.monotonic() - saved > self.plan.save_every:
                self.save(folder)
                saved = time.monotonic()
        if folder:
            self.save(folder)

    def _batches(self, rows: Sequence[Encoded]) -> Iterator[list[Encoded]]:
        """Yield batches without end, in the order that the seed gives, from where it stopped."""
        while True:
            chance = random.Random(f"{self.plan.seed}/{self.progress.pass_number}")  # noqa: S311
            whole = batches(rows, self.plan.batch_tokens, chance)
            for batch in itertools.islice(whole, self.progress.batches_done, None):
                self.progress.batches_done += 1
                yield batch
            self.progress.pass_number += 1
            self.progress.batches_done = 0

    def _step(self, batch: Batch) -> None:
        self.network.train()
        ids, there, sentence_of, labels, span, weight, denials_known = (
            torch.from_numpy(array).to(self.plan.device)
            for array in (
                batch.ids, batch.there, batch.sentence_of, batch.labels,
                batch.span, batch.weight, batch.denials_known,
            )
        )  # fmt: skip
        if self.plan.masked:
            hidden = (torch.rand(ids.shape, device=ids.device) < self.plan.masked) & (ids > END)
            ids = ids.masked_fill(hidden, self.plan.mask)
        output = self.network(ids, there, sentence_of, labels.shape[1])
        loss = loss_of(output, labels, span, weight, denials_known)
        loss.backward()  # type: ignore[no-untyped-call]
        self._learn()
        progress = self.progress
        self._loss.lerp_(loss.detach(), 1 - _SMOOTHING if progress.steps else 1.0)
        progress.steps += 1
        progress.tokens += ids.numel()
        if progress.share(self.plan) > _AVERAGED_FROM and progress.steps % _AVERAGED_EVERY == 0:
            progress.averaged += 1
            for name, master in self.masters.items():
                self.average[name].lerp_(master.detach(), 1 / progress.averaged)

    def _learn(self) -> None:
        """Change the weights by the gradients of the model's own, and copy them there."""
        computing = dict(self.network.named_parameters())
        for name, master in self.masters.items():
            gradient = computing[name].grad
            master.grad = gradient.float() if gradient is not None else None
            computing[name].grad = None
        nn.utils.clip_grad_norm_(self.masters.values(), _LONGEST_STEP)
        warm = min(1.0, (self.progress.steps + 1) / _WARM_UP)
        rate = self.plan.rate * warm * max(_LOWEST_RATE, 1 - self.progress.share(self.plan))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        with torch.no_grad():
            for name, master in self.masters.items():
                computing[name].copy_(master)

    def weights(self, *, average: bool = False) -> dict[str, NDArray[np.float32]]:
        """Return what was learned, under the names of the reader's file."""
        averaged = average and self.progress.averaged
        return file_names(self.average if averaged else self.masters)

    def save(self, folder: Path) -> None:
        """Write the state, and the weights as they are and as they are on average."""
        state = {
            "masters": self.masters,
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "progress": vars(self.progress) | {"loss": float(self._loss)},
            "chance": torch.get_rng_state(),
        }
        part = folder / f"{STATE_FILE}.part"
        torch.save(state, part)
        part.replace(folder / STATE_FILE)
        write_reader(self.weights(), folder / LAST_FILE)
        write_reader(self.weights(average=True), folder / AVERAGE_FILE)

    def resume(self, folder: Path) -> None:
        """Go on from what ``save`` wrote."""
        state: dict[str, Any] = torch.load(folder / STATE_FILE, weights_only=True)
        self._put(self.masters, state["masters"])
        self._put(self.average, state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self._loss.fill_(self.progress.loss)
        torch.set_rng_state(state["chance"])
        self._put(dict(self.network.named_parameters()), state["masters"])

    @staticmethod
    def _put(into: dict[str, Any], values: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in values.items():
                into[name].copy_(value)
