"""By what two embedding models are told apart: their vectors of one text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from index.dense import Vectors
from index.manifest import EmbedderRecord

# Three scripts, so that a tokenizer that reads one of them differently is noticed too.
PROBE = "How many standards on AI? Сколько стандартов? كم عدد المعايير؟"
# Between two builds of one model the probe's cosine was at least 0.98 (4-bit against 32-bit
# weights); two different multilingual models are near 0.
SAME_MODEL_COSINE = 0.97


def probe_of(embed: Callable[[str], Vectors]) -> tuple[float, ...]:
    """Return a model's vector of the probe, as a manifest has it."""
    return tuple(round(float(x), 6) for x in embed(PROBE))


def same_model(first: EmbedderRecord, second: EmbedderRecord) -> bool:
    """Tell whether two records describe the same vectors, by settings and by the probe."""
    settings_agree = (first.dimension, first.query_prefix, first.passage_prefix) == (
        second.dimension,
        second.query_prefix,
        second.passage_prefix,
    )
    return settings_agree and float(np.dot(first.probe, second.probe)) >= SAME_MODEL_COSINE
