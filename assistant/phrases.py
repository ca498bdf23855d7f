"""The assistant's own fixed words, in the asker's language."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

_FALLBACK = "en"  # for a question in none of the six languages


def phrase(name: str, language: str, **values: str) -> str:
    """Return a phrase in a language, with its placeholders filled."""
    by_language = _phrases()[name]
    return by_language.get(language, by_language[_FALLBACK]).format(**values)


@lru_cache(maxsize=1)
def _phrases() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("assistant").joinpath("phrases.toml").read_text(encoding="utf-8"))
