"""The promotion gate: does a new generation answer the golden questions as the served one does?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from corpus.errors import AssistantError
from corpus.settings import ENVIRONMENT_PREFIX, Settings

# Beside the catalogue: cases as for `python -m eval run`, kept by staff.
GOLDEN_FILE = "golden.jsonl"
_ROOT = Path(__file__).parent.parent


def lost_golden_questions(settings: Settings, served: str, candidate: str) -> list[str]:
    """Return the questions that only the served generation answers, if the other answers fewer.

    Empty where the corpus has no ``golden.jsonl``. Both generations are asked by the command of
    the evaluation, in a process of its own. Raises AssistantError when they cannot be asked.
    """
    file = settings.corpus / GOLDEN_FILE
    if not file.is_file():
        return []
    answered = _answered(settings, file, (served, candidate))
    if len(answered[candidate]) >= len(answered[served]):
        return []
    return [text for key, text in answered[served].items() if key not in answered[candidate]]


def _answered(
    settings: Settings, file: Path, generations: tuple[str, str]
) -> dict[str, dict[str, str]]:
    """Return the text of the questions that each generation answers, by case and turn."""
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    asked = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "eval", "golden", "--cases", str(file), "--json"),
            *("--index", str(settings.index), "--generations", *generations),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            f"{ENVIRONMENT_PREFIX}CACHE": str(settings.cache),
        },
    )
    if asked.returncode:
        raise AssistantError(
            f"The golden questions in {file} could not be asked: {asked.stderr.strip()}"
        )
    found: dict[str, dict[str, str]] = json.loads(asked.stdout)["answered"]
    return found
