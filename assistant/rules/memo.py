"""Each text is analysed once in a question: what was found is kept until the question is over."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_READ: ContextVar[dict[Hashable, Any] | None] = ContextVar("read", default=None)


@contextmanager
def one_question() -> Iterator[None]:
    """Keep the analyses of texts while a question is read, and forget them afterwards."""
    token = _READ.set({})
    try:
        yield
    finally:
        _READ.reset(token)


def once_a_question(analyse: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Let a function of hashable arguments work only once for the same ones in a question.

    Outside ``one_question`` it works each time.
    """

    @wraps(analyse)
    def kept(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
        read = _READ.get()
        if read is None:
            return analyse(*arguments, **named)
        key = (analyse.__qualname__, arguments, tuple(named.items()))
        if key not in read:
            read[key] = analyse(*arguments, **named)
        found: _Result = read[key]
        return found

    return kept
