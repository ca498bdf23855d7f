"""What a question must be before it is searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.rules.demand import designations
from corpus.errors import UsageError
from corpus.text import fold_space
from index.analysis import function_words, terms
from index.language import UN_LANGUAGES, detect_language

# A page of text; the embedder reads at most 512 tokens of it.
MAX_CHARACTERS = 2_000
_TURNS = 3
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
    """Return the last turn of a conversation so that it can be searched for by itself.

    A later turn is searched together with the two before, of which one names what it speaks of.
    With one before, 18 of the 22 turns of the development set had all facts, with two all 22. What
    the last turn names replaces its siblings: after "Who opened GSR-24?", "And GSR-25?" asks who
    opened that. The result is cut at the front to MAX_CHARACTERS.
    """
    *former, last = turns[-_TURNS:]
    return " ".join((*(_of_the_same(turn, last) for turn in former), last))[-MAX_CHARACTERS:]


def _of_the_same(former: str, last: str) -> str:
    """Return a former turn with the designations in it as the last turn has them.

    Where the last turn asks of nothing but one designation, it takes any one's place.
    """
    for family, numbers in designations(last).items():
        written = _designated(family, "|".join(map(re.escape, numbers))).search(last)
        if not written or len(numbers) != 1:
            continue
        before = designations(former)
        alone = len(before) == 1 and _asks_only(written.group(), last)
        for other in before if alone else [family]:
            former = _designated(other, r"[a-z0-9]*\d[a-z0-9]*").sub(written.group(), former)
    return former


def _asks_only(name: str, turn: str) -> bool:
    """Tell whether a turn has no word of its own but a name: "And GSR-25, when was that?"."""
    language = question_language(turn, "en")
    return frozenset(terms(turn, language)) <= frozenset(terms(name, language))


def _designated(family: str, number: str) -> re.Pattern[str]:
    marks = r"[-\u2010\u2011./]"
    return re.compile(rf"(?<![\w./-]){re.escape(family)}{marks}(?:{number})(?!\w)", re.IGNORECASE)


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
