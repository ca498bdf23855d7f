"""What an asker gets depends on nothing that is for others: no answer, no count, no score.

The public asker's view of an index is compared with the view of an index without anybody else's
documents, byte by byte. Then what holds audiences apart is taken out, and the same must fail.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import assistant.__main__
from assistant.diagnose.why import explain
from assistant.engine import Engine, open_engine
from assistant.retrieval import Query
from corpus.errors import AssistantError
from corpus.folder import file_sha256
from corpus.settings import Settings
from index import faiss_dense
from index.dense import Rows, Vectors
from index.generations import Generation, open_generation
from index.manifest import FileRecord
from index.publishing import write_sentence_vectors
from index.shard_records import ShardRecords
from index.shards import (
    PASSAGE_VECTORS_FILE,
    RECORDS_FILE,
    SENTENCE_VECTORS_FILE,
    Shard,
    shard_folder,
)
from ingest.inventory import inventory
from ingest.sync import SyncReport, sync
from tests import documents
from tests.conftest import copy_into, no_progress, settings_in

APP = Path(__file__).parent.parent / "app_streamlit.py"


@dataclass(frozen=True)
class Files:
    """Some files of a corpus by path, and what the catalogue says of them."""

    texts: Mapping[str, str | bytes]
    entries: Iterable[Mapping[str, str]] = field(default_factory=tuple)


_PRESS = "This note was written for the press office of the harbour."
PUBLIC = Files(
    {
        "harbour.md": "# Harbour register\n\n## Size\n\nThe harbour register names 12 harbours. "
        f"It was begun in Lisbon in 1931.\n\n{_PRESS}\n",
        "harbour.fr.md": "# Registre des ports\n\n## Taille\n\nLe registre nomme 12 ports. "
        "Il a été ouvert à Lisbonne en 1931.\n",
        "lamps.md": "# Lamps\n\n## Keepers\n\nThe keepers lit 88 lamps of brass every evening. "
        f"Ada was the first keeper.\n\n{_PRESS}\n",
        "report.md": "# Annual report\n\nThe tide table is at edition 7, says the report.\n",
        "copy-of-lamps.md": "# Bees\n\nThe meadow network counts bees in 210 gardens.\n",
        "bees.md": "# Bees\n\nThe meadow network counts bees in 210 gardens.\n",
        "broken.pdf": b"%PDF-1.7 nothing",
    },
    (
        {"path": "harbour.md", "id": "harbour", "published": "2024"},
        {"path": "harbour.fr.md", "translation_of": "harbour", "language": "fr"},
        *({"path": path} for path in ("lamps.md", "report.md", "copy-of-lamps.md", "bees.md")),
        {"path": "broken.pdf"},
    ),
)

_LEDGER = "# Ledger\n\nThe harbour register names obsidian lamps and 99 harbours, said Quillon.\n"
OTHERS = {
    "rare words become common": Files(
        {f"m{n}.md": f"# Note {n}\n\nThe keepers of harbour {n} have lamps.\n" for n in range(4)}
    ),
    "a misspelt word is known": Files({"ledger.md": _LEDGER}),
    "a nearer answer": Files(
        {"answer.md": "# Harbour register\n\nHow many harbours does it name? It names 77 harbours."}
    ),
    "a third document repeats a sentence": Files({"press.md": f"# Press\n\n{_PRESS}\n"}),
    "a copy of a public document": Files({"a.md": str(PUBLIC.texts["harbour.md"])}),
    "copies of public copies": Files({"0.md": str(PUBLIC.texts["bees.md"])}),
    "the same title": Files({"lamps/lamps.md": "# Lamps\n\nThe keepers lit 5 lamps.\n"}),
    "a file that cannot be read": Files({"secret.pdf": b"%PDF-1.7 nothing", "x.bin": b"\x00"}),
    "another translation of a public document": Files(
        {"puerto.md": "# Registro\n\nEl registro nombra 12 puertos. Empezó en Lisboa en 1931.\n"},
        [{"path": "puerto.md", "translation_of": "harbour", "language": "es"}],
    ),
    "the names of public files": Files(
        {"report.txt": "Annual report\nThe report says 8.\n", "bees.txt": "Bees\nOf bees.\n"},
        [{"path": "report.txt", "id": "members-report"}, {"path": "bees.txt", "id": "m-bees"}],
    ),
    "another usual language": Files(
        {f"f{n}.md": f"# Lampes\n\nLe gardien numéro {n} garde les lampes du port.\n"
         for n in range(12)}
    ),
    "an entry whose file is gone": Files({}, [{"path": "gone.md"}]),
    "a third audience": Files(
        {"board.md": _LEDGER}, [{"path": "board.md", "audience": "board / “inner”"}]
    ),
}  # fmt: skip

QUESTIONS = (
    "How many harbours does the harbour register name?",
    "how mny obsidiann lamps do the keepers have",
    "Who is Quillon?",
    "Combien de ports le registre nomme-t-il ?",
    "¿Cuántos puertos nombra el registro?",
    "Which note was written for the press office?",
    "In how many gardens are bees counted?",
    "What is at edition 7?",
)
EXPECTED = ("harbour", "ledger", "secret.pdf", "a", "0", "m-bees", "bees", "broken.pdf", "m0")


def _write(settings: Settings, *parts: Files) -> None:
    shutil.rmtree(settings.corpus)
    settings.corpus.mkdir()
    lines = []
    for files in parts:
        audience = "public" if files is PUBLIC else "members"
        said = {entry["path"]: entry for entry in files.entries}
        for path, text in files.texts.items():
            file = settings.corpus / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        for path in dict.fromkeys((*files.texts, *said)):
            lines.append("[[document]]")
            entry = {"path": path, "audience": audience, **said.get(path, {})}
            lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    (settings.corpus / "catalogue.toml").write_text("\n".join(lines), encoding="utf-8")


def _sync(settings: Settings, *parts: Files) -> SyncReport:
    _write(settings, *parts)
    return sync(settings, progress=no_progress)


def _seen(settings: Settings, questions: Iterable[str] = QUESTIONS) -> str:
    """Return all that the public asker gets from an index, without the generation and times."""
    engine = open_engine(settings, audiences=("public",))
    generation = engine.generation
    found = [
        *(_answers(engine, question) for question in questions),
        *(explain(engine, QUESTIONS[0], expected).to_json() for expected in EXPECTED),
        [assistant.__main__._batch_line(engine, _batch(questions), {})],
        inventory(generation),
        [str(indexed) for indexed in generation.records.documents()],
        generation.counts,
        generation.passages.size,
        engine.retriever.usual_language,
    ]
    return json.dumps([_without_generation(part) for part in found], indent=1, default=sorted)


def _batch(questions: Iterable[str]) -> str:
    return json.dumps({"id": 1, "turns": [{"q": question} for question in questions]})


def _answers(engine: Engine, question: str) -> list[object]:
    retriever = engine.retriever
    hits = retriever.search(retriever.query(question), 50).hits
    narrowed = [engine.answer(question, {key: value}) for key, value in _FILTERS.items()]
    return [
        [answer.to_json() for answer in (engine.answer(question), *narrowed)],
        [[hit.row, hit.score, hit.cosine, hit.to_json()] for hit in hits],
    ]


_FILTERS = {"language": "fr", "year": "2024"}


def _without_generation(value: object) -> object:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in {"generation", "timings_ms"}}
        return {key: _without_generation(part) for key, part in kept.items()}
    return [_without_generation(part) for part in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Settings:
    settings = settings_in(tmp_path_factory.mktemp("public"), tiny_model)
    _sync(settings, PUBLIC)
    return settings


@pytest.fixture(scope="module")
def alone(built: Settings) -> str:
    """What the public sees of an index without anybody else's documents."""
    return _seen(built)


