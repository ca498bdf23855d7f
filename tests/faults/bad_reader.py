"""A reader process whose text files do what their first word says: crash, loop, swell, …"""

from __future__ import annotations

import os
import signal
import sys
import time
import types
from pathlib import Path

from ingest import reader_process
from ingest.formats import FORMATS
from ingest.reading import Block, Reading, ReadPage


def read(path: Path) -> Reading:
    """Do what the file says, and read it if it says nothing special."""
    text = path.read_text(encoding="utf-8")
    match text.split()[0]:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leave":
            os._exit(3)
        case "loop":
            while True:
                pass
        case "sleep":
            time.sleep(60)
        case "swell":
            text = text * (1 << 40)
        case "flood":
            text = text * (1 << 20)
        case "write":
            (path.parent / "written").write_text(text)
        case "fail":
            raise RuntimeError("what no parser foresees")
        case "print":
            sys.stdout.write("noise " * 1000)
            sys.stdout.flush()
            os.write(1, b"more noise")
    return Reading((ReadPage((Block("paragraph", text),)),), paged=False)


if __name__ == "__main__":
    module = types.ModuleType("bad_text")
    module.read = read  # type: ignore[attr-defined]
    sys.modules["bad_text"] = module
    FORMATS[".txt"] = "bad_text"
    reader_process.main()
