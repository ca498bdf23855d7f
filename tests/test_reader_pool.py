"""Files are read in child processes: what a file does to its reader stays there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from corpus.errors import AssistantError, UnreadableDocumentError
from ingest.reader_pool import ReaderLimits, ReaderPool
from ingest.reading import Reading
from tests import documents

ROOT = Path(__file__).parent.parent
LIMITS = ReaderLimits(memory_mb=400, cpu_seconds=1, wall_seconds=4, output_mb=1)
BAD = "tests.faults.bad_reader"


def _files(folder: Path, *words: str) -> list[Path]:
    paths = []
    for n, word in enumerate(words):
        paths.append(folder / f"{n}-{word}.txt")
        paths[-1].write_text(f"{word} and some more text", encoding="utf-8")
    return paths


def _read(paths: list[Path], limits: ReaderLimits = LIMITS, module: str = BAD) -> list[object]:
    with ReaderPool(limits, module=module) as pool:
        return list(pool.read_all(paths))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("crash", r"crashed on this file \(SIGSEGV\)"),
        ("leave", r"crashed on this file \(exit code 3\)"),
        ("loop", "more than 1 seconds of computing"),
        ("sleep", "longer than 4 seconds"),
        ("swell", "more than 400 MB of memory"),
        ("flood", "more than 1 MB of text"),
        ("write", "cannot be read"),
        ("fail", "what no parser foresees"),
    ],
)
def test_a_bad_file_is_reported_and_the_others_are_read(
    tmp_path: Path, word: str, reason: str
) -> None:
    paths = _files(tmp_path, "good", word, "fine", word, "last")
    found = _read(paths)
    for n in (1, 3):
        with pytest.raises(UnreadableDocumentError, match=reason):
            raise found[n]  # type: ignore[misc]
    for n, text in ((0, "good"), (2, "fine"), (4, "last")):
        reading = found[n]
        assert isinstance(reading, Reading)
        assert reading.pages[0].text == f"{text} and some more text"
    assert not (tmp_path / "written").stat().st_size if word == "write" else True


def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    found = _read(_files(tmp_path, "print", "good"))
    assert [isinstance(result, Reading) for result in found] == [True, True]


def test_results_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = _files(tmp_path, *(f"word{n}" for n in range(40)))
    texts = [
        result.pages[0].text.split()[0] for result in _read(paths) if isinstance(result, Reading)
    ]
    assert texts == [f"word{n}" for n in range(40)]


def test_a_file_that_is_gone_ends_the_reading(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match="not there any more"):
        _read([tmp_path / "gone.md"], module="ingest.reader_process")


def test_names_of_any_kind_reach_the_reader(tmp_path: Path) -> None:
    names = ["a\nb.md", "مرحبا.md", "quote'\".md", os.fsdecode(b"\xff\xfe.md")]
    for name in names:
        (tmp_path / name).write_text("# Title\n\nText here.\n", encoding="utf-8")
    found = _read([tmp_path / name for name in names], module="ingest.reader_process")
    assert all(isinstance(result, Reading) for result in found)


def test_the_same_reading_arrives_as_without_a_child(tmp_path: Path) -> None:
    from ingest.formats import read

    for name, write in documents.WRITERS.items():
        write(tmp_path / name)
    paths = sorted(tmp_path.iterdir())
    assert _read(paths, ReaderLimits(), "ingest.reader_process") == [read(path) for path in paths]


def test_a_decompression_bomb_is_stopped(tmp_path: Path) -> None:
    documents.write_docx(tmp_path / "whole.docx")
    with (
        zipfile.ZipFile(tmp_path / "whole.docx") as whole,
        zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in whole.namelist():
            before, body, after = whole.read(name).partition(b"<w:body>")
            with bomb.open(name, "w") as member:
                member.write(before + body)
                if name == "word/document.xml":
                    member.write(b"<!--")
                    for _ in range(600):
                        member.write(b" " * (1 << 20))
                    member.write(b"-->")
                member.write(after)
    (found,) = _read([tmp_path / "bomb.docx"], LIMITS, "ingest.reader_process")
    assert isinstance(found, UnreadableDocumentError)


_PARENT = """
import sys, time
from pathlib import Path
from ingest.reader_pool import ReaderLimits, ReaderPool
with ReaderPool(ReaderLimits(cpu_seconds=60), workers=1, module="tests.faults.bad_reader") as pool:
    readings = pool.read_all([Path(sys.argv[1])])
    next(readings)
"""


def test_children_die_with_their_parent_in_the_middle_of_a_file(tmp_path: Path) -> None:
    (path,) = _files(tmp_path, "loop")
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(path)], cwd=ROOT)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    threads = Path(f"/proc/{parent.pid}/task")
    found: list[int] = []
    deadline = time.monotonic() + 20
    while not found and time.monotonic() < deadline:
        time.sleep(0.1)
        found = [
            int(n) for task in threads.iterdir() for n in (task / "children").read_text().split()
        ]
    assert found, children
    time.sleep(0.5)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in found) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in found)
