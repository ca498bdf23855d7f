"""A sample briefing as its source file gives it, and the words that every briefing bears."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from corpus.errors import UsageError

_FENCE = "+++"


@dataclass(frozen=True)
class Heading:
    """A numbered heading: level 1 for ``1 Purpose``, level 2 for ``1.1 Task``."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of running text."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list; each item is one line. ``ordered`` lists are numbered from 1."""

    texts: tuple[str, ...]
    ordered: bool


@dataclass(frozen=True)
class Table:
    """A table; its first row is the header."""

    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Items | Table


@dataclass(frozen=True)
class Briefing:
    """One briefing. ``published`` is an ISO 8601 date; ``format`` the ending of its file."""

    id: str
    number: str
    title: str
    edition: str
    published: str
    language: str
    format: str
    sources: tuple[str, ...]
    blocks: tuple[Block, ...]
    type: str = "briefing"
    audience: str = "public"
    translation_of: str | None = None
    supersedes: str | None = None

    @property
    def file_name(self) -> str:
        """Return the name of the file that is built."""
        return f"{self.id}.{self.format}"

    @property
    def words(self) -> Words:
        """Return the fixed words in the briefing's language."""
        return WORDS[self.language]

    @property
    def particulars(self) -> tuple[tuple[str, str], ...]:
        """Return what a cover says of the briefing: pairs of label and value."""
        words = self.words
        return (
            (words.number, self.number),
            (words.edition, self.edition),
            (words.date, self.published),
            (words.distribution, words.audiences[self.audience]),
        )


@dataclass(frozen=True)
class Words:
    """The fixed words of a briefing in one language."""

    kind: str
    number: str
    edition: str
    date: str
    distribution: str
    audiences: dict[str, str]
    notice: str
    direction: str = "ltr"


WORDS = {
    "en": Words(
        kind="Sample briefing",
        number="Number",
        edition="Edition",
        date="Date",
        distribution="Distribution",
        audiences={"public": "Public", "members": "Members only"},
        notice="This is a sample briefing, made to try out software. It is not a publication of "
        "the International Telecommunication Union (ITU).",
    ),
    "fr": Words(
        kind="Note d'exemple",
        number="Numéro",
        edition="Édition",
        date="Date",
        distribution="Diffusion",
        audiences={"public": "Publique"},
        notice="Ceci est une note d'exemple, faite pour essayer un logiciel. Ce n'est pas une "
        "publication de l'Union internationale des télécommunications (UIT).",
    ),
    "es": Words(
        kind="Nota de ejemplo",
        number="Número",
        edition="Edición",
        date="Fecha",
        distribution="Distribución",
        audiences={"public": "Pública"},
        notice="Esta es una nota de ejemplo, hecha para probar un programa informático. No es una "
        "publicación de la Unión Internacional de Telecomunicaciones (UIT).",
    ),
    "ar": Words(
        kind="مذكرة نموذجية",
        number="الرقم",
        edition="الطبعة",
        date="التاريخ",
        distribution="التوزيع",
        audiences={"public": "عام"},
        notice="هذه مذكرة نموذجية أُعدت لتجربة برنامج حاسوبي. وهي ليست من منشورات الاتحاد الدولي "
        "للاتصالات.",
        direction="rtl",
    ),
}


def read_briefings(folder: Path) -> list[Briefing]:
    """Read every source file in the folder but its README, ordered by number and id.

    Raises UsageError, naming the file, for a head that is missing or wrong.
    """
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    return sorted(
        (_read(path) for path in paths), key=lambda briefing: (briefing.number, briefing.id)
    )


def _read(path: Path) -> Briefing:
    before, _, rest = path.read_text(encoding="utf-8").partition(_FENCE)
    head, fence, body = rest.partition(_FENCE)
    if before.strip() or not fence:
        raise UsageError(f"{path}: the TOML head between two lines of +++ is missing.")
    try:
        fields: dict[str, Any] = tomllib.loads(head)
        fields["published"] = str(fields["published"])
        fields["sources"] = tuple(fields["sources"])
        return Briefing(id=path.stem, blocks=_numbered(_blocks(body)), **fields)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: the TOML head is wrong ({error}).") from error


def _blocks(body: str) -> list[Block]:
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    blocks: list[Block] = []
    start = 0
    depth = 0
    for position, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            blocks.append(_block(tokens[start : position + 1]))
            start = position + 1
    return blocks


def _block(tokens: list[Token]) -> Block:
    texts = [token.content for token in tokens if token.type == "inline"]
    kind = tokens[0].type
    if kind == "heading_open":
        return Heading(int(tokens[0].tag[1]) - 1, texts[0])
    if kind == "paragraph_open":
        return Paragraph(texts[0])
    if kind in {"bullet_list_open", "ordered_list_open"}:
        return Items(tuple(texts), ordered=kind == "ordered_list_open")
    if kind == "table_open":
        width = sum(token.type == "th_open" for token in tokens)
        rows = [tuple(texts[n : n + width]) for n in range(0, len(texts), width)]
        return Table(tuple(rows))
    raise UsageError(f"A briefing has no place for {kind.removesuffix('_open')!r}.")


def _numbered(blocks: list[Block]) -> tuple[Block, ...]:
    """Give the headings their numbers: 1, 1.1, 1.2, 2, …"""
    first = second = 0
    numbered: list[Block] = []
    for block in blocks:
        if isinstance(block, Heading) and block.level == 1:
            first, second = first + 1, 0
            numbered.append(Heading(1, f"{first} {block.text}"))
        elif isinstance(block, Heading):
            second += 1
            numbered.append(Heading(2, f"{first}.{second} {block.text}"))
        else:
            numbered.append(block)
    return tuple(numbered)
