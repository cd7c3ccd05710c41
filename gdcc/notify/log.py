"""Logs without personal data: a line of JSON for each event, from fields that are named here and nothing else."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

FIELDS = frozenset({
    "agency", "environment", "kind", "channel", "notification", "attempt", "outcome", "status", "count", "code",
    "problem", "problems", "address", "applied", "seconds",
})  # fmt: skip
"""Never a recipient, a reference, a personalisation, a subject, a body, a token or what an exception says."""

_QUIET = ("apprise", "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "psycopg", "psycopg.pool", "urllib3")
"""Libraries that put addresses, or what a server answered, into their messages."""


def event(name: str, *, level: str = "info", **fields: object) -> None:
    """Writes one event to stdout.

    Raises:
        ValueError: a field that is not in `FIELDS`.
    """
    if unknown := fields.keys() - FIELDS:
        raise ValueError(f"not a field of the log: {', '.join(sorted(unknown))}")
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": name, **fields}
    sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def failure(name: str, error: BaseException, **fields: object) -> None:
    """Writes an unforeseen error: its type and the place, not its words, which may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    event(name, level="error", problem=f"{type(error).__name__} at {place}", **fields)


def quieten() -> None:
    """Keeps libraries from logging what is not for logs; what matters of it is logged by `event`."""
    for name in _QUIET:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
