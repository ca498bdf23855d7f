"""What has been asked in this app, kept on the server, so that a page that is loaded anew shows it.

A conversation is found by a token in the page's address. It belongs to the browser that began
it, known by a cookie that Streamlit sets: an address that is passed on opens nothing elsewhere.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.answer import Answer

# Version, mask and masked secret in hexadecimal digits, and the time when it was made.
_COOKIE = re.compile(r"2\|([0-9a-f]{8})\|((?:[0-9a-f]{2})+)\|\d+")
CONVERSATIONS = 10_000
TURNS = 100


@dataclass(frozen=True, eq=False)
class Asked:
    """A question with the filters that were set when it was asked."""

    question: str
    filters: Mapping[str, str]


@dataclass(frozen=True)
class Turn:
    """A question and its answer."""

    asked: Asked
    answer: Answer


@dataclass
class Conversation:
    """The turns of one conversation, oldest first; only the last ``TURNS`` are kept.

    ``waiting`` are the questions that have no answer yet: a stop or a page that is loaded anew in
    mid-answer leaves them there. Whoever answers one holds ``lock``, so that it is done once.
    """

    token: str
    turns: list[Turn] = field(default_factory=list)
    waiting: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, turn: Turn) -> None:
        """Keep a turn; its question waits no longer."""
        self.turns = [*self.turns, turn][-TURNS:]
        self.waiting.remove(turn.asked)


class Conversations:
    """All conversations of a running app; the least recently used are forgotten first."""

    def __init__(self, limit: int = CONVERSATIONS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Conversation] = OrderedDict()

    def begin(self, owner: str) -> Conversation:
        """Return a new conversation of this owner."""
        conversation = Conversation(secrets.token_urlsafe(16))
        with self._lock:
            self._kept[owner, conversation.token] = conversation
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return conversation

    def find(self, owner: str, token: str) -> Conversation | None:
        """Return the owner's conversation of this token, or None."""
        with self._lock:
            found = self._kept.get((owner, token))
            if found:
                self._kept.move_to_end((owner, token))
            return found


def browser_secret(cookie: str) -> str:
    """Return the secret in a cross-site request forgery cookie, empty where there is none.

    The cookie looks different after every load of a page: the secret that it stands for, which
    stays, is masked anew (version 2 of the format that Streamlit has from the Tornado server).
    """
    match = _COOKIE.fullmatch(cookie)
    if not match:
        return ""
    mask, masked = bytes.fromhex(match[1]), bytes.fromhex(match[2])
    return bytes(byte ^ mask[n % len(mask)] for n, byte in enumerate(masked)).hex()
