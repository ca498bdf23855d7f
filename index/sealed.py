"""Small JSON files that cannot be damaged unnoticed: each carries the checksum of its content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from corpus.errors import DamagedIndexError


def seal(content: Any) -> bytes:
    """Return the bytes of a file that holds this JSON value and its checksum."""
    checksum = hashlib.sha256(_compact(content)).hexdigest()
    sealed = {"content": content, "sha256": checksum}
    return json.dumps(sealed, ensure_ascii=False, indent=1).encode() + b"\n"


def unseal(data: bytes, name: str) -> Any:
    """Return the value that ``seal`` was given.

    The file must have the very bytes that sealing its content gives, so that a change is
    noticed wherever it is, white space included. Raises DamagedIndexError, naming the file.
    """
    try:
        content = json.loads(data)["content"]
        whole = seal(content) == data
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise DamagedIndexError(f"{name} is damaged: its checksum does not fit.")
    return content


def _compact(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
