"""The reader as an OpenVINO model, built from its weights without torch.

A BERT encoder over the word embeddings of a question with a passage, and three heads. Inputs, all
32-bit floats: ``embedded`` (texts, tokens, width), the embeddings before their layer norm; ``mask``
(texts, 1, 1, tokens), added to the scores of attention; ``means`` (texts, sentences, tokens), by
which a sentence is the mean of its tokens. Outputs, logits: ``span`` (texts, tokens, start and
end), ``sentences`` (texts, sentences, answers and contradicts), ``passage`` (texts, 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.openvino_import import openvino

Weights = Mapping[str, NDArray[np.float32]]
HEAD_WIDTH = 32
LEFT_OUT = -1e4
_EPSILON = 1e-12


def write_graph(weights: Weights, file: Path) -> None:
    """Build the model and write it to ``file`` (.xml) and, beside it, its weights (.bin)."""
    openvino().save_model(_Graph(weights).model(), file, compress_to_fp16=False)


def compiled_graph(file: Path, *, exact: bool) -> Any:
    """Return a request for inference on the CPU.

    With ``exact`` in 32-bit floats; otherwise in the numbers that OpenVINO takes for this CPU.
    """
    settings: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
    if exact:
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    return openvino().Core().compile_model(file, "CPU", settings).create_infer_request()


class _Graph:
    """Puts the operations together; names of tensors are those of the reader's file."""

    def __init__(self, weights: Weights) -> None:
        openvino()
        from openvino import opset13

        self._operations: Any = opset13
        self._weights = weights
        self._width = weights["bert.embeddings.LayerNorm.bias"].shape[0]

    def model(self) -> Any:
        ops = self._operations
        embedded = ops.parameter([-1, -1, self._width], np.float32, name="embedded")
        mask = ops.parameter([-1, 1, 1, -1], np.float32, name="mask")
        means = ops.parameter([-1, -1, -1], np.float32, name="means")
        x = self._normed(embedded, "bert.embeddings.LayerNorm")
        layers = sum(name.endswith(".intermediate.dense.bias") for name in self._weights)
        for number in range(layers):
            x = self._layer(x, mask, f"bert.encoder.layer.{number}.")
        start = ops.gather(x, np.int64(0), np.int64(1))
        outputs = {
            "span": self._linear(x, "span"),
            "sentences": self._sentences(ops.matmul(means, x, False, False), start),
            "passage": self._linear(start, "cls"),
        }
        results = []
        for name, output in outputs.items():
            result = ops.result(output, name=name)
            result.output(0).get_tensor().set_names({name})
            results.append(result)
        for parameter in (embedded, mask, means):
            parameter.output(0).get_tensor().set_names({parameter.get_friendly_name()})
        return openvino().Model(results, [embedded, mask, means], "reader")

    def _layer(self, x: Any, mask: Any, prefix: str) -> Any:
        ops = self._operations
        query, key, value = (
            self._heads(self._linear(x, f"{prefix}attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        mixed = ops.scaled_dot_product_attention(query, key, value, mask)
        mixed = ops.transpose(mixed, np.array([0, 2, 1, 3]))
        mixed = ops.reshape(mixed, np.array([0, 0, self._width]), True)
        attended = self._linear(mixed, f"{prefix}attention.output.dense")
        x = self._normed(ops.add(x, attended), f"{prefix}attention.output.LayerNorm")
        wide = ops.gelu(self._linear(x, f"{prefix}intermediate.dense"), "erf")
        narrow = self._linear(wide, f"{prefix}output.dense")
        return self._normed(ops.add(x, narrow), f"{prefix}output.LayerNorm")

    def _heads(self, x: Any) -> Any:
        """Reshape (texts, tokens, width) to (texts, heads, tokens, width of a head)."""
        ops = self._operations
        shape = np.array([0, 0, self._width // HEAD_WIDTH, HEAD_WIDTH])
        return ops.transpose(ops.reshape(x, shape, True), np.array([0, 2, 1, 3]))

    def _sentences(self, means: Any, start: Any) -> Any:
        """Score sentences by their mean and by the first token, half of the weights for each."""
        ops = self._operations
        by_mean, by_start = np.split(self._weights["sent.0.weight"], 2, axis=1)
        of_start = ops.matmul(start, self._constant(by_start), False, True)
        hidden = ops.add(
            ops.matmul(means, self._constant(by_mean), False, True),
            ops.unsqueeze(of_start, np.int64(1)),
        )
        hidden = ops.add(hidden, self._constant(self._weights["sent.0.bias"]))
        return self._linear(ops.gelu(hidden, "erf"), "sent.2")

    def _normed(self, x: Any, name: str) -> Any:
        ops = self._operations
        x = ops.mvn(x, np.array([-1]), True, _EPSILON, "inside_sqrt")
        x = ops.multiply(x, self._constant(self._weights[f"{name}.weight"]))
        return ops.add(x, self._constant(self._weights[f"{name}.bias"]))

    def _linear(self, x: Any, name: str) -> Any:
        ops = self._operations
        product = ops.matmul(x, self._constant(self._weights[f"{name}.weight"]), False, True)
        return ops.add(product, self._constant(self._weights[f"{name}.bias"]))

    def _constant(self, array: NDArray[np.float32]) -> Any:
        return self._operations.constant(np.ascontiguousarray(array, np.float32))
