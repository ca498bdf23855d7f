"""Small readers that stand in for the trained one, where a test is not about reading."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.calibration import Calibration, Logistic
from index.reader_model import ABSENT, PassageInput, PassageReading, SentenceReading

# The logit of a sentence is its score, and a question is answered from a logit of 0 on.
PLAIN = Calibration(
    Logistic({"answers": 1.0}, 0.0), Logistic({"best": 1.0}, 0.0), 0.5, 2.0, 3.0, 1.0, "plain"
)
_WORD = re.compile(r"\w{4,}|\d+")


class Finder:
    """A reader for which the sentences with given words answer, or contradict, by given logits."""

    def __init__(
        self, answers: dict[str, float], contradicts: dict[str, float] | None = None
    ) -> None:
        self.answers, self.contradicts = answers, contradicts or {}
        self.asked: list[str] = []
        self.read_passages: list[PassageInput] = []

    def read(self, question: str, passages: Sequence[PassageInput]) -> list[PassageReading]:
        self.asked.append(question)
        self.read_passages += passages
        return [_passage([self._sentence(text) for text in p.sentences]) for p in passages]

    def _sentence(self, text: str) -> SentenceReading:
        words, logit = next(
            ((words, logit) for words, logit in self.answers.items() if words in text), ("", -9.0)
        )
        place = text.find(words)
        against = next((v for words, v in self.contradicts.items() if words in text), -9.0)
        span = (place, place + len(words)) if words else None
        return SentenceReading(logit, against, span, 1.0 if words else ABSENT)


class WordReader:
    """A reader that goes by the words that question and sentence share."""

    def read(self, question: str, passages: Sequence[PassageInput]) -> list[PassageReading]:
        asked = set(_WORD.findall(question.casefold()))
        return [
            _passage(
                [
                    SentenceReading(
                        6.0 * len(asked & set(_WORD.findall(text.casefold()))) / (len(asked) or 1)
                        - 2.0,
                        ABSENT,
                        None,
                        ABSENT,
                    )
                    for text in passage.sentences
                ]
            )
            for passage in passages
        ]


def _passage(sentences: list[SentenceReading]) -> PassageReading:
    best = max((sentence.answers for sentence in sentences), default=ABSENT)
    return PassageReading(best, tuple(sentences), None, ABSENT)
