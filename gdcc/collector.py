"""Python's cyclic garbage collector, kept out of work that makes much and drops nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collector while everything that is made stays alive.

    Each pass would find nothing and cost more than the one before; afterwards what was made is not looked at again
    (docs/gotchas.md).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
