"""What comes about in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `holds` says once it is true; fails when it stays untrue for so long."""
    began = time.monotonic()
    while not (said := holds()):
        passed = time.monotonic() - began
        assert passed < seconds, f"not within {seconds} s: {what}"
        time.sleep(min(0.3, 0.05 + passed / 20))  # what takes long is asked less often: asking costs it time
    return said
