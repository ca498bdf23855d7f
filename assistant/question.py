"""What a question must be before it is searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.errors import UsageError
from corpus.text import fold_space
from index.analysis import function_words
from index.language import UN_LANGUAGES, detect_language

# A page of text; the embedder reads at most 512 tokens of it.
MAX_CHARACTERS = 2_000
_TURNS = 3
# Where one thing that is asked for ends and another begins: words for "and" were tried as well, in
# six languages, and changed no figure (docs/measurements.md).
_PART_END = re.compile(r"(?<=[?？؟])\s*(?=\S)")
# The UN languages that share an alphabet, and so can be mistaken for each other.
_LATIN = frozenset({"en", "es", "fr"})


def checked_question(question: str) -> str:
    """Return a question on one line.

    Raises UsageError when it is empty, has no letter or digit, is too long, or holds half of a
    surrogate pair, as a broken JSON escape leaves it.
    """
    text = fold_space(question)
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise UsageError("The question holds a broken character. Ask again without it.")
    if not any(c.isalnum() for c in text):
        raise UsageError('The question is empty. Ask one, such as: "How many standards on AI?"')
    if len(text) > MAX_CHARACTERS:
        raise UsageError(
            f"The question has {len(text):,} characters; at most {MAX_CHARACTERS:,} can be read. "
            "Ask the question itself, without the text that surrounds it."
        )
    return text


def standalone_question(turns: Sequence[str]) -> str:
    """Return what a turn of a conversation is searched by: itself behind the two before it.

    Of those one names what it speaks of. The result is cut at the front to MAX_CHARACTERS.
    """
    return " ".join(turns[-_TURNS:])[-MAX_CHARACTERS:]


def parts_of(question: str) -> list[str]:
    """Return the parts of a question that asks for several things; none where it asks for one.

    Each part ends at a question mark.
    """
    parts = [part.strip() for part in _PART_END.split(question)]
    parts = [part for part in parts if any(c.isalnum() for c in part)]
    return parts if len(parts) > 1 else []


def question_language(text: str, usual: str) -> str:
    """Return the UN language of a question; ``usual`` is that of most documents asked.

    A few words without grammar, as in a message, say little: they are taken to be in the usual
    language, unless the detected one has more function words among them.
    """
    if "¿" in text:  # only Spanish opens a question with a mark
        return "es"
    found = detect_language(text, UN_LANGUAGES)
    if found == usual or not {found, usual} <= _LATIN:
        return found
    return usual if function_words(text, found) <= function_words(text, usual) else found
