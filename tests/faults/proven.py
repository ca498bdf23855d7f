"""Has what the fault matrix proves changed since all of it last passed?

``python -m tests.faults.proven`` ends with 1 where it has; ``--write`` notes that it passed.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
NOTE = Path(__file__).with_name("proven.txt")
PROVEN = ("index", "ingest", "tests/faults")


def state() -> str:
    """Return the SHA-256 of the sources that the matrix proves: names and contents."""
    digest = hashlib.sha256()
    for folder in PROVEN:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in {".py", ".sql", ".c"}:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{file.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()


def main() -> int:
    """Compare, or with ``--write`` note, the state of the sources; return the exit code."""
    if "--write" in sys.argv:
        NOTE.write_text(state() + "\n", encoding="utf-8")
        return 0
    known = NOTE.read_text(encoding="utf-8").strip() if NOTE.exists() else ""
    return 0 if known == state() else 1


if __name__ == "__main__":
    sys.exit(main())
