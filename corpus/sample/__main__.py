"""Build the sample corpus: ``python -m corpus.sample [--check]``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from corpus.catalogue import CATALOGUE_FILE
from corpus.errors import UsageError
from corpus.sample import docx, pdf, text_formats
from corpus.sample.briefing import Briefing, read_briefings

SOURCES = Path(__file__).parent.parent / "sources"
DOCUMENTS = Path(__file__).parent.parent / "documents"
WRITERS: dict[str, Callable[[Briefing, Path], None]] = {
    "pdf": pdf.write,
    "docx": docx.write,
    "html": text_formats.write_html,
    "md": text_formats.write_markdown,
    "txt": text_formats.write_plain_text,
}
_HEAD = "# Written by `python -m corpus.sample` from corpus/sources/: change the sources instead.\n"


def build(sources: Path, target: Path) -> list[str]:
    """Write every briefing and the catalogue into a folder; return the names of the files."""
    briefings = read_briefings(sources)
    for briefing in briefings:
        if briefing.format not in WRITERS:
            known = ", ".join(WRITERS)
            raise UsageError(f"{briefing.id}: unknown format {briefing.format!r}. Known: {known}.")
        WRITERS[briefing.format](briefing, target / briefing.file_name)
    entries = "\n".join(_entry(briefing) for briefing in briefings)
    (target / CATALOGUE_FILE).write_text(f"{_HEAD}\n{entries}", encoding="utf-8")
    return sorted([*(briefing.file_name for briefing in briefings), CATALOGUE_FILE])


def main() -> int:
    """Build the documents, or compare them with what the sources give."""
    parser = argparse.ArgumentParser(prog="python -m corpus.sample", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, say what differs")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        try:
            names = build(SOURCES, Path(folder))
        except UsageError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code
        stale = _stale(Path(folder), names)
        if not check:
            _replace(Path(folder), names, stale)
    for name in stale:
        sys.stdout.write(f"{name}\n")
    verb = "differ from" if check else "were brought in line with"
    sys.stderr.write(f"{len(stale)} of {len(names)} files {verb} the sources.\n")
    return 1 if check and stale else 0


def _stale(folder: Path, names: list[str]) -> list[str]:
    """Return the files of the documents folder that are missing, different or too many."""
    there = {path.name for path in DOCUMENTS.glob("*")}
    different = [
        name
        for name in names
        if name not in there or (folder / name).read_bytes() != (DOCUMENTS / name).read_bytes()
    ]
    return sorted([*different, *there - set(names)])


def _replace(folder: Path, names: list[str], stale: list[str]) -> None:
    DOCUMENTS.mkdir(exist_ok=True)
    for name in stale:
        if name in names:
            shutil.copyfile(folder / name, DOCUMENTS / name)
        else:
            (DOCUMENTS / name).unlink()


def _entry(briefing: Briefing) -> str:
    values = {
        "path": briefing.file_name,
        "id": briefing.id,
        "title": briefing.title,
        "number": briefing.number,
        "edition": briefing.edition,
        "type": briefing.type,
        "published": briefing.published,
        "language": briefing.language,
        "translation_of": briefing.translation_of,
        "audience": briefing.audience,
        "supersedes": briefing.supersedes,
    }
    # A JSON text is a TOML text too, as long as nothing is escaped beyond what both know.
    lines = [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
        if value is not None
    ]
    sources = "".join(
        f"  {json.dumps(source, ensure_ascii=False)},\n" for source in briefing.sources
    )
    return "\n".join(["[[document]]", *lines, f"sources = [\n{sources}]", ""])


if __name__ == "__main__":
    sys.exit(main())
