"""The file of the reader's weights: what differs from the packaged encoder, in 8 bit.

A matrix of the layers is int8 with one float16 scale a row (``NAME.scale``; symmetric, the largest
weight of a row is 127 steps); everything else is float16. Names are those of a BertModel under
``bert.``, and of three heads: ``span`` (start and end of the words that answer), ``sent`` (two
layers: does a sentence answer, does it contradict) and ``cls`` (does the passage answer).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]
# The lowest layers, which are the packaged encoder's own, as its embeddings are.
SHARED_LAYERS = 4
_SCALE = ".scale"
_STEPS = 127
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def is_own(name: str) -> bool:
    """Tell whether the reader has this tensor for itself, and not from the packaged encoder."""
    if ".embeddings." in name or ".pooler." in name:
        return False
    return not name.startswith(tuple(f"bert.encoder.layer.{n}." for n in range(SHARED_LAYERS)))


def write_reader(weights: Weights, file: Path) -> None:
    """Pack the reader's own tensors; equal weights give the same bytes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(_packed(weights)):
            entry = zipfile.ZipInfo(f"{name}.npy", _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as out:
                np.lib.format.write_array(out, array, allow_pickle=False)


def _packed(weights: Weights) -> Iterable[tuple[str, NDArray[np.generic]]]:
    for name, array in weights.items():
        if not is_own(name):
            continue
        if array.ndim == 1 or not name.startswith("bert."):
            yield name, array.astype(np.float16)
            continue
        scale = (np.abs(array).max(axis=1, keepdims=True) / _STEPS).astype(np.float16)
        steps = array / np.maximum(scale.astype(np.float32), 1e-8)
        yield name, np.clip(np.rint(steps), -_STEPS, _STEPS).astype(np.int8)
        yield name + _SCALE, scale


def read_reader(file: Path) -> dict[str, NDArray[np.float32]]:
    """Return the reader's own tensors by name. Raises OSError or ValueError for another file."""
    with np.load(file, allow_pickle=False) as raw:
        found = {name: raw[name].astype(np.float32) for name in raw.files}
    return {
        name: array * found[name + _SCALE] if name + _SCALE in found else array
        for name, array in found.items()
        if not name.endswith(_SCALE)
    }
