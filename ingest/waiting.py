"""Arrays that wait in a file until they are written: those of a large sync do not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


class WaitingArrays:
    """Arrays of one type and width, put aside by number, in a file beside what is built.

    Raises OSError when the disk is full.
    """

    def __init__(self, path: Path, dtype: type[np.generic], width: int) -> None:
        self._path = path
        self._dtype = np.dtype(dtype)
        self._width = width
        self._file: BinaryIO | None = None
        self._places: dict[int, tuple[int, int]] = {}  # number → its first byte, its rows

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Take arrays by ``put``."""
        with self._path.open("wb") as self._file:
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Give arrays by ``get``; afterwards the file is removed."""
        with self._path.open("rb") as self._file:
            yield
        self._path.unlink()

    def put(self, number: int, array: NDArray[Any]) -> None:
        """Put an array of shape (rows, width) aside."""
        assert self._file is not None
        self._places[number] = (self._file.tell(), len(array))
        self._file.write(np.ascontiguousarray(array, self._dtype).data)

    def count(self, number: int) -> int:
        """Return how many rows an array has; 0 where none was put aside."""
        return self._places.get(number, (0, 0))[1]

    def get(self, number: int) -> NDArray[Any]:
        """Return an array that was put aside."""
        assert self._file is not None
        first, count = self._places[number]
        self._file.seek(first)
        content = self._file.read(count * self._width * self._dtype.itemsize)
        return np.frombuffer(content, self._dtype).reshape(count, self._width)
