"""Documents of invented words, and a model that embeds them at once: size without meaning."""

from __future__ import annotations

import random
from pathlib import Path

_VOCABULARY = 5_000
_DIMENSION = 384  # that of the default embedder
_SENTENCES = 3
_WORDS = 18
_SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]


def write_document(folder: Path, number: int, passages: int) -> Path:
    """Write a Markdown document of so many passages, each under a heading of its own."""
    draw = random.Random(number)  # noqa: S311 - the same document every time
    parts = [f"# Document {number}"]
    for n in range(passages):
        sentences = (_sentence(draw) for _ in range(_SENTENCES))
        parts += [f"## {_word(draw)} {number}.{n}", " ".join(sentences)]
    file = folder / f"document-{number:05d}.md"
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return file


def write_model(folder: Path) -> None:
    """Write a sentence-transformers folder of a bag-of-words model over the invented words."""
    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = {_word(random.Random(n)): n + 1 for n in range(_VOCABULARY)}  # noqa: S311
    vocabulary = {"[UNK]": 0} | {word: n for n, word in enumerate(sorted(words), 1)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.random.default_rng(1).normal(size=(len(vocabulary), _DIMENSION))
    embedding = StaticEmbedding(tokenizer, embedding_weights=weights.astype(np.float32))
    SentenceTransformer(modules=[embedding], device="cpu").save(str(folder))


def _sentence(draw: random.Random) -> str:
    words = [_word(random.Random(draw.randrange(_VOCABULARY))) for _ in range(_WORDS)]  # noqa: S311
    return f"{' '.join(words).capitalize()} {draw.randrange(10_000)}."


def _word(draw: random.Random) -> str:
    return "".join(draw.choice(_SYLLABLES) for _ in range(draw.randint(2, 4)))
