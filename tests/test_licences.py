"""No dependency may be under the GPL or AGPL, and the lock names what is installed."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

LOCK = Path(__file__).parent.parent / "requirements.lock"
LINES = [line for line in LOCK.read_text("utf-8").splitlines() if line and not line.startswith("#")]
_GPL = re.compile(r"(?<!L)(?<!Lesser )\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)


@pytest.mark.parametrize("line", LINES)
def test_the_lock_has_exact_versions_and_no_index_or_hash(line: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line


@pytest.mark.parametrize("line", LINES)
def test_the_licence_is_compatible(line: str) -> None:
    name, _, version = line.partition("==")
    found = distribution(name)
    assert found.version.split("+")[0] == version
    metadata = found.metadata
    expression = " ".join(metadata.get_all("License-Expression") or [])
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License")]
    # A whole licence text in the old field may speak of the GPL; its first line names it.
    declared = "\n".join(metadata.get_all("License") or []).strip().splitlines()[:1]
    stated = " / ".join([expression, *classifiers, *declared])
    # Of two licences to choose from, one that is compatible is enough.
    choices = re.split(r"\bOR\b", stated) if " OR " in expression else [stated]
    assert not all(_GPL.search(choice) for choice in choices), f"{name}: {stated}"


def test_torch_is_locked_without_a_local_suffix() -> None:
    assert "torch==2.13.0" in LINES


def test_nothing_of_cuda_is_locked() -> None:
    assert not [line for line in LINES if line.startswith(("nvidia", "triton", "cuda"))]
