"""Syncs that are killed, race each other, run out of disk or lose power: nothing is lost.

``tests/faults/faults.c`` is preloaded into the process under test; it ends the process, or lets
writes fail, at the step it is told. The fast tests take a sample of the steps, the slow ones all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled library."""
    compiler = shutil.which("gcc")
    if compiler is None:
        if os.environ.get("NO_TEST_MAY_BE_SKIPPED"):
            pytest.fail("gcc is missing: apt-get install gcc libc6-dev")
        pytest.skip("needs gcc: apt-get install gcc libc6-dev")
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    source = ROOT / "tests" / "faults" / "faults.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


class Trouble:
    """Runs the driver with the library preloaded."""

    def __init__(self, shim: Path, model: Path, folder: Path) -> None:
        self._shim, self._model, self._folder = shim, model, folder

    def __call__(self, kind: str, *options: str) -> dict[str, Any]:
        """Return how many trials there were, and the problems found."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.faults.driver", kind),
                *(str(self._model), str(self._folder), *options),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(self._shim), "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def trouble(shim: Path, tiny_model: Path, tmp_path: Path) -> Trouble:
    return Trouble(shim, tiny_model, tmp_path)


def _trials(fast: int, full: int) -> list[Any]:
    return [fast, pytest.param(full, marks=pytest.mark.slow)]


@pytest.mark.parametrize("trials", _trials(8, 0))
def test_a_sync_may_be_killed_at_every_step(trouble: Trouble, trials: int) -> None:
    found = trouble("kills", "--trials", str(trials))
    assert found["problems"] == []
    assert found["trials"] == trials or found["trials"] > 50


@pytest.mark.parametrize("trials", _trials(8, 0))
def test_every_write_may_fail_on_a_full_disk(trouble: Trouble, trials: int) -> None:
    found = trouble("full-disk", "--trials", str(trials))
    assert found["problems"] == []
    assert found["trials"] == trials or found["trials"] > 50


@pytest.mark.parametrize("trials", _trials(8, 300))
def test_syncs_may_be_killed_at_any_moment_while_a_reader_asks(
    trouble: Trouble, trials: int
) -> None:
    assert trouble("random-kills", "--trials", str(trials)) == {"trials": trials, "problems": []}


@pytest.mark.parametrize("trials", _trials(4, 200))
def test_of_two_syncs_one_wins_and_the_other_is_told(trouble: Trouble, trials: int) -> None:
    assert trouble("races", "--trials", str(trials)) == {"trials": trials, "problems": []}


def test_the_power_may_fail_at_any_step(trouble: Trouble) -> None:
    found = trouble("power-cuts")
    assert found["problems"] == []
    assert found["trials"] > 20


def test_without_syncing_to_disk_a_power_cut_loses_the_index(trouble: Trouble) -> None:
    problems = trouble("power-cuts", "--without", "fsync")["problems"]
    assert any("is missing or damaged" in problem for problem in problems)
    assert any("CURRENT is damaged" in problem for problem in problems)


@pytest.mark.slow
def test_without_renaming_a_kill_leaves_half_an_index(trouble: Trouble) -> None:
    problems = trouble("kills", "--without", "rename")["problems"]
    assert any("CURRENT" in problem for problem in problems)
    assert any("generations" in problem for problem in problems)
