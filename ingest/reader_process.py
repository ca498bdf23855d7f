"""The child process that reads documents: ``… ingest.reader_process MEMORY CPU PARENT``.

A path a line, as a JSON text, comes in on stdin; for each, one frame goes out on what was stdout:
its length as eight bytes, then JSON, ``{"pages": …, "paged": …}`` or ``{"unreadable": reason}``.
The parent trusts neither the time that it takes nor the amount that it sends: see
``ingest.reader_pool``.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from corpus.errors import UnreadableDocumentError
from ingest.formats import read

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in <sys/prctl.h>


def main() -> None:
    """Read files until stdin ends."""
    memory, cpu_seconds, parent = map(int, sys.argv[1:])
    _die_with(parent)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a library prints is no answer
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for line in sys.stdin.buffer:
        _allow_cpu(cpu_seconds)
        frame = json.dumps(_read(Path(json.loads(line))), ensure_ascii=False)
        data = frame.encode("utf-8", "surrogatepass")
        answers.write(len(data).to_bytes(8, "big") + data)
        answers.flush()


def _read(path: Path) -> dict[str, Any]:
    try:
        reading = read(path)
    except UnreadableDocumentError as error:
        return {"unreadable": str(error)}
    except MemoryError:
        return {"too_big": True}
    except RecursionError:
        return {"unreadable": "The file is nested too deeply. Export it again from its source."}
    except Exception as error:
        # Whatever a file does to a parser, the others are read.
        if not path.exists():
            return {"gone": True}
        return {
            "unreadable": f"The file cannot be read ({type(error).__name__}: {error}). "
            "Export it again from its source."
        }
    pages = [
        [page.printed_number, [[b.kind, b.text, b.level, b.lead, b.continues] for b in page.blocks]]
        for page in reading.pages
    ]
    return {"pages": pages, "paged": reading.paged}


def _die_with(parent: int) -> None:
    """Let the kernel end this process when its parent dies, even in the middle of a file."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # dead before the kernel was asked
        os._exit(1)


def _allow_cpu(seconds: int) -> None:
    """Let this process compute for so many seconds more; the kernel ends it after that."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
