"""Detecting the language of documents and questions."""

from __future__ import annotations

import threading
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UN_LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")
# Enough to be sure of the language, and quick on a long document.
_SAMPLE_CHARACTERS = 20_000
_lock = threading.Lock()


def detect_language(text: str, among: tuple[str, ...] | None = None) -> str:
    """Return the BCP 47 tag of the language that most of a text is written in.

    ``among`` limits the choice, which a short text needs; None means every language known.
    """
    with _lock:
        return str(_identifier(among).classify(text[:_SAMPLE_CHARACTERS])[0])


@lru_cache(maxsize=4)
def _identifier(among: tuple[str, ...] | None) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    if among:
        identifier.set_languages(list(among))
    return identifier
