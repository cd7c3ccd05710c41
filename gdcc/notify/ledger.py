"""The worker's side of the database: what is due, each attempt before it begins, and what became of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from gdcc.errors import GdccError

LOCK_SECONDS = 1.0
"""How long the locks are believed in without asking."""


class OvertakenError(Exception):
    """Another worker has taken this message over: the lock on it was lost."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message that this worker holds the lock of."""

    id: uuid.UUID
    channel: str
    sealed: bytes | None
    status: str
    created_at: datetime
    attempts: int
    open_since: datetime | None
    """When the last attempt began, if it has no outcome."""
    now: datetime
    """The database's clock."""


class Ledger:
    """Two connections of one thread: one holds the locks of a batch, the other commits what happens meanwhile.

    A worker that dies loses its connections, and with them the locks: its messages are free at once, and what it had
    begun stands in `attempts`.
    """

    def __init__(self, database_url: str) -> None:
        try:
            self._locks = psycopg.connect(database_url, connect_timeout=5)
            self._notes = psycopg.connect(database_url, connect_timeout=5, autocommit=True)
        except psycopg.OperationalError as error:
            raise GdccError("the database is out of reach", "check NOTIFY_DATABASE_URL and that it runs") from error
        self._notes.execute("SET synchronous_commit = on")
        self._seen = time.monotonic()

    def close(self) -> None:
        """Lets go of the locks."""
        self._locks.close()
        self._notes.close()

    def take(self, most: int) -> list[Due]:
        """Locks messages that are due until `settle`."""
        self._seen = time.monotonic()
        taken = self._locks.execute(
            "SELECT notification FROM queue WHERE due <= now() ORDER BY due LIMIT %s FOR UPDATE SKIP LOCKED", (most,)
        ).fetchall()
        if not taken:
            self._locks.rollback()
            return []
        # A statement of its own: its snapshot is newer than the locks, so it sees what the last holder noted.
        with self._locks.cursor(row_factory=class_row(Due)) as cursor:
            cursor.execute(
                "SELECT n.id, n.channel, n.sealed, n.status, n.created_at, coalesce(a.number, 0) AS attempts,"
                " CASE WHEN a.finished_at IS NULL THEN a.started_at END AS open_since, clock_timestamp() AS now"
                " FROM notifications n LEFT JOIN LATERAL (SELECT number, started_at, finished_at FROM attempts"
                " WHERE notification = n.id ORDER BY number DESC LIMIT 1) a ON true"
                " WHERE n.id = ANY(%s) ORDER BY n.created_at",
                ([row[0] for row in taken],),
            )
            return cursor.fetchall()

    def settle(self, done: Sequence[uuid.UUID], later: Sequence[tuple[uuid.UUID, float]]) -> None:
        """Takes what is done off the queue, puts back what is to be tried after so many seconds, unlocks all."""
        if done:
            self._locks.execute("DELETE FROM queue WHERE notification = ANY(%s)", (list(done),))
        for notification, seconds in later:
            self._locks.execute(
                "UPDATE queue SET due = clock_timestamp() + make_interval(secs => %s) WHERE notification = %s",
                (seconds, notification),
            )
        self._locks.commit()

    def begin(self, due: Due, number: int) -> None:
        """Notes, on disk, that a hand-over begins.

        Raises:
            OvertakenError: another worker has noted it already.
        """
        if time.monotonic() - self._seen > LOCK_SECONDS:  # the locks are held only as long as this connection lives
            self._locks.execute("SELECT 1")
            self._seen = time.monotonic()
        try:
            self._notes.execute(
                "WITH attempt AS (INSERT INTO attempts (notification, number) VALUES (%(id)s, %(number)s))"
                " UPDATE notifications SET status = 'sending', sent_at = coalesce(sent_at, now()) WHERE id = %(id)s",
                {"id": due.id, "number": number},
            )
        except psycopg.errors.UniqueViolation as error:
            raise OvertakenError from error

    def finish(self, due: Due, number: int, outcome: str, status: str | None) -> None:
        """Notes what became of an attempt; one that never came to `begin` is noted whole.

        Args:
            due: the message.
            number: of the attempt.
            outcome: as the table has it.
            status: the message's last; None while it goes on.
        """
        self._notes.execute(
            "WITH attempt AS (INSERT INTO attempts AS a (notification, number, finished_at, outcome)"
            " VALUES (%(id)s, %(number)s, clock_timestamp(), %(outcome)s) ON CONFLICT (notification, number)"
            " DO UPDATE SET finished_at = clock_timestamp(), outcome = %(outcome)s)"
            " UPDATE notifications SET status = coalesce(%(status)s, 'sending'),"
            " completed_at = CASE WHEN %(status)s::text IS NOT NULL THEN clock_timestamp() END WHERE id = %(id)s",
            {"id": due.id, "number": number, "outcome": outcome, "status": status},
        )

    def erase(self, days: int) -> int:
        """Erases what names or reaches a person in messages completed longer ago; returns how many."""
        return self._notes.execute(
            "UPDATE notifications SET sealed = NULL WHERE sealed IS NOT NULL"
            " AND completed_at < now() - make_interval(days => %s)",
            (days,),
        ).rowcount

    def tidy(self) -> None:
        """Drops counts of minutes gone by."""
        self._notes.execute("DELETE FROM request_rate WHERE minute < now() - interval '1 hour'")
