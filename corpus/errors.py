"""The errors that a person can act on.

::

    AssistantError               exit code 1: something failed
     ├── UsageError                        2: a wrong argument or setting
     ├── NoUsableIndexError                3: nothing to read from
     │    └── DamagedIndexError               a file is missing, cut off or altered
     ├── IndexLockedError                  5: another writer holds the index
     └── UnreadableDocumentError           a reader's verdict on one file: sync quarantines
                                           it, and exits 4 when the rest is indexed

Each message says what is wrong and what to do next.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of every error that is shown to a person as one plain message."""

    exit_code = 1


class UsageError(AssistantError):
    """An argument, a setting or an input line is wrong."""

    exit_code = 2


class NoUsableIndexError(AssistantError):
    """There is no index here, or none that this version can read."""

    exit_code = 3


class DamagedIndexError(NoUsableIndexError):
    """A file of the index is missing, or is not what was written."""


class IndexLockedError(AssistantError):
    """Another process is writing this index."""

    exit_code = 5


class UnreadableDocumentError(AssistantError):
    """A file cannot be turned into text; the message is the reason that staff will see."""
