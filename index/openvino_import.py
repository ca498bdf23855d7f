"""OpenVINO, imported in the one way that the product imports it."""

from __future__ import annotations

import sys
from typing import Any


def openvino() -> Any:
    """Import OpenVINO without its telemetry, which writes to its makers at every import.

    Where that package is missing, OpenVINO has a stand-in for it that does nothing.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino as library

    return library