@pytest.fixture
def public(settings: Settings, built: Settings) -> Settings:
    return copy_into(settings, built)


def test_the_public_sees_something(alone: str) -> None:
    for text in ("12 harbours", "12 ports", "210 gardens", "88 lamps", "answered", "quarantined"):
        assert text in alone


@pytest.mark.parametrize("what", OTHERS)
def test_documents_for_others_change_nothing(
    public: Settings, alone: str, built: Settings, what: str
) -> None:
    report = _sync(public, PUBLIC, OTHERS[what])
    assert report.published
    assert _comparable(_seen(public), public) == _comparable(alone, built)
    if OTHERS[what].texts:
        everything = open_generation(public.index).counts
        assert everything != open_generation(public.index, audiences=["public"]).counts
    assert _sync(public, PUBLIC).published
    assert _comparable(_seen(public), public) == _comparable(alone, built)


def _comparable(seen: str, settings: Settings) -> str:
    return seen.replace(str(settings.index), "INDEX")


@hypothesis_settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sets(st.sampled_from(sorted(OTHERS)), min_size=1), min_size=1, max_size=3))
def test_whatever_comes_and_goes_for_others_changes_nothing(
    public: Settings, alone: str, built: Settings, steps: list[set[str]]
) -> None:
    for names in steps:
        _sync(public, PUBLIC, *(OTHERS[name] for name in sorted(names)))
        assert _comparable(_seen(public), public) == _comparable(alone, built)
    shutil.rmtree(public.index)
    _sync(public, PUBLIC, *(OTHERS[name] for name in sorted(steps[-1])))
    assert _comparable(_seen(public), public) == _comparable(alone, built)


