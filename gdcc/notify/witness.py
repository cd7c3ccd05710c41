"""Hears what apprise says about a failure, since its answer is only yes or no; and keeps it out of the logs.

apprise logs recipients and what servers answered. Its records end here; kept are an HTTP answer's code, and whether
the connection never came about.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

_CODE = re.compile(r"error=(\d{3})")
_state = threading.local()


@dataclass
class Seen:
    """What was heard of one attempt."""

    code: int = 0
    unsent: bool = False
    """The connection was never made, so nothing was sent."""


class _Ear(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        seen: Seen | None = getattr(_state, "seen", None)
        if seen is not None:
            if found := _CODE.search(record.getMessage()):
                seen.code = int(found[1])
            error = sys.exc_info()[1]
            if isinstance(error, requests.ConnectTimeout) or (
                isinstance(error, requests.ConnectionError)
                and type(getattr(error.args[0] if error.args else None, "reason", None)).__name__
                in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")
            ):
                seen.unsent = True
        return False


@contextmanager
def witness() -> Iterator[Seen]:
    """Listens while this thread hands a message over."""
    logger = logging.getLogger("apprise")
    if not any(isinstance(one, _Ear) for one in logger.filters):
        logger.addFilter(_Ear())
        logger.setLevel(logging.WARNING)
    seen = Seen()
    _state.seen = seen
    try:
        yield seen
    finally:
        _state.seen = None
