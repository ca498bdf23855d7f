"""The questions that the decision is fitted on, each as features with its label.

Beside the questions as they are asked, answerable ones are made unanswerable in two ways: the
sentences that hold their evidence are taken away, or a year, figure, ordinal or name is exchanged.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.composer import Candidate, candidates, compose
from assistant.decision import decision_features
from assistant.demand import demand, spelled
from assistant.query_engine import QueryEngine, open_query_engine
from assistant.sentences import term_weights
from assistant.versions import in_askers_version, in_one_version
from corpus.settings import Settings
from corpus.text import fold
from eval.cases import read_cases
from eval.datasets import squad

# Of the questions taken from each file, this part is asked of an index on other subjects.
FOREIGN_SHARE = 8
FOREIGN = "foreign to"
OFF_TOPIC = "off topic"
ASKED, TAKEN_AWAY, ALTERED = "asked", "evidence taken away", "altered"


@dataclass(frozen=True)
class Asked:
    """A question, where it is asked, and what an answer must stand in; none if unanswerable."""

    text: str
    group: str
    kind: str
    language: str
    evidence: tuple[str, ...]
    filters: dict[str, str]

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it."""
        return bool(self.evidence)


@dataclass(frozen=True)
class Row:
    """One question as features. ``group`` is the document, for validation over documents."""

    collection: str
    group: str
    variant: str
    kind: str
    language: str
    answerable: bool
    features: dict[str, float]

    @property
    def off_topic(self) -> bool:
        """Whether the question is on none of the documents' subjects."""
        return self.kind == OFF_TOPIC


def collection_rows(
    index: Path,
    files: Sequence[Path],
    limit: int,
    settings: Settings,
    progress: Callable[[int, int], None],
) -> list[Row]:
    """Return the rows of case files, or of files in SQuAD's format, over one index.

    SQuAD's questions are asked with the paragraph given and over the pool, ``limit`` of them.
    Raises UsageError for a faulty file, NoUsableIndexError when there is no index.
    """
    engine = open_query_engine(replace(settings, index=index))
    tables = [file for file in files if file.suffix == ".json"]
    asked = [*_cases([file for file in files if file not in tables])]
    asked += _squad(tables, engine, limit) if tables else []
    names = [name for one in asked for name in demand(one.text, one.language).names]
    rows: list[Row] = []
    for done, one in enumerate(asked):
        progress(done, len(asked))
        rows += _rows(one, engine, names, tables[0].name if tables else index.name)
    return rows


def foreign_rows(
    index: Path,
    files: Sequence[Path],
    limit: int,
    settings: Settings,
    progress: Callable[[int, int], None],
) -> list[Row]:
    """Return the rows of questions in SQuAD's format that an index on other subjects is asked."""
    engine = open_query_engine(replace(settings, index=index))
    questions = [
        one for file in files for one in squad.read([file]).questions[: limit // FOREIGN_SHARE]
    ]
    rows: list[Row] = []
    for done, one in enumerate(questions):
        progress(done, len(questions))
        asked = Asked(one.text, one.text, OFF_TOPIC, one.language, (), {})
        rows += _rows(asked, engine, (), f"{FOREIGN} {index.name}")
    return rows


def _cases(files: Sequence[Path]) -> Iterator[Asked]:
    for case in read_cases(files) if files else []:
        turn = case.turns[0]
        if len(case.turns) > 1 or bool(turn.answer_facts) != bool(turn.evidence):
            continue  # a later turn needs the earlier ones; a correction is no answer
        group = turn.document or case.id
        yield Asked(turn.question, group, case.kind, case.language, turn.evidence, {})


def _squad(files: Sequence[Path], engine: QueryEngine, limit: int) -> Iterator[Asked]:
    records = engine.retriever.generation.records
    homes = {
        fold(" ".join(page.text for page in records.pages(one.document.id))): one.document.id
        for one in records.documents()
    }
    answers = _answers(files, homes)
    data = squad.read(files)
    texts = {one.id: fold(one.text) for one in data.paragraphs}
    questions = sorted(data.questions, key=lambda one: (one.id, one.language))
    for one in random.Random(1).sample(questions, min(limit, len(questions))):  # noqa: S311
        paragraphs = sorted(key for found in one.relevant.values() for key in found)
        home = next((homes[texts[key]] for key in paragraphs if texts[key] in homes), None)
        evidence = answers.get(one.id, ()) if one.answerable else ()
        if home and bool(evidence) == one.answerable:
            for kind, filters in (("paragraph given", {"document": home}), ("pool", {})):
                yield Asked(one.text, home, kind, one.language, evidence, filters)


def _answers(files: Sequence[Path], homes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the answers to each question as the paragraphs in this index word them."""
    return {
        row["id"]: tuple(sorted({answer["text"] for answer in row["answers"]}))
        for file in files
        for article in json.loads(file.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        if fold(paragraph["context"]) in homes
        for row in paragraph["qas"]
    }


def _rows(one: Asked, engine: QueryEngine, names: Sequence[str], collection: str) -> Iterator[Row]:
    def row(text: str, variant: str, without: Sequence[str] = ()) -> Iterator[Row]:
        found = _features(engine, text, one.filters, [fold(part) for part in without])
        if found is not None:
            answerable = one.answerable and variant == ASKED
            yield Row(
                collection, one.group, variant, one.kind, one.language, answerable, found
            )  # fmt: skip

    yield from row(one.text, ASKED)
    if one.answerable:
        yield from row(one.text, TAKEN_AWAY, one.evidence)
        for other in alterations(one.text, one.language, names):
            yield from row(other, ALTERED)


def _features(
    engine: QueryEngine, text: str, filters: dict[str, str], without: Sequence[str]
) -> dict[str, float] | None:
    """Return the features of a question, without the sentences that hold one of these texts."""
    generation = engine.retriever.generation
    query = engine.retriever.query(text, filters)
    searched = engine.retriever.searched(query)
    hits = in_askers_version(query, engine.retriever.search(query), searched, generation)
    ranked = in_one_version(query, candidates(query, hits, generation), generation)
    left = [one for one in ranked if not _holds(one, without)]
    weights = term_weights(query, generation)
    quoted = compose(left, weights)
    if not quoted or not weights or (without and len(left) == len(ranked)):
        return None
    embed = engine.retriever.query
    return decision_features(
        query, left, quoted, weights, generation, lambda shorter: embed(shorter).vector
    )[1]


def _holds(one: Candidate, parts: Sequence[str]) -> bool:
    text = fold(one.sentence.text)
    return any(part in text for part in parts)


def alterations(question: str, language: str, names: Sequence[str]) -> list[str]:
    """Return a question with a year, a figure, an ordinal or a name exchanged, one in each.

    The same question is always altered in the same ways.
    """
    wanted = demand(question, language)
    chance = random.Random(question)  # noqa: S311
    found = [
        *(
            question.replace(y, str(int(y) + chance.choice((-7, -4, -2, 1, 3))))
            for y in wanted.years
        ),
        *(question.replace(f, str(int(f) + chance.choice((3, 7, 11)))) for f in wanted.figures),
        *(_swapped(question, word, other) for word, other in spelled(question, language)),
    ]
    others = sorted(set(names) - set(wanted.names))
    if wanted.names and others:
        name = chance.choice(sorted(wanted.names))
        found.append(_swapped(question, name, chance.choice(others)))
    return sorted(set(found) - {question})


def _swapped(text: str, word: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", other, text, count=1)
