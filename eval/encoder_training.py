"""Fine-tuning of a BERT encoder by low-rank updates, so that questions come near their answers.

Each step embeds some paragraphs, their sentences and questions on them. Four losses are added, each
the cross-entropy of the right one among all of the step: of paragraphs and of sentences, by the
cosine of whole texts and by that of tokens (MaxSim, ``assistant.interaction``). The weights stay as
they are; what is learned is a product of two thin matrices for each (LoRA: Hu et al., 2021).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformers import BertModel

STEPS = 300
_RANK = 8
_GAIN = 2.0
_RATE = 2e-4
_WARM_UP = 20
_DECAY = 0.01
# Paragraphs of a step, and questions on each.
_PARAGRAPHS, _QUESTIONS = 32, 2
# Of the paragraphs, this part is in English; the others are in any language there is.
_ENGLISH_SHARE = 0.5
# In this part of the cases sentences stand behind their article's title, as those of a document do.
_TITLED_SHARE = 0.5
# Tokens of a question that are left out, so that no single one is relied on.
_LEFT_OUT = 0.05
_TEMPERATURE = 0.02
_READ_AT_ONCE = 64

Update = NDArray[np.float32]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph as token ids, and its sentences by themselves, without and with the title.

    ``sentence_of`` has for each token the number of its sentence, and -1 for prefix and ends.
    """

    ids: Sequence[int]
    sentence_of: Sequence[int]
    sentences: Sequence[Sequence[int]]
    titled: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Question:
    """A question as token ids, of which those from ``first`` to ``end`` are its own.

    ``right`` has by the paragraph's language the number of the sentence that holds the answer.
    """

    ids: Sequence[int]
    first: int
    end: int
    language: str
    right: Mapping[str, int]


@dataclass(frozen=True)
class Group:
    """A paragraph in each language that it is there in, with the questions on it."""

    article: str
    paragraphs: Mapping[str, Paragraph]
    questions: Sequence[Question]


