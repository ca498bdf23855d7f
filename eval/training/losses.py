"""What the reader is trained to make small."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from eval.training.encoded import ANSWERS, CONTRADICTS
from eval.training.network import Output

# Of each part in the whole: does a sentence answer, does it contradict, does the passage answer,
# which words answer, and which sentence answers best.
_ANSWERS, _CONTRADICTS, _PASSAGE, _SPAN, _FIRST = 2.0, 1.0, 1.0, 0.5, 0.5
_RIGHT_COUNTS = 2.0
_ABSENT = -30.0


def loss_of(
    output: Output, labels: Tensor, span: Tensor, weight: Tensor, denials_known: Tensor
) -> Tensor:
    """Return the mean loss of a batch, whose examples have weights; see ``encoded.Batch``."""
    answers = (labels == ANSWERS).float()
    there = output.there.float()
    counts = torch.where(answers > 0, _RIGHT_COUNTS, 1.0) * there
    each = _ANSWERS * _mean(_binary(output.sentences[..., 0], answers), counts)
    denies = _binary(output.sentences[..., 1], (labels == CONTRADICTS).float())
    each = each + _CONTRADICTS * _mean(denies, there) * denials_known
    each = each + _PASSAGE * _binary(output.passage, answers.amax(1))
    each = each + _SPAN * _span_loss(output.span, span)
    each = each + _FIRST * _first_loss(output, answers)
    return (each * weight).sum() / weight.sum()


def _binary(logits: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    return (values * counts).sum(1) / counts.sum(1).clamp(min=1)


def _span_loss(logits: Tensor, span: Tensor) -> Tensor:
    known = (span[:, 0] >= 0).float()
    ends = [
        functional.cross_entropy(logits[..., n], span[:, n].clamp(min=0), reduction="none")
        for n in (0, 1)
    ]
    return (ends[0] + ends[1]) * known / 2


def _first_loss(output: Output, answers: Tensor) -> Tensor:
    """Return the cross-entropy of the right sentences among all; nothing where none is right."""
    logits = output.sentences[..., 0].masked_fill(~output.there, _ABSENT)
    targets = answers / answers.sum(1, keepdim=True).clamp(min=1)
    return -(targets * functional.log_softmax(logits, 1)).sum(1)
