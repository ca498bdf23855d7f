"""The reader as an OpenVINO model: the encoder's layers, and three heads.

Beside the inputs of the encoder (``index.encoder_graph``) it has ``means`` (texts, sentences,
tokens), by which a sentence is the mean of its tokens. Outputs, logits: ``span`` (texts, tokens,
start and end), ``sentences`` (texts, sentences, answers and contradicts), ``passage`` (texts, 2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from index.encoder_graph import EncoderGraph, Weights, save_graph


def write_reader_graph(weights: Weights, file: Path) -> None:
    """Build the model and write it to ``file`` (.xml) and, beside it, its weights (.bin)."""
    graph = EncoderGraph(weights)
    ops = graph.operations
    embedded, mask = graph.inputs()
    means = ops.parameter([-1, -1, -1], np.float32, name="means")
    x = graph.encoded(embedded, mask)
    start = ops.gather(x, np.int64(0), np.int64(1))
    outputs = {
        "span": graph.linear(x, "span"),
        "sentences": _sentences(graph, ops.matmul(means, x, False, False), start),
        "passage": graph.linear(start, "cls"),
    }
    save_graph(file, outputs, [embedded, mask, means])


def _sentences(graph: EncoderGraph, means: Any, start: Any) -> Any:
    """Score sentences by their mean and by the first token, half of the weights for each."""
    ops = graph.operations
    by_mean, by_start = np.split(graph.weights["sent.0.weight"], 2, axis=1)
    of_start = ops.matmul(start, graph.constant(by_start), False, True)
    hidden = ops.add(
        ops.matmul(means, graph.constant(by_mean), False, True),
        ops.unsqueeze(of_start, np.int64(1)),
    )
    hidden = ops.add(hidden, graph.constant(graph.weights["sent.0.bias"]))
    return graph.linear(ops.gelu(hidden, "erf"), "sent.2")
