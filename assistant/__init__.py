"""Questions in, verified citations out: ``open_engine(settings).answer("How many …?")``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.answer import Answer, Citation
    from assistant.engine import Engine, open_engine

__all__ = ["Answer", "Citation", "Engine", "open_engine"]

_HOMES = {"Answer": "answer", "Citation": "answer", "Engine": "engine", "open_engine": "engine"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``--help`` loads nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
