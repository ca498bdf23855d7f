"""A virtual environment for each peer, of versions that are pinned, made once and kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from corpus.errors import AssistantError

_MARKER = "installed.txt"  # written last: what was installed
_SHOWN = 5
_ENCODER = ("faiss-cpu==1.15.1", "numpy==2.4.6", "transformers==5.23.0", "tokenizers==0.23.3")
# Peer → what pip installs, one call for each row. Torch comes first and alone: pip takes the build
# that its configuration offers (CONTRIBUTING.md), and nothing that follows may bring another.
REQUIREMENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "txtai": (("torch==2.13.0",), ("txtai==9.14.0", *_ENCODER)),
    "LlamaIndex": (
        ("torch==2.13.0",),
        (
            "llama-index-core==0.14.25",
            "llama-index-vector-stores-faiss==0.7.0",
            "llama-index-embeddings-huggingface==0.8.0",
            "sentence-transformers==6.2.0",
            *_ENCODER,
        ),
    ),
}


def environment(name: str, requirements: Sequence[Sequence[str]], work: Path) -> Path:
    """Return the Python of a peer's environment below ``work``, made where it is not there whole.

    One that was broken off, or has other versions, is made anew. Raises AssistantError when venv
    or pip fail.
    """
    folder = work / name.lower()
    python = folder / "bin" / "python"
    wanted = "".join(f"{' '.join(row)}\n" for row in requirements)
    marker = folder / _MARKER
    if python.exists() and marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run(name, folder, [sys.executable, "-m", "venv", str(folder)])
    for row in requirements:
        _run(name, folder, [str(python), "-I", "-m", "pip", "install", "--quiet", *row])
    marker.write_text(wanted, encoding="utf-8")
    return python


def _run(name: str, folder: Path, command: Sequence[str]) -> None:
    """Run one step. Raises AssistantError with its last words when it fails."""
    done = subprocess.run(  # noqa: S603
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()[-_SHOWN:])
        raise AssistantError(
            f"The environment of {name} in {folder} cannot be made. This failed:\n"
            f"  {' '.join(command)}\n{said}\n"
            "The folder must be writable, with 2 GB free, and pip must reach the packages. "
            "Mend this and run the command again; what is half made is made anew."
        )
