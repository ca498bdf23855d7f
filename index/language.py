"""Detecting the language of documents and questions."""

from __future__ import annotations

import re
import threading
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UN_LANGUAGES = ("ar", "en", "es", "fr", "ru", "zh")
# Enough to be sure of the language, and quick on a long document.
_SAMPLE_CHARACTERS = 20_000
# The UN languages that are known by their letters.
_SCRIPTS = {
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "zh": re.compile(r"[\u3400-\u9fff]"),
}
_lock = threading.Lock()


def detect_language(text: str, among: tuple[str, ...] | None = None) -> str:
    """Return the BCP 47 tag of the language that most of a text is written in.

    ``among`` limits the choice, which a short text needs; None means every language known. A
    language whose script does not occur in the text is left out of a limited choice.
    """
    if among:
        among = tuple(tag for tag in among if tag not in _SCRIPTS or _SCRIPTS[tag].search(text))
    with _lock:
        return str(_identifier(among).classify(text[:_SAMPLE_CHARACTERS])[0])


@lru_cache(maxsize=9)
def _identifier(among: tuple[str, ...] | None) -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    if among:
        identifier.set_languages(list(among))
    return identifier
