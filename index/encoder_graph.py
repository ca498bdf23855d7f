"""The packaged encoder as an OpenVINO model, built from its weights without torch.

A BERT encoder over the embeddings of tokens. Inputs, both 32-bit floats: ``embedded`` (texts,
tokens, width), the embeddings before their layer norm; ``mask`` (texts, 1, 1, tokens), added to the
scores of attention. Output ``tokens`` (texts, tokens, width): what the last layer makes of each.
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


def write_encoder(weights: Weights, file: Path) -> None:
    """Build the model and write it to ``file`` (.xml) and, beside it, its weights (.bin)."""
    graph = EncoderGraph(weights)
    embedded, mask = graph.inputs()
    save_graph(file, {"tokens": graph.encoded(embedded, mask)}, [embedded, mask])


def compiled_graph(file: Path, *, exact: bool, threads: int = 0) -> Any:
    """Return a request for inference on the CPU, with so many threads, all for 0.

    With ``exact`` in 32-bit floats; otherwise in the numbers that OpenVINO takes for this CPU.
    """
    settings: dict[str, object] = {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
    }  # fmt: skip
    if exact:
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    return openvino().Core().compile_model(file, "CPU", settings).create_infer_request()


def save_graph(file: Path, outputs: Mapping[str, Any], inputs: list[Any]) -> None:
    """Write a model that has these outputs, by name, of these inputs."""
    openvino()
    from openvino import Model, opset13, save_model

    results = []
    for name, output in outputs.items():
        result = opset13.result(output, name=name)
        result.output(0).get_tensor().set_names({name})
        results.append(result)
    for parameter in inputs:
        parameter.output(0).get_tensor().set_names({parameter.get_friendly_name()})
    save_model(Model(results, inputs, file.stem), file, compress_to_fp16=False)


class EncoderGraph:
    """Puts the operations together; names of tensors are those of a BertModel under ``bert.``."""

    def __init__(self, weights: Weights) -> None:
        openvino()
        from openvino import opset13

        self.operations: Any = opset13
        self.weights = weights
        self.width = weights["bert.embeddings.LayerNorm.bias"].shape[0]

    def inputs(self) -> tuple[Any, Any]:
        """Return the parameters ``embedded`` and ``mask``."""
        parameter = self.operations.parameter
        return (
            parameter([-1, -1, self.width], np.float32, name="embedded"),
            parameter([-1, 1, 1, -1], np.float32, name="mask"),
        )

    def encoded(self, embedded: Any, mask: Any) -> Any:
        """Return what the last layer makes of embeddings."""
        x = self._normed(embedded, "bert.embeddings.LayerNorm")
        layers = sum(name.endswith(".intermediate.dense.bias") for name in self.weights)
        for number in range(layers):
            x = self._layer(x, mask, f"bert.encoder.layer.{number}.")
        return x

    def linear(self, x: Any, name: str) -> Any:
        """Return a linear layer of that name over ``x``."""
        ops = self.operations
        product = ops.matmul(x, self.constant(self.weights[f"{name}.weight"]), False, True)
        return ops.add(product, self.constant(self.weights[f"{name}.bias"]))

    def constant(self, array: NDArray[np.float32]) -> Any:
        """Return an array as a part of the model."""
        return self.operations.constant(np.ascontiguousarray(array, np.float32))

    def _layer(self, x: Any, mask: Any, prefix: str) -> Any:
        ops = self.operations
        query, key, value = (
            self._heads(self.linear(x, f"{prefix}attention.self.{part}"))
            for part in ("query", "key", "value")
        )
        mixed = ops.scaled_dot_product_attention(query, key, value, mask)
        mixed = ops.transpose(mixed, np.array([0, 2, 1, 3]))
        mixed = ops.reshape(mixed, np.array([0, 0, self.width]), True)
        attended = self.linear(mixed, f"{prefix}attention.output.dense")
        x = self._normed(ops.add(x, attended), f"{prefix}attention.output.LayerNorm")
        wide = ops.gelu(self.linear(x, f"{prefix}intermediate.dense"), "erf")
        narrow = self.linear(wide, f"{prefix}output.dense")
        return self._normed(ops.add(x, narrow), f"{prefix}output.LayerNorm")

    def _heads(self, x: Any) -> Any:
        """Reshape (texts, tokens, width) to (texts, heads, tokens, width of a head)."""
        ops = self.operations
        shape = np.array([0, 0, self.width // HEAD_WIDTH, HEAD_WIDTH])
        return ops.transpose(ops.reshape(x, shape, True), np.array([0, 2, 1, 3]))

    def _normed(self, x: Any, name: str) -> Any:
        ops = self.operations
        x = ops.mvn(x, np.array([-1]), True, _EPSILON, "inside_sqrt")
        x = ops.multiply(x, self.constant(self.weights[f"{name}.weight"]))
        return ops.add(x, self.constant(self.weights[f"{name}.bias"]))
