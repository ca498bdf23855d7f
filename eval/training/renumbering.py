"""Examples made from others by changing a year or another number that a question names.

Editions, years and numbered bodies are where a reader errs most. A number that stands in the
question and in the passage is changed in one of them, and the passage does not answer any more; in
both, and it does; or in a copy of the right sentence, which is then the wrong one of two.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace

from eval.training.examples import Example
from index.reader_input import TURNS

_NUMBER = re.compile(r"(?<![\w.,/-])\d{1,4}(?![\d/-]|[.,]\d)")
_FURTHEST = 4
_DAYS = 28
# How often each change is made.
_SHARES = {"question": 0.4, "passage": 0.2, "both": 0.1, "sibling": 0.3}
_WEIGHT = 1.0


def renumbered(example: Example, chance: random.Random) -> Example | None:
    """Return an example with another number; None where the question shares none.

    Only what is answered can be changed, and only by a number that the passage does not have. What
    a question follows on is left alone, as the number in it may be the one that was asked before.
    """
    if not example.right or TURNS in example.question:
        return None
    said = "\n".join((example.head, *example.sentences))
    shared = [number for number in _numbers(example.question) if number in _numbers(said)]
    if not shared:
        return None
    old = chance.choice(shared)
    taken = set(_numbers(said + "\n" + example.question))
    offsets = [n for n in range(-_FURTHEST, _FURTHEST + 1) if n]
    free = [str(int(old) + n) for n in offsets if int(old) + n > 0]
    free = [number for number in free if number not in taken and _alike(number, old)]
    if not free:
        return None
    (way,) = chance.choices(list(_SHARES), list(_SHARES.values()))
    changed = _WAYS[way](example, old, chance.choice(free), chance)
    return changed and replace(changed, weight=_WEIGHT, denials_known=False)


def _alike(new: str, old: str) -> bool:
    """Tell whether both have as many digits and both, or neither, could be the day of a month."""
    return len(new) == len(old) and (int(new) <= _DAYS) == (int(old) <= _DAYS)


def _numbers(text: str) -> list[str]:
    return list(dict.fromkeys(_NUMBER.findall(text)))


def _with(text: str, old: str, new: str) -> str:
    return _NUMBER.sub(lambda found: new if found[0] == old else found[0], text)


def _unanswered(example: Example) -> Example:
    return replace(example, right=(), contradicts=(), span=None)


def _in_question(example: Example, old: str, new: str, _: random.Random) -> Example | None:
    return _unanswered(replace(example, question=_with(example.question, old, new)))


def _in_passage(example: Example, old: str, new: str, _: random.Random) -> Example | None:
    sentences = tuple(_with(sentence, old, new) for sentence in example.sentences)
    head = _with(example.head, old, new)
    return _unanswered(replace(example, head=head, sentences=sentences))


def _in_both(example: Example, old: str, new: str, _: random.Random) -> Example | None:
    sentences = tuple(_with(sentence, old, new) for sentence in example.sentences)
    return replace(
        example,
        question=_with(example.question, old, new),
        head=_with(example.head, old, new),
        sentences=sentences,
        span=None,
    )


def _with_sibling(example: Example, old: str, new: str, chance: random.Random) -> Example | None:
    """Put a changed copy before or behind the right sentence, where that names the number."""
    (place, *others) = example.right
    copy = _with(example.sentences[place], old, new)
    if others or copy == example.sentences[place]:
        return None
    sentences = list(example.sentences)
    behind = chance.random() < 1 / 2
    inserted = place + behind
    sentences.insert(inserted, copy)
    span = example.span
    right = place if behind else place + 1
    return replace(
        example,
        sentences=tuple(sentences),
        right=(right,),
        contradicts=tuple(n + (n >= inserted) for n in example.contradicts),
        span=(right, span[1], span[2]) if span else None,
    )


_WAYS: dict[str, Callable[[Example, str, str, random.Random], Example | None]] = {
    "question": _in_question,
    "passage": _in_passage,
    "both": _in_both,
    "sibling": _with_sibling,
}
