"""The layers of a BERT encoder run by OpenVINO: the same vectors in half the time.

What goes on before and after them (tokenizer, word embeddings, pooling) stays with
sentence-transformers. The layers are converted once and lie in the model's folder.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertModel
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions
from transformers.utils.logging import disable_progress_bar

from index.openvino_import import openvino

LAYERS_FILE = "openvino-layers.xml"
# Added to the score of a pair of tokens that is left out of the attention.
_LEFT_OUT = torch.finfo(torch.float32).min


class _Traced(nn.Module):
    """The layers as a function of two tensors, as the converter wants them."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, hidden_states: Tensor, attention_mask: Tensor) -> Tensor:
        found: Tensor = self.layers(hidden_states, attention_mask=attention_mask)[0]
        return found


def write_layers(folder: Path) -> None:
    """Convert the layers of the BERT model in a folder, and write them beside it."""
    library = openvino()
    disable_progress_bar()  # type: ignore[no-untyped-call] # stderr belongs to our own progress
    model = BertModel.from_pretrained(folder, dtype="float32", attn_implementation="sdpa")
    model.train(mode=False)
    width = model.config.hidden_size
    example = {"hidden_states": torch.zeros(2, 7, width), "attention_mask": torch.zeros(2, 1, 1, 7)}
    with warnings.catch_warnings():
        # About values that become constants, none of which depends on the text; and that the way in
        # which the converter traces a model is deprecated.
        warnings.simplefilter("ignore")
        converted = library.convert_model(_Traced(model.encoder), example_input=example)
    library.save_model(converted, folder / LAYERS_FILE, compress_to_fp16=False)


def run_by_openvino(bert: BertModel, folder: Path) -> None:
    """Let the layers of the model in a folder be run by OpenVINO, as converted there."""
    bert.add_module("encoder", OpenVinoLayers(folder / LAYERS_FILE))


class OpenVinoLayers(nn.Module):
    """Stands for the layers of a BertModel. Computes in 32-bit floats on every machine.

    One text is read by one thread: the threads of a short text wait for each other, and where
    another process has the cores they wait long. Several together have all the cores.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._one = self._request(threads=1)

    @cached_property
    def _several(self) -> Any:
        """Made when first needed, as it takes the layers' weights in memory once more."""
        return self._request(threads=0)

    def _request(self, threads: int) -> Any:
        core = openvino().Core()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
        }
        return core.compile_model(self._file, "CPU", settings).create_infer_request()

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **_: Any
    ) -> BaseModelOutputWithPastAndCrossAttentions:
        """Return the last hidden states, shape (texts, tokens, width), of such."""
        texts, tokens, _width = hidden_states.shape
        mask = torch.zeros(texts, 1, 1, tokens)
        if attention_mask is not None:
            left_out = ~attention_mask if attention_mask.dtype == torch.bool else attention_mask < 0
            mask.masked_fill_(left_out[:, :, :1, :], _LEFT_OUT)
        request = self._one if texts == 1 else self._several
        request.infer([hidden_states.contiguous().numpy(), mask.numpy()], share_inputs=True)
        found = torch.from_numpy(request.get_output_tensor().data.copy())
        return BaseModelOutputWithPastAndCrossAttentions(found)
