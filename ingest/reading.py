"""What reading a file gives: its pages as blocks of clean text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["heading", "paragraph", "item", "header", "row"]


@dataclass(frozen=True)
class Block:
    """One paragraph, heading, list item, table header or table row.

    ``level`` is a heading's depth, counted from 1, and 0 for everything else. ``lead`` is
    what a row or an item needs to be understood: the table's header row. ``continues``
    marks a block that goes on from the last block of the page before, in mid-sentence.
    """

    kind: BlockKind
    text: str
    level: int = 0
    lead: str = ""
    continues: bool = False


@dataclass(frozen=True)
class ReadPage:
    """One page of a file. ``printed_number`` is what the page itself says, if it does."""

    blocks: tuple[Block, ...]
    printed_number: str | None = None

    @property
    def text(self) -> str:
        """The page's text as it is stored: one line per block, which quotes point into."""
        return "\n".join(block.text for block in self.blocks)


@dataclass(frozen=True)
class Reading:
    """A whole file as read. ``paged`` is false where the format has no pages."""

    pages: tuple[ReadPage, ...]
    paged: bool
