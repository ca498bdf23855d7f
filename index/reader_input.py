"""What the reader is given: a question and a passage as token ids.

``<s> "query: " question </s> </s> "passage: " head ":" sentences </s>``, the head and each sentence
tokenised by itself. Training (``eval.training``) and the product both make their input here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Most tokens of the question, of the head, and of head and sentences together.
QUESTION_TOKENS, HEAD_TOKENS, PASSAGE_TOKENS = 64, 48, 288
START, PADDING, END, MASK = 0, 1, 2, 250001
# Between an earlier turn and the question that follows on it.
TURNS = " | "
# Of "query: ", which stays where the beginning of a question is left out.
_PREFIX_TOKENS = 2
# Part of the reader's fingerprint; change it whenever the same texts would give other tokens.
INPUT_VERSION = 1


@dataclass(frozen=True)
class SentenceTokens:
    """A sentence's token ids, and for each where it starts and ends in the sentence."""

    ids: list[int]
    places: list[tuple[int, int]]


class InputTokenizer:
    """Tokenises questions, heads and sentences by a tokenizer of the ``tokenizers`` library."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def question(self, text: str) -> list[int]:
        """Return the ids of a question. Of a longer one the end is kept, where the question is."""
        ids = self._ids("query: " + text)
        if len(ids) > QUESTION_TOKENS:
            return ids[:_PREFIX_TOKENS] + ids[_PREFIX_TOKENS - QUESTION_TOKENS :]
        return ids

    def head(self, text: str) -> list[int]:
        """Return the ids of what stands before a passage: title and headings, may be empty."""
        return self._ids("passage: " + text + (":" if text else ""))[:HEAD_TOKENS]

    def sentence(self, text: str) -> SentenceTokens:
        """Return the tokens of one sentence; there are none in white space."""
        if not text.strip():
            return SentenceTokens([], [])
        read = self._tokenizer.encode(text, add_special_tokens=False)
        # A token may begin with the space before it, which is no part of the words.
        places = [(end - len(text[start:end].lstrip()), end) for start, end in read.offsets]
        return SentenceTokens(read.ids, places)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def whole_input(question: list[int], passage: list[int]) -> list[int]:
    """Join the ids of a question and of a passage's head and sentences to the reader's input."""
    return [START, *question, END, END, *passage, END]


def passage_offset(question: list[int]) -> int:
    """Return how many tokens of the input stand before those of the passage."""
    return len(question) + 3
