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


def _trouble(shim: Path, model: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run the driver with the library preloaded, and return what it found, by kind."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.driver", str(model), str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(shim), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


KINDS = ("kills", "full-disk", "random-kills", "races", "power-cuts")


@pytest.fixture(scope="module")
def sample(
    shim: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A few trials of each kind, in one process, as loading the model takes longest."""
    folder = tmp_path_factory.mktemp("sample")
    return _trouble(shim, tiny_model, folder, *(f"{kind}=4" for kind in KINDS))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_all_trouble_does_no_harm(sample: dict[str, Any], kind: str) -> None:
    assert sample[kind]["problems"] == []
    assert sample[kind]["trials"] >= 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "trials", "least"),
    [
        ("kills", 0, 60),  # every step
        ("full-disk", 0, 60),
        ("random-kills", 300, 300),
        ("races", 200, 200),
        ("power-cuts", 0, 20),
    ],
)
def test_all_trouble_does_no_harm(
    shim: Path, tiny_model: Path, tmp_path: Path, kind: str, trials: int, least: int
) -> None:
    found = _trouble(shim, tiny_model, tmp_path, f"{kind}={trials}")[kind]
    assert found["problems"] == []
    assert found["trials"] >= least


def test_without_syncing_to_disk_a_power_cut_loses_the_index(
    shim: Path, tiny_model: Path, tmp_path: Path
) -> None:
    found = _trouble(shim, tiny_model, tmp_path, "power-cuts=0", "--without", "fsync")
    problems = found["power-cuts"]["problems"]
    assert any("manifest.json is damaged" in problem for problem in problems)
    assert any("CURRENT is damaged" in problem for problem in problems)


@pytest.mark.slow
def test_without_renaming_a_kill_leaves_half_an_index(
    shim: Path, tiny_model: Path, tmp_path: Path
) -> None:
    found = _trouble(shim, tiny_model, tmp_path, "kills=0", "--without", "rename")
    problems = found["kills"]["problems"]
    assert any("CURRENT" in problem for problem in problems)
    assert any("generations" in problem for problem in problems)
