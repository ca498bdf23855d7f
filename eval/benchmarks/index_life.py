"""How long a sync takes and what memory it needs, by the size of the corpus.

Every sync is the command, in a process of its own, over synthetic documents.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus.errors import AssistantError
from eval.benchmarks.synthetic import write_document, write_model
from index.generations import Generation, generation_folder

PASSAGES_OF_A_DOCUMENT = 20
_OPENINGS = 5
Progress = Callable[[str, int, int], None]


def bench_index(documents: int, passages: int, out: Path, progress: Progress) -> dict[str, Any]:
    """Measure the life of indexes below ``out``, and return the figures.

    Over ``documents`` documents: a sync with nothing changed, with one document changed, with
    one catalogue entry changed. Over ``passages`` passages and over a tenth of them: opening a
    generation, and the memory of a sync with one document changed.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "model").exists():
        write_model(out / "model")
    sizes = (passages // 10, passages)
    steps = 1 + len(sizes)
    progress(f"{documents} documents", 0, steps)
    found: dict[str, Any] = {"documents": documents, "syncs": _small_syncs(documents, out)}
    found["sizes"] = []
    for n, size in enumerate(sizes, 1):
        progress(f"{size} passages", n, steps)
        found["sizes"].append(_at_size(size, out))
    progress("", steps, steps)
    small, large = found["sizes"]
    found["growth_mb"] = {
        "memory": large["peak_memory_mb"] - small["peak_memory_mb"],
        "vectors": large["vectors_mb"] - small["vectors_mb"],
    }
    (out / "bench.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _small_syncs(documents: int, out: Path) -> dict[str, Any]:
    base = out / f"documents-{documents}"
    corpus = _corpus(base, documents)
    _sync(base, out)
    unchanged = min((_sync(base, out) for _ in range(3)), key=lambda row: float(row["seconds"]))
    write_document(corpus, documents + 1, PASSAGES_OF_A_DOCUMENT).replace(
        corpus / "document-00000.md"
    )
    changed = _sync(base, out)
    (corpus / "catalogue.toml").write_text(
        '[[document]]\npath = "document-00001.md"\ntitle = "Another title"\n', encoding="utf-8"
    )
    described = _sync(base, out)
    shutil.rmtree(base)
    return {
        "nothing changed": unchanged,
        "one document changed": changed,
        "one catalogue entry changed": described,
    }


def _at_size(passages: int, out: Path) -> dict[str, Any]:
    base = out / f"passages-{passages}"
    corpus = _corpus(base, passages // PASSAGES_OF_A_DOCUMENT)
    first = _sync(base, out)
    folder = generation_folder(base / "index", first["generation"])
    seconds = [_seconds_to_open(folder) for _ in range(_OPENINGS)]
    write_document(corpus, passages, PASSAGES_OF_A_DOCUMENT).replace(corpus / "document-00000.md")
    small = _sync(base, out)
    sizes = {file.name: file.stat().st_size for file in folder.rglob("*") if file.is_file()}
    shutil.rmtree(base)
    return {
        "passages": first["counts"]["passages"],
        "sentences": first["counts"]["sentences"],
        "index_mb": round(sum(sizes.values()) / 1e6, 1),
        "vectors_mb": round((sizes["passages.vectors"] + sizes["sentences.npy"]) / 1e6, 1),
        "open_seconds": round(statistics.median(seconds), 3),
        "small_sync_seconds": small["seconds"],
        "small_sync_stages": small["stages"],
        "peak_memory_mb": small["peak_memory_mb"],
    }


def _corpus(base: Path, documents: int) -> Path:
    shutil.rmtree(base, ignore_errors=True)
    corpus = base / "documents"
    corpus.mkdir(parents=True)
    for number in range(documents):
        write_document(corpus, number, PASSAGES_OF_A_DOCUMENT)
    return corpus


def _sync(base: Path, out: Path) -> dict[str, Any]:
    """Run the command, and return its seconds, its stages and its peak memory in MB."""
    command = [
        *(sys.executable, "-m", "ingest", "sync", "--json", "--embedder", str(out / "model")),
        *("--corpus", str(base / "documents"), "--index", str(base / "index")),
    ]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    seconds = time.perf_counter() - began
    if done.returncode:
        raise AssistantError(f"A sync of the benchmark failed: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    stages = {stage["name"]: stage["seconds"] for stage in report["stages"]}
    return {
        "generation": report["generation"],
        "seconds": round(seconds, 2),
        "seconds_without_embedding": round(seconds - stages.get("embed", 0.0), 2),
        "stages": stages,
        "embedded": report["embedded"],
        "counts": report["counts"],
        "peak_memory_mb": report["peak_memory_mb"]["sync"],
    }


def _seconds_to_open(folder: Path) -> float:
    began = time.perf_counter()
    Generation(folder)
    return time.perf_counter() - began
