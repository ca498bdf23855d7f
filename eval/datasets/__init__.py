"""Retrieval datasets, one row each; a row reads files into paragraphs and questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from eval.datasets import beir, squad
from eval.datasets.pool import Dataset

DATASETS: dict[str, Callable[[Sequence[Path]], Dataset]] = {
    "beir": beir.read,
    "squad": squad.read,
    "xquad": squad.read,
}
