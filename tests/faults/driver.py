"""Makes trouble: ``python -m tests.faults.driver MODEL FOLDER KIND=TRIALS …``.

Preloaded with ``faults.c``. Prints one JSON object: by kind, how many trials and which problems.
TRIALS 0 stands for every step. With ``--without PART`` that part of the product is taken out first,
and problems should be found.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import json
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

import index.generations
from tests.faults.power import Disk, put_in_place
from tests.faults.scene import Scene, in_child, result_of, scene, wait_a_little, wrong_answers

COUNT, KILL, FULL = 0, 1, 2


def main() -> None:
    """Run the kind of trouble that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kinds", nargs="+", metavar="KIND=TRIALS")
    parser.add_argument("--without", choices=("rename", "fsync"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # threads do not survive a fork
    random.seed(1)
    with contextlib.redirect_stdout(io.StringIO()):
        first = scene(arguments.folder / "first", arguments.model)
        found = {}
        for kind, trials in (text.split("=") for text in arguments.kinds):
            base = first.at(arguments.folder / kind / "base")
            done, problems = KINDS[kind](base, int(trials), arguments.without)
            found[kind] = {"trials": done, "problems": problems}
    print(json.dumps(found))


def kills(base: Scene, trials: int, without: str | None) -> tuple[int, list[str]]:
    """End a sync at each step that it takes on the index folder, and sync once more."""
    return _at_steps(base, trials, KILL, without)


def full_disk(base: Scene, trials: int, without: str | None) -> tuple[int, list[str]]:
    """Let each write of a sync, and all after it, fail; then sync once more."""
    return _at_steps(base, trials, FULL, without)


def _at_steps(base: Scene, trials: int, mode: int, without: str | None) -> tuple[int, list[str]]:
    steps = list(range(1, _steps_of_a_sync(base, without) + 1))
    chosen = sorted(random.sample(steps, min(trials, len(steps)))) if trials else steps
    problems: list[str] = []
    for at in chosen:
        with _copy(base) as trial:
            trial.write(2)
            code = result_of(in_child(lambda: _armed(trial, mode, at, without)))  # noqa: B023
            expected = {-signal.SIGKILL} if mode == KILL else {0, 1}
            found = [] if code in expected else [f"exit code {code}"]
            found += trial.problems((1, 2))
            if mode == FULL and (trial.index / "building").exists():
                found.append("the folder of the failed build is left")
            if not without:
                found += _next_sync(trial, 2)
            problems += [f"step {at}: {problem}" for problem in found]
    return len(chosen), problems


def random_kills(base: Scene, trials: int, without: str | None) -> tuple[int, list[str]]:
    """End syncs at random moments while a reader asks without a pause."""
    del without
    heard = base.base.parent / "heard"
    heard.write_text("", encoding="utf-8")
    asker = in_child(lambda: _ask_forever(base, heard))
    problems: list[str] = []
    killed, version, draw = 0, 1, random.Random(7)
    while killed < trials:
        version += 1
        base.write(version)
        pid = in_child(base.sync)
        wait_a_little(draw, 0.6)
        os.kill(pid, signal.SIGKILL)
        killed += result_of(pid) == -signal.SIGKILL
        problems += base.problems(range(version + 1))
        if version % 10 == 0:
            problems += _next_sync(base, version)
    problems += _next_sync(base, version)
    os.kill(asker, signal.SIGTERM)
    result_of(asker)
    lines = heard.read_text(encoding="utf-8").splitlines()
    asked = sum(line == "right" for line in lines)
    problems += [line for line in lines if line != "right"]
    if asked < trials:
        problems.append(f"only {asked} questions were asked")
    return killed, problems


def races(base: Scene, trials: int, without: str | None) -> tuple[int, list[str]]:
    """Start two syncs at once: one does it, the other is told that the index is held."""
    del without
    problems = []
    for trial in range(trials):
        base.write(trial + 2)
        gate, opener = os.pipe()
        pids = [in_child(lambda: _behind(gate, opener, base)) for _ in range(2)]  # noqa: B023
        os.close(opener)  # both stop waiting at this moment
        os.close(gate)
        codes = sorted(map(result_of, pids))
        if codes != [0, 5]:
            problems.append(f"race {trial}: exit codes {codes}")
        problems += base.problems((trial + 2,)) + base.lost()
        if trial % 20 == 0:
            for old in sorted((base.index / "generations").iterdir())[:-2]:
                shutil.rmtree(old)
    return trials, problems


def power_cuts(base: Scene, trials: int, without: str | None) -> tuple[int, list[str]]:
    """Look at all that could be on the disk if the power failed during a sync.

    ``trials`` of the states, all for 0, are brought up to date by another sync.
    """
    states = base.base.parent / "states"
    base.write(2)

    def followed() -> int:
        disk = Disk(base.index, states)
        disk.follow(ignoring_syncs=without == "fsync")
        code = base.sync()
        disk.snapshot()
        return code

    code = result_of(in_child(followed))
    problems = [] if code == 0 else [f"exit code {code}"]
    found = sorted(states.iterdir())
    resumed = random.sample(found, min(trials, len(found))) if trials else found
    for state in found:
        put_in_place(state, base.index)
        last = state.name.startswith(found[-1].name[:4])
        wrong = base.problems((2,) if last else (1, 2))
        if not without and state in resumed:
            wrong += _next_sync(base, 2)
        problems += [f"{state.name}: {problem}" for problem in wrong]
    return len(found), problems


def _next_sync(trial: Scene, version: int) -> list[str]:
    code = result_of(in_child(trial.sync))
    found = [] if code == 0 else [f"the next sync ended with {code}"]
    return found + trial.problems((version,)) + [f"lost: {path}" for path in trial.lost()]


def _steps_of_a_sync(base: Scene, without: str | None) -> int:
    with _copy(base) as trial:
        trial.write(2)
        counted = trial.base / "steps"

        def counting() -> int:
            code = _armed(trial, COUNT, 0, without)
            counted.write_text(str(ctypes.CDLL(None).fault_steps()))
            return code

        if result_of(in_child(counting)):
            raise SystemExit("The sync that counts its steps failed.")
        return int(counted.read_text())


def _armed(trial: Scene, mode: int, at: int, without: str | None) -> int:
    if without == "rename":
        _take_out_renaming()
    ctypes.CDLL(None).fault_arm(os.fsencode(trial.index), mode, ctypes.c_long(at))
    return trial.sync()


def _take_out_renaming() -> None:
    """Let files be copied over each other, and folders file by file, instead of being renamed."""

    def copied(self: Path, target: Path) -> Path:
        if self.is_dir():
            shutil.copytree(self, target)
            shutil.rmtree(self)
        else:
            target.write_bytes(self.read_bytes())
            self.unlink()
        return target

    Path.replace = copied  # type: ignore[method-assign, assignment]
    Path.rename = copied  # type: ignore[method-assign, assignment]


def _ask_forever(base: Scene, heard: Path) -> int:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    engine, pinned = None, None
    with heard.open("a", encoding="utf-8") as lines:
        while True:
            try:
                current = index.generations.published_generation(base.index)
                if engine is None or pinned != current:
                    engine, pinned = base.engine(), current
                found = wrong_answers(engine, range(10_000))
            except Exception as error:
                found = [f"{type(error).__name__}: {error}"]
            lines.write("".join(f"{line}\n" for line in found) or "right\n")
            lines.flush()


def _behind(gate: int, opener: int, base: Scene) -> int:
    os.close(opener)
    os.read(gate, 1)
    return base.sync()


@contextlib.contextmanager
def _copy(base: Scene) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory(dir=base.base.parent) as folder:
        yield base.at(Path(folder) / "trial")


KINDS: dict[str, Callable[[Scene, int, str | None], tuple[int, list[str]]]] = {
    "kills": kills,
    "full-disk": full_disk,
    "random-kills": random_kills,
    "races": races,
    "power-cuts": power_cuts,
}

if __name__ == "__main__":
    main()