def test_the_commands_say_the_same(
    public: Settings,
    built: Settings,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _sync(public, PUBLIC, *OTHERS.values())
    shown = []
    for settings in (public, built):
        about = ["--index", str(settings.index), "--audience", "public"]
        monkeypatch.setattr("sys.stdin", io.StringIO(_batch(QUESTIONS)))
        for command in (
            ["ask", QUESTIONS[1], "--json"],
            ["search", QUESTIONS[0], "--json", "--filter", "language=xx-bad"],
            ["search", QUESTIONS[0], "--json", "--filter", "language=de"],
            ["batch"],
            ["why", QUESTIONS[0], "--expect", "ledger", "--json"],
        ):
            assistant.__main__.main([*command, *about])
        output = capsys.readouterr()
        lines = [
            json.dumps(_without_generation(json.loads(line))) for line in output.out.splitlines()
        ]
        shown.append(_comparable("\n".join((*lines, output.err)), settings))
    assert shown[0] == shown[1]
    assert "language=de. Known: en, fr." in shown[0]


def test_with_the_real_model_documents_for_others_change_nothing(
    real_settings: Settings, tmp_path: Path
) -> None:
    settings = Settings(corpus=tmp_path / "documents", index=tmp_path / "index")
    copy_into(settings, real_settings)
    questions = (
        "How many gardens does the Meadow network have?",
        "Who leads the Lighthouse programme?",
        "how many lampes are there",
        "Combien de jardins le réseau compte-t-il ?",
        "What will the board ask for?",
    )
    before = _seen(settings, questions)
    (settings.corpus / "board.txt").write_text(
        f"Steering board\nThe board asks for 77 lamps in 210 gardens.\n{documents.OPENING}\n",
        "utf-8",
    )
    (settings.corpus / "catalogue.toml").write_text(
        '[[document]]\npath = "board.txt"\naudience = "members"\n', "utf-8"
    )
    assert sync(settings, progress=no_progress).counts["documents"] == 5
    assert _seen(settings, questions) == before
    both = open_engine(settings, audiences=["public", "members"])
    assert "77 lamps" in both.answer("What will the board ask for?").text


def test_the_web_page_shows_the_same(
    public: Settings, built: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit.testing.v1 import AppTest

    _sync(public, PUBLIC, *OTHERS.values())
    monkeypatch.setattr("assistant.web.chat._starter_questions", lambda: QUESTIONS)
    monkeypatch.setattr("assistant.web.conversations.browser_secret", lambda _cookie: "browser")
    pages = []
    for settings in (public, built):
        monkeypatch.setenv("ITU_ASSISTANT_INDEX", str(settings.index))
        app = AppTest.from_file(str(APP), default_timeout=60).run()
        shown = [*app.button, *app.selectbox]
        app.chat_input[0].set_value(QUESTIONS[1]).run()
        assert not app.exception
        html = [re.sub(r"Index of</dt><dd>[^<]*", "", e.proto.body) for e in app.get("html")]
        tokens = re.sub(r"conversation=[\w-]+", "", "\n".join(html))
        pages.append(([str(element.label) for element in shown], tokens))
    assert pages[0] == pages[1]


def test_an_audience_without_documents_finds_nothing(public: Settings) -> None:
    engine = open_engine(public, audiences=["nobody"])
    answer = engine.answer(QUESTIONS[0])
    assert (answer.text, answer.retrieved, answer.nearest) == ("", [], [])
    generation = engine.generation
    assert (generation.shards, generation.records.documents()) == ((), [])
    assert (generation.passages.size, set(generation.counts.values())) == (0, {0})
    assert explain(engine, QUESTIONS[0], "harbour").outcome == "not_indexed"


def test_damage_to_what_is_for_others_is_none_of_the_askers_business(public: Settings) -> None:
    _sync(public, PUBLIC, OTHERS["a nearer answer"])
    place = open_generation(public.index).folder / shard_folder("members")
    (place / RECORDS_FILE).write_bytes(b"")
    assert open_generation(public.index, audiences=["public"]).warning is None
    assert open_generation(public.index, audiences=["public", "members"]).warning
    shutil.rmtree(place)
    assert open_generation(public.index, audiences=["public"]).warning is None


def test_in_one_shard_documents_for_others_show(
    public: Settings, built: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audiences pooled, as they once were: the second check alone does not hold them apart."""
    monkeypatch.setattr("ingest.content.shard_of", lambda _: "public")
    with pytest.raises(AssistantError, match="is for members, but lies among what is for public"):
        _sync(public, PUBLIC, OTHERS["a misspelt word is known"])
    monkeypatch.setattr("index.verification._misplaced", lambda _: [])
    own = open_engine(built, audiences=["public"])
    for what in ("a misspelt word is known", "rare words become common", "a nearer answer"):
        shutil.rmtree(public.index)
        _sync(public, PUBLIC, OTHERS[what])
        engine = open_engine(public, audiences=["public"])
        # Nothing of the others' documents is shown, but what is shown depends on them.
        assert {
            indexed.document.audience for indexed in engine.retriever.searched(_query(engine))
        } == {"public"}
        pairs = [
            [_without_generation(_answers(asked, q)) for asked in (engine, own)] for q in QUESTIONS
        ]
        assert any(together != apart for together, apart in pairs), what


def _query(engine: Engine) -> Query:
    return engine.retriever.query(QUESTIONS[0])


class _FaultySearch(faiss_dense.FaissDense):
    """Finds every row, in whatever rows are allowed, and some that are not there."""

    def search(
        self, query: Vectors, k: int, allowed: Rows | None = None
    ) -> list[tuple[int, float]]:
        found = super().search(query, self.size)
        return [(self.size + 3, 1.0), (-1, 1.0), *found]


@pytest.fixture
def faulty(public: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An index whose public shard holds a members' document, which its vector search finds."""
    _sync(public, PUBLIC, OTHERS["a nearer answer"])
    generation = open_generation(public.index)
    _smuggle(generation)
    monkeypatch.setattr(faiss_dense, "FaissDense", _FaultySearch)
    return public


def _smuggle(generation: Generation) -> None:
    """Put what is for members into the shard for the public, without its words being indexed."""
    members, target = generation.shards
    assert (members.audience, target.audience) == ("members", "public")
    _copy_records(members, target)
    rows = np.arange(generation.counts["passages"])
    order = np.roll(rows, -members.passages.size)  # the public ones first
    vectors = generation.passages.vectors(order)
    faiss_dense.write(target.folder / PASSAGE_VECTORS_FILE, [vectors], vectors.shape[1])
    sentences = np.concatenate([target.sentences, members.sentences]).astype(np.float32)
    place = target.folder / SENTENCE_VECTORS_FILE
    write_sentence_vectors(place, [sentences], (len(sentences), sentences.shape[1]))
    files = {
        name: FileRecord(
            (generation.folder / name).stat().st_size, file_sha256(generation.folder / name)
        )
        for name in generation.manifest.files
    }
    replace(generation.manifest, files=files).write(generation.folder)


def _copy_records(source: Shard, target: Shard) -> None:
    passages, sentences = target.passages.size, len(target.sentences)
    with sqlite3.connect(target.folder / RECORDS_FILE) as connection:
        connection.execute("ATTACH ? AS source", (str(source.folder / RECORDS_FILE),))
        shifted = {
            "documents": {"first_passage": passages, "end_passage": passages},
            "pages": {},
            "passages": {"row": passages},
            "sentences": {"row": sentences, "passage": passages},
        }
        for table, by in shifted.items():
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(f'"{name}" + {by.get(name, 0)}' if name in by else f'"{name}"'
                               for name in names)  # fmt: skip
            connection.execute(f"INSERT INTO {table} SELECT {values} FROM source.{table}")
    connection.close()


def test_a_faulty_vector_search_shows_nothing_that_is_for_others(
    faulty: Settings, alone: str, built: Settings
) -> None:
    assert _comparable(_seen(faulty), faulty) == _comparable(alone, built)


def test_without_the_check_a_faulty_vector_search_shows_what_is_for_others(
    faulty: Settings, alone: str, built: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShardRecords, "may_show", lambda *_: True)
    seen = _seen(faulty)
    assert "77 harbours" in seen
    assert _comparable(seen, faulty) != _comparable(alone, built)
