"""Reading files in parallel, in child processes that may crash, loop or swell without harm."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import AssistantError, UnreadableDocumentError
from ingest.reading import Block, Reading, ReadPage

_ROOT = Path(__file__).parent.parent
_MEGABYTE = 1 << 20
_OTHER_VERSION = "or take another version of the document"


@dataclass(frozen=True)
class ReaderLimits:
    """What one file may cost: megabytes of memory and of text, seconds of CPU and of waiting.

    The largest specification at hand, 3 MB of DOCX, takes 11 s and 300 MB (docs/measurements.md).
    """

    memory_mb: int = 1024
    cpu_seconds: int = 90
    wall_seconds: float = 180
    output_mb: int = 64


class ReaderPool:
    """Reads files in child processes, some at a time, and gives the results in order.

    To be used as a context manager; the children end with it. ``module`` is what they run.
    """

    def __init__(
        self,
        limits: ReaderLimits | None = None,
        workers: int | None = None,
        module: str = "ingest.reader_process",
    ) -> None:
        self._limits = limits or ReaderLimits()
        self._module = module
        self._workers = workers or min(os.cpu_count() or 1, 4)
        self._own = threading.local()
        self._children: list[_Child] = []
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="reader")

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *error: object) -> None:
        for child in self._children:
            child.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def read_all(self, paths: Sequence[Path]) -> Iterator[Reading | UnreadableDocumentError]:
        """Yield the reading of each path, or why it cannot be read.

        Only a few files are read ahead, so that memory does not grow with their number. Raises
        AssistantError for a file that is not there any more.
        """
        waiting: deque[Future[Reading | UnreadableDocumentError]] = deque()
        rest = iter(paths)
        for path in rest:
            waiting.append(self._threads.submit(self._read, path))
            if len(waiting) > 2 * self._workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _read(self, path: Path) -> Reading | UnreadableDocumentError:
        child: _Child | None = getattr(self._own, "child", None)
        if child is None:
            child = self._own.child = _Child(self._limits, self._module)
            self._children.append(child)
        try:
            return child.read(path)
        except UnreadableDocumentError as error:
            return error


class _Child:
    """One child process, started when it is needed and again after it had to be stopped."""

    def __init__(self, limits: ReaderLimits, module: str) -> None:
        self._limits = limits
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def read(self, path: Path) -> Reading:
        process = self._running()
        try:
            answer = self._ask(process, path)
        except UnreadableDocumentError:
            self._end(process)
            raise
        if "too_big" in answer:
            self._end(process)  # its memory is of no further use
            raise UnreadableDocumentError(self._memory_reason())
        if "gone" in answer:
            raise AssistantError(f"{path} is not there any more. Run the command again.")
        if "unreadable" in answer:
            raise UnreadableDocumentError(str(answer["unreadable"]))
        return _reading(answer)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._process:
                self._end(self._process)

    def _running(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise AssistantError("The reading was stopped.")
            if self._process is None or self._process.poll() is not None:
                memory = self._limits.memory_mb * _MEGABYTE
                command = [sys.executable, "-m", self._module]
                self._process = subprocess.Popen(  # noqa: S603
                    [*command, str(memory), str(self._limits.cpu_seconds), str(os.getpid())],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=_ROOT,
                )
            return self._process

    def _ask(self, process: subprocess.Popen[bytes], path: Path) -> dict[str, Any]:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # dead already: why is reported below
            process.stdin.write(json.dumps(str(path.resolve())).encode() + b"\n")
            process.stdin.flush()
        deadline = time.monotonic() + self._limits.wall_seconds
        size = int.from_bytes(self._receive(process, 8, deadline), "big")
        if size > self._limits.output_mb * _MEGABYTE:
            raise UnreadableDocumentError(
                f"The file gives more than {self._limits.output_mb} MB of text. "
                "Divide it into several documents."
            )
        answer: dict[str, Any] = json.loads(self._receive(process, size, deadline))
        return answer

    def _receive(self, process: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        assert process.stdout is not None
        received = bytearray()
        descriptor = process.stdout.fileno()
        while len(received) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not _is_readable(descriptor, left):
                raise UnreadableDocumentError(
                    f"Reading took longer than {self._limits.wall_seconds:g} seconds. Export the "
                    f"file again from its source, {_OTHER_VERSION}."
                )
            part = os.read(descriptor, min(size - len(received), _MEGABYTE))
            if not part:
                raise UnreadableDocumentError(self._death_reason(process.wait()))
            received += part
        return bytes(received)

    def _death_reason(self, code: int) -> str:
        if code == -signal.SIGXCPU:
            return (
                f"Reading took more than {self._limits.cpu_seconds} seconds of computing; the file "
                f"may be damaged. Export it again from its source, {_OTHER_VERSION}."
            )
        if code == -signal.SIGKILL:
            return self._memory_reason()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"The reader crashed on this file ({name}). Export it again from its source."

    def _memory_reason(self) -> str:
        return (
            f"Reading needs more than {self._limits.memory_mb} MB of memory. "
            f"Divide the file, {_OTHER_VERSION}."
        )

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def _is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read, or the other end is closed; False after the time."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(1000 * seconds))


def _reading(answer: dict[str, Any]) -> Reading:
    pages = [
        ReadPage(tuple(Block(*block) for block in blocks), printed_number)
        for printed_number, blocks in answer["pages"]
    ]
    return Reading(tuple(pages), paged=answer["paged"])
