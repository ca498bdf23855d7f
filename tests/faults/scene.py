"""A corpus that changes from version to version, and what an index of it may look like."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from assistant.engine import Engine
from assistant.retrieval import HybridRetriever
from corpus.errors import AssistantError
from corpus.folder import file_sha256
from corpus.settings import Settings
from index.embedder import Embedder, load_embedder
from index.generations import generation_folder, generation_ids, open_generation
from index.pointer import damaged_pointers
from index.verification import problems_of
from ingest.__main__ import main as ingest
from tests.readers import PLAIN, WordReader

QUESTION = "The harbour register is at which edition?"


@dataclass(frozen=True)
class Scene:
    """A corpus and its index below ``base``, and the loaded model that all trials share."""

    base: Path
    model: Path
    embedder: Embedder

    @property
    def corpus(self) -> Path:
        return self.base / "documents"

    @property
    def index(self) -> Path:
        return self.base / "index"

    def at(self, base: Path) -> Scene:
        """Return a copy of this scene in another folder."""
        shutil.copytree(self.base, base)
        return Scene(base, self.model, self.embedder)

    def write(self, version: int) -> None:
        """Write the documents of a version: two change, one comes and goes, one moves.

        One that is for members is described anew: no shard may be of another version than the rest.
        """
        shutil.rmtree(self.corpus, ignore_errors=True)
        odd = version % 2
        for path, text in {
            "bees.md": "# Bees\n\nThe meadow network counts bees in 210 gardens.",
            "harbour.md": f"# Harbour\n\nThe harbour register is at edition {version}.",
            "tides.txt": f"Tides\nThe tide table is at edition {version}.",
            f"{'north' if odd else 'south'}/river.txt": "River\nThe river alert warns of floods.",
            **({"stars.txt": "Stars\nThe star atlas names 88 figures."} if odd else {}),
        }.items():
            file = self.corpus / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")
        (self.corpus / "catalogue.toml").write_text(
            f'[[document]]\npath = "bees.md"\nedition = "{version}"\naudience = "members"\n',
            encoding="utf-8",
        )

    def sync(self, *options: str) -> int:
        """Run the command in this process, and return its exit code."""
        return ingest(
            [
                *("sync", "--corpus", str(self.corpus), "--index", str(self.index)),
                *("--embedder", str(self.model), *options),
            ]
        )

    def engine(self) -> Engine:
        """Open what is published."""
        return Engine(
            HybridRetriever(open_generation(self.index), self.embedder), WordReader(), PLAIN
        )

    def problems(self, versions: Iterable[int]) -> list[str]:
        """Return what is wrong with what is served, which must be one of these versions."""
        try:
            engine = self.engine()
            found = wrong_answers(engine, versions)
        except (AssistantError, OSError) as error:
            return [f"{type(error).__name__}: {error}"]
        if engine.generation.warning:
            found.append(str(engine.generation.warning))
        found += damaged_pointers(self.index)
        for name in generation_ids(self.index):
            found += problems_of(generation_folder(self.index, name))
        return found

    def lost(self) -> list[str]:
        """Return the files that are not served, and what is served without being there."""
        served = {
            (indexed.document.path, indexed.document.sha256)
            for indexed in open_generation(self.index).records.documents()
        }
        there = {
            (file.relative_to(self.corpus).as_posix(), file_sha256(file))
            for file in self.corpus.rglob("*")
            if file.is_file() and file.name != "catalogue.toml"
        }
        return sorted(path for path, _ in served ^ there)


def scene(base: Path, model: Path) -> Scene:
    """Make a scene whose version 1 is published."""
    settings = Settings(embedder=str(model))
    made = Scene(base, model, load_embedder(str(model), settings.cache))
    made.write(1)
    if made.sync("--json"):
        raise AssistantError("The first sync failed.")
    return made


def wrong_answers(engine: Engine, versions: Iterable[int]) -> list[str]:
    """Ask, and return what is wrong: a failed answer, or parts of several versions."""
    answer = engine.answer(QUESTION)
    everything = " ".join([answer.text, *(hit.passage.text for hit in answer.retrieved)])
    texts = {hit.document.edition for hit in answer.retrieved if hit.document.path == "bees.md"} | {
        word.strip(".") for text in everything.split("edition ")[1:] for word in text.split()[:1]
    }
    if not answer.citations or len(texts) != 1 or texts.pop() not in set(map(str, versions)):
        return [f"{answer.status}: {answer.text!r}, {everything!r}"]
    return []


def in_child(work: Callable[[], int], *, quiet: bool = True) -> int:
    """Run some work in a forked process and return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        if quiet:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
        code = work()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def result_of(pid: int) -> int:
    """Wait for a process; returns its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_a_little(draw: random.Random, most: float) -> None:
    """Sleep a random time of up to so many seconds."""
    time.sleep(draw.uniform(0, most))
