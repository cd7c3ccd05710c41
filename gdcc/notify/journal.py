"""The relay's journal: what says whether it accepted a message when nobody lived to hear its answer.

SMTP leaves a gap: a client that dies after the end of the data and before the reply leaves nobody who knows whether the
message was taken (RFC 1047). So every message has one more recipient in the same transaction, the journal's address:
the relay takes both or neither. A Maildir never shows half a file, so what is there was accepted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from email.parser import BytesHeaderParser
from pathlib import Path

from gdcc.errors import GdccError

HEADERS_BYTES = 32 * 1024
SKEW_SECONDS = 120
"""By which the relay's clock and the database's may differ."""


class JournalError(GdccError):
    """The journal cannot be read, so nothing may be concluded from it."""


def accepted(folder: Path, message_id: str, since: datetime) -> bool:
    """Whether the relay has accepted a message with that Message-ID.

    Args:
        folder: the journal's Maildir.
        message_id: with its angle brackets.
        since: when the hand-over began; older files are not opened.

    Raises:
        JournalError: the folder cannot be read.
    """
    parser = BytesHeaderParser()
    for path in _files(folder):
        try:
            if path.stat().st_mtime < since.timestamp() - SKEW_SECONDS:
                continue
            with path.open("rb") as stream:
                headers = parser.parsebytes(stream.read(HEADERS_BYTES))
        except FileNotFoundError:  # moved to cur, where it is met again, or removed as too old
            continue
        if str(headers.get("Message-ID", "")).strip() == message_id:
            return True
    return False


def prune(folder: Path, keep_hours: int) -> int:
    """Removes copies older than that, since they hold what was written to people; returns how many.

    Raises:
        JournalError: the folder cannot be read or changed.
    """
    removed = 0
    oldest = time.time() - keep_hours * 3600
    for path in _files(folder):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
        except OSError as error:
            raise JournalError(f"the journal's old copies cannot be removed: {error.strerror}") from error
    return removed


def _files(folder: Path) -> Iterator[Path]:
    # `new` before `cur`: a file that is moved in between is then met in at least one of them.
    for name in ("new", "cur"):
        try:
            with os.scandir(folder / name) as entries:
                yield from [Path(entry.path) for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            raise JournalError(f"the journal's folder {name} cannot be read: {error.strerror}") from error
