"""How well a reader reads: figures on examples that it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eval.training.encoded import ANSWERS, CONTRADICTS, Encoded, batch_of, batches
from eval.training.network import ReaderNetwork

_TOKENS = 16384
_ABSENT = -30.0
# Of the passage's logit in the score of a question, beside that of its best sentence.
_PASSAGE_SHARE = 0.5
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Prediction:
    """Logits for an example: by sentence (n,) whether it answers and contradicts; the passage's."""

    row: Encoded
    answers: Floats
    contradicts: Floats
    passage: float

    @property
    def score(self) -> float:
        """How probably the question is answered."""
        return float(self.answers.max()) + _PASSAGE_SHARE * self.passage

    @property
    def answerable(self) -> bool:
        return ANSWERS in self.row.labels

    @property
    def denied(self) -> bool:
        return CONTRADICTS in self.row.labels

    def finds(self, label: int) -> bool:
        """Tell whether the first sentence by the logits for a label has that label."""
        logits = self.answers if label == ANSWERS else self.contradicts
        return self.row.labels[int(logits.argmax())] == label


def predictions(network: ReaderNetwork, rows: Sequence[Encoded], device: str) -> list[Prediction]:
    """Read examples, in no particular order."""
    network.train(mode=False)
    found = []
    for batch in batches(rows, _TOKENS):
        filled = batch_of(batch)
        arrays = (filled.ids, filled.there, filled.sentence_of)
        ids, there, sentence_of = (torch.from_numpy(array).to(device) for array in arrays)
        with torch.no_grad():
            output = network(ids, there, sentence_of, filled.labels.shape[1])
        logits = output.sentences.masked_fill(~output.there[..., None], _ABSENT).cpu().numpy()
        passages = output.passage.cpu().numpy()
        for row, sentences, passage in zip(batch, logits, passages, strict=True):
            own = sentences[: len(row.labels)]
            found.append(Prediction(row, own[:, 0], own[:, 1], float(passage)))
    return found


def figures(found: Sequence[Prediction]) -> dict[str, Any]:
    """Return AUROCs and shares of questions whose first sentence is right, whole and by kind."""
    right = [prediction for prediction in found if prediction.answerable]
    wrong = [prediction for prediction in found if not prediction.answerable]
    result: dict[str, Any] = {
        "questions": len(found),
        "answerable": _rounded(auroc([p.score for p in right], [p.score for p in wrong])),
        "answerable, by the best sentence": _rounded(
            auroc([p.answers.max() for p in right], [p.answers.max() for p in wrong])
        ),
        "answerable, by the passage": _rounded(
            auroc([p.passage for p in right], [p.passage for p in wrong])
        ),
        "right sentence first": _share([p.finds(ANSWERS) for p in right]),
    }
    denied = [p for p in found if p.denied]
    others = [p for p in found if not p.denied]
    if denied:
        result["contradicted"] = _rounded(
            auroc([p.contradicts.max() for p in denied], [p.contradicts.max() for p in others])
        )
        result["contradicting sentence first"] = _share([p.finds(CONTRADICTS) for p in denied])
    result["kinds"] = _by(found, right, wrong, "kind")
    result["languages"] = _by(found, right, wrong, "language")
    return result


def _by(
    found: Sequence[Prediction], right: Sequence[Prediction], wrong: Sequence[Prediction], key: str
) -> dict[str, Any]:
    """Return figures of each kind: its own questions against all of the other sort."""
    groups: dict[str, list[Prediction]] = defaultdict(list)
    for p in found:
        groups[getattr(p.row, key)].append(p)
    result = {}
    for name, group in sorted(groups.items()):
        own_right = [p.score for p in group if p.answerable]
        own_wrong = [p.score for p in group if not p.answerable]
        row: dict[str, Any] = {"questions": len(group)}
        if own_right:
            row["answerable"] = _rounded(auroc(own_right, [p.score for p in wrong]))
            row["right sentence first"] = _share([p.finds(ANSWERS) for p in group if p.answerable])
        if own_wrong:
            row["unanswerable"] = _rounded(auroc([p.score for p in right], own_wrong))
        result[name] = row
    return result


def auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """Return how probably one of the first is above one of the second; None without such."""
    if not higher or not lower:
        return None
    every = np.concatenate([np.asarray(higher, float), np.asarray(lower, float)])
    _, place, counts = np.unique(every, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    above = ranks[: len(higher)].sum() - len(higher) * (len(higher) + 1) / 2
    return float(above / (len(higher) * len(lower)))


def _share(values: Sequence[bool]) -> float | None:
    return _rounded(float(np.mean(values))) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