class _LowRank(nn.Module):
    """A weight matrix with the product of two thin ones added to it."""

    def __init__(self, weight: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        rows, columns = weight.shape
        start = torch.randn(_RANK, columns, generator=generator) / columns**0.5
        self.right = nn.Parameter(start.to(weight.device))
        self.left = nn.Parameter(torch.zeros(rows, _RANK, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + _GAIN * self.left @ self.right


def fine_tuned(
    bert: BertModel, groups: Sequence[Group], on_step: Callable[[int, float], None], seed: int = 3
) -> dict[str, tuple[Update, Update]]:
    """Return for each matrix of the layers, by its name, two whose product is to be added to it.

    Shapes (rows, rank) and (rank, columns). The model is changed on the way; ``on_step`` is given
    the number of each step and its loss. A GPU is used where the model stands on one.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    bert.requires_grad_(requires_grad=False)
    learned: dict[str, _LowRank] = {}
    for name, module in bert.encoder.named_modules():
        if isinstance(module, nn.Linear):
            learned[f"encoder.{name}.weight"] = low_rank = _LowRank(module.weight, generator)
            parametrize.register_parametrization(module, "weight", low_rank)
    parameters = [parameter for low_rank in learned.values() for parameter in low_rank.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=_DECAY)
    bert.train()
    for step, batch in enumerate(_batches(groups, random.Random(seed))):  # noqa: S311
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1, (step + 1) / _WARM_UP) * (1 - step / (STEPS + 1))
        with parametrize.cached():
            loss = _loss(bert, batch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        on_step(step, float(loss.detach()))
    return {
        name: (_GAIN * _array(low_rank.left), _array(low_rank.right))
        for name, low_rank in learned.items()
    }


def plain_model(
    folder: Path, updates: Mapping[str, tuple[Update, Update]] | None = None, share: float = 1.0
) -> BertModel:
    """Load the model in a folder, on a GPU where there is one, with a share of updates added."""
    bert = BertModel.from_pretrained(folder, dtype="float32", attn_implementation="sdpa")
    for name, (left, right) in (updates or {}).items():
        bert.get_parameter(name).data += share * torch.from_numpy(left @ right)
    bert.to("cuda" if torch.cuda.is_available() else "cpu")  # type: ignore[arg-type] # of the library
    return bert


def embedded(bert: BertModel, texts: Sequence[Sequence[int]]) -> Update:
    """Return unit vectors of texts given as token ids, shape (texts, width)."""
    bert.train(mode=False)
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    found = np.zeros((len(texts), bert.config.hidden_size), np.float32)
    for first in range(0, len(order), _READ_AT_ONCE):
        rows = order[first : first + _READ_AT_ONCE]
        with torch.no_grad():
            found[rows] = _unit_mean(*_read(bert, [texts[row] for row in rows])).cpu().numpy()
    return found


def _array(tensor: Tensor) -> Update:
    return np.asarray(tensor.detach().cpu().numpy(), np.float32)


@dataclass(frozen=True)
class _Batch:
    """The paragraphs and questions of a step; rights are places among all of the step's."""

    paragraphs: list[Paragraph]
    sentences: list[Sequence[int]]
    questions: list[list[int]]
    own: list[tuple[int, int]]
    right_paragraph: list[int]
    right_sentence: list[int]


def _batches(groups: Sequence[Group], chance: random.Random) -> Iterator[_Batch]:
    waiting: list[Group] = []
    size = min(_PARAGRAPHS, len(groups))
    for _ in range(STEPS):
        if len(waiting) < size:
            waiting = chance.sample(groups, len(groups))
        yield _batch(waiting[:size], chance)
        waiting = waiting[size:]


def _batch(groups: Sequence[Group], chance: random.Random) -> _Batch:
    batch = _Batch([], [], [], [], [], [])
    for group in groups:
        english = "en" in group.paragraphs and chance.random() < _ENGLISH_SHARE
        language = "en" if english else chance.choice(sorted(group.paragraphs))
        paragraph = group.paragraphs[language]
        usable = [question for question in group.questions if language in question.right]
        for question in chance.sample(usable, min(_QUESTIONS, len(usable))):
            ids = list(question.ids)
            own = [token for token in ids[question.first : question.end] if _kept(chance)]
            batch.questions.append([*ids[: question.first], *own, *ids[question.end :]])
            batch.own.append((question.first, question.first + len(own)))
            batch.right_paragraph.append(len(batch.paragraphs))
            batch.right_sentence.append(len(batch.sentences) + question.right[language])
        batch.paragraphs.append(paragraph)
        titled = chance.random() < _TITLED_SHARE
        batch.sentences.extend(paragraph.titled if titled else paragraph.sentences)
    return batch


def _kept(chance: random.Random) -> bool:
    return chance.random() >= _LEFT_OUT


def _loss(bert: BertModel, batch: _Batch) -> Tensor:
    passages, passage_mask = _read(bert, [paragraph.ids for paragraph in batch.paragraphs])
    short, short_mask = _read(bert, [*batch.questions, *batch.sentences])
    count = len(batch.questions)
    device = passages.device
    right_paragraph = torch.tensor(batch.right_paragraph, device=device)
    right_sentence = torch.tensor(batch.right_sentence, device=device)

    whole = _unit_mean(short, short_mask)
    asked = whole[:count]
    loss = _cross_entropy(asked @ _unit_mean(passages, passage_mask).T, right_paragraph)
    loss = loss + _cross_entropy(asked @ whole[count:].T, right_sentence)

    own = _own_tokens(batch.own, short.shape[1]).to(device)
    nearest = _nearest(short[:count], own, passages, batch)
    counts = own.sum(1, keepdim=True).clamp(min=1)
    by_sentence = (nearest * own[..., None]).sum(1) / counts
    loss = loss + _cross_entropy(by_sentence, right_sentence)
    sizes = [len(paragraph.sentences) for paragraph in batch.paragraphs]
    in_passages = torch.stack([part.amax(-1) for part in torch.split(nearest, sizes, dim=-1)], -1)
    by_passage = (in_passages * own[..., None]).sum(1) / counts
    return loss + _cross_entropy(by_passage, right_paragraph)


def _cross_entropy(cosines: Tensor, right: Tensor) -> Tensor:
    return functional.cross_entropy(cosines / _TEMPERATURE, right)


def _nearest(asked: Tensor, own: Tensor, passages: Tensor, batch: _Batch) -> Tensor:
    """Return the cosine of the nearest token, shape (questions, their tokens, sentences).

    As in the product, sentences have the tokens that the whole paragraph gives them, and what
    all tokens have in common is taken off.
    """
    width = passages.shape[-1]
    places, there = _token_places(batch.paragraphs, passages.shape[1])
    places, there = places.to(passages.device), there.to(passages.device)
    tokens = passages.reshape(-1, width)[places]
    tokens = _unit_without_mean(tokens, there).reshape(-1, width)
    questions = _unit_without_mean(asked, own).reshape(-1, width)
    cosines = (questions @ tokens.T).view(*asked.shape[:2], *places.shape)
    return cosines.masked_fill(~there, -2).amax(-1)


def _token_places(paragraphs: Sequence[Paragraph], length: int) -> tuple[Tensor, Tensor]:
    """Return the rows of each sentence's tokens, shape (sentences, most tokens), and which count.

    ``length`` is the number of tokens that each paragraph is filled up to.
    """
    rows: list[list[int]] = []
    for number, paragraph in enumerate(paragraphs):
        own: list[list[int]] = [[] for _ in paragraph.sentences]
        for token, sentence in enumerate(paragraph.sentence_of):
            if sentence >= 0:
                own[sentence].append(number * length + token)
        rows += own
    most = max(map(len, rows))
    places, there = np.zeros((len(rows), most), np.int64), np.zeros((len(rows), most), bool)
    for number, row in enumerate(rows):
        places[number, : len(row)], there[number, : len(row)] = row, True
    return torch.from_numpy(places), torch.from_numpy(there)


def _own_tokens(extents: Sequence[tuple[int, int]], length: int) -> Tensor:
    own = np.zeros((len(extents), length), bool)
    for row, (first, end) in zip(own, extents, strict=True):
        row[first:end] = True
    return torch.from_numpy(own)


def _read(bert: BertModel, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return the tokens' vectors, shape (texts, most tokens, width), and which tokens there are."""
    most = max(map(len, texts))
    ids = np.full((len(texts), most), bert.config.pad_token_id, np.int64)
    there = np.zeros((len(texts), most), bool)
    for number, text in enumerate(texts):
        ids[number, : len(text)], there[number, : len(text)] = text, True
    device = bert.device
    mask = torch.from_numpy(there).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        found = bert(torch.from_numpy(ids).to(device), attention_mask=mask)
    vectors: Tensor = found.last_hidden_state.float()
    return vectors, mask


def _unit_mean(vectors: Tensor, mask: Tensor) -> Tensor:
    mean = (vectors * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    return functional.normalize(mean, dim=-1)


def _unit_without_mean(vectors: Tensor, mask: Tensor) -> Tensor:
    mean = (vectors * mask[..., None]).sum((0, 1)) / mask.sum()
    return functional.normalize(vectors - mean, dim=-1)
