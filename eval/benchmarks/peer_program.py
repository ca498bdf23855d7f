"""Measures one system in a process of its own: ``python peer_program.py SYSTEM.py TASK.json``.

It runs in any environment: it imports the standard library, and ``SYSTEM.py`` by its path. That
module has ``LIBRARIES``, the distributions whose versions are reported, and ``opened(task)``, which
imports what it needs, loads the model and returns an ``OpenedSystem``. The task is an object with

* ``paragraphs``: list of ``{"id": …, "text": …}``; ``questions``: list of texts
* ``model``: the sentence-transformers folder; ``query_prefix``, ``passage_prefix``
* ``folder``: an empty folder of this process; ``language``, ``embedder``, ``cache``: for ours

On stdout's last line it prints one JSON object: ``load_seconds`` (libraries and model),
``index_seconds`` (until the index is on disk and can be asked), ``query_ms`` and ``rankings`` (ids
of paragraphs, best first) by question, ``peak_memory_mb`` of this process, ``versions``.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Protocol

DEPTH = 10


class OpenedSystem(Protocol):
    """A system with its model loaded, and no index yet."""

    def index(self) -> None:
        """Index the paragraphs of the task, so that they lie on disk and can be searched."""
        ...

    def search(self, question: str, k: int) -> list[str]:
        """Return the ids of up to ``k`` paragraphs, best first."""
        ...


def measured(
    opened: Callable[[Mapping[str, Any]], OpenedSystem],
    libraries: Sequence[str],
    task: Mapping[str, Any],
) -> dict[str, Any]:
    """Open a system, index, ask every question once, and return what is printed."""
    began = time.perf_counter()
    system = opened(task)
    loaded = time.perf_counter()
    system.index()
    indexed = time.perf_counter()
    query_ms, rankings = [], []
    for question in task["questions"]:
        asked = time.perf_counter()
        rankings.append(system.search(question, DEPTH))
        query_ms.append((time.perf_counter() - asked) * 1000)
    return {
        "load_seconds": loaded - began,
        "index_seconds": indexed - loaded,
        "query_ms": query_ms,
        "rankings": rankings,
        "peak_memory_mb": _peak_memory_mb(),
        "versions": {"python": platform.python_version()}
        | {library: version(library) for library in libraries},
    }


def _peak_memory_mb() -> int:
    """Return the most memory that this process has held, of what Linux says.

    ``getrusage`` would not do: its maximum begins with that of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


def main(system: Path, task: Path) -> None:
    """Measure the system of a module on the task in a file, and print the figures."""
    spec = spec_from_file_location("system", system)
    if spec is None or spec.loader is None:
        raise ImportError(f"{system} is no Python module")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    read = json.loads(task.read_text(encoding="utf-8"))
    found = measured(module.opened, module.LIBRARIES, read)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
