"""What the API keeps in PostgreSQL: notifications, what is due, and what was used of a plan."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gdcc.notify.refusal import unavailable

PAGE = 250
"""Notifications in an answer; the contract's."""
DOWN = "The database is out of reach; nothing was accepted. Try again, with the same reference"

_COLUMNS = (
    "id, channel, kind, reference, fingerprint, template, template_version, sealed, status, "
    "created_at, sent_at, completed_at"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A notification as it is kept."""

    id: uuid.UUID
    channel: str
    kind: str
    reference: str | None
    fingerprint: bytes
    template: uuid.UUID
    template_version: int
    sealed: bytes | None
    status: str
    created_at: datetime
    sent_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class New:
    """A notification to be kept."""

    id: uuid.UUID
    service: uuid.UUID
    kind: str
    channel: str
    reference: str | None
    fingerprint: bytes
    template: uuid.UUID
    template_version: int
    sealed: bytes
    status: str = "created"
    """Another one than `created` is final: nothing is sent."""


class UsedUpError(Exception):
    """The month's messages are used up."""


class Store:
    """The API's way to the database; every method may raise a `Refusal` of 503 while it is down."""

    def __init__(self, database_url: str) -> None:
        self._pool = AsyncConnectionPool(
            database_url,
            min_size=2,
            max_size=12,
            timeout=5,
            open=False,
            kwargs={"autocommit": True, "connect_timeout": 5},
            configure=_durable,
        )

    async def start(self) -> None:
        """Opens the pool; the database may come later."""
        await self._pool.open(wait=False)

    async def stop(self) -> None:
        """Closes it."""
        await self._pool.close(timeout=5)

    async def alive(self) -> bool:
        """Whether the database answers and has its tables."""
        async with self._connection() as connection:
            cursor = await connection.execute("SELECT to_regclass('queue') IS NOT NULL")
            row = await cursor.fetchone()
        return bool(row and row[0])

    async def requests(self, service: uuid.UUID, kind: str) -> int:
        """Counts a request; returns how many there were in this minute, this one included."""
        async with self._connection() as connection:
            cursor = connection.cursor(row_factory=scalar_row)
            await cursor.execute(
                "INSERT INTO request_rate AS r VALUES (%s, %s, date_trunc('minute', now()), 1)"
                " ON CONFLICT (service, kind, minute) DO UPDATE SET used = r.used + 1 RETURNING used",
                (service, kind),
            )
            return int(await cursor.fetchone() or 0)

    async def place(self, new: New, monthly: int | None) -> Stored | None:
        """Keeps a notification and queues it, in one transaction that is on disk when this returns.

        Args:
            new: what to keep.
            monthly: how many of a month there may be; None counts nothing.

        Returns:
            An older notification with the same reference, and then nothing was kept; None otherwise.

        Raises:
            UsedUpError: the month's messages are used up, and nothing was kept.
        """
        async with self._connection() as connection:
            values = (
                *(new.id, new.service, new.kind, new.channel, new.reference, new.fingerprint, new.template),
                *(new.template_version, new.sealed, new.status, monthly),
            )
            cursor = connection.cursor(row_factory=scalar_row)
            try:
                await cursor.execute("SELECT place(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
            except psycopg.errors.ProgramLimitExceeded as error:
                raise UsedUpError from error
            placed = await cursor.fetchone()
            return None if placed else await self._by_reference(connection, new)

    async def find(self, service: uuid.UUID, kind: str, notification: uuid.UUID) -> Stored | None:
        """One notification of that service and kind of key."""
        found = await self._select("AND id = %(id)s", {"service": service, "kind": kind, "id": notification})
        return found[0] if found else None

    async def page(
        self,
        service: uuid.UUID,
        kind: str,
        statuses: Sequence[str],
        channels: Sequence[str],
        reference: str | None,
        older_than: uuid.UUID | None,
    ) -> list[Stored]:
        """Notifications, the newest first, at most `PAGE`; empty sequences mean all."""
        return await self._select(
            "AND (cardinality(%(statuses)s::text[]) = 0 OR status = ANY(%(statuses)s))"
            " AND (cardinality(%(channels)s::text[]) = 0 OR channel = ANY(%(channels)s))"
            " AND (%(reference)s::text IS NULL OR reference = %(reference)s)"
            " AND (%(older)s::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM notifications"
            " WHERE id = %(older)s AND service = %(service)s))"
            " ORDER BY created_at DESC, id DESC LIMIT %(page)s",
            {
                "service": service,
                "kind": kind,
                "statuses": list(statuses),
                "channels": list(channels),
                "reference": reference,
                "older": older_than,
                "page": PAGE,
            },
        )

    async def waiting(self) -> tuple[int, float]:
        """How many are queued, and for how many seconds the oldest has been due."""
        async with self._connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(due)), 0)::float8 FROM queue"
            )
            row = await cursor.fetchone()
        return (int(row[0]), max(float(row[1]), 0.0)) if row else (0, 0.0)

    async def _select(self, condition: str, values: dict[str, object]) -> list[Stored]:
        # The condition is one of ours; what callers write is in the values.
        query = f"SELECT {_COLUMNS} FROM notifications WHERE service = %(service)s AND kind = %(kind)s {condition}"  # noqa: S608
        async with self._connection() as connection, connection.cursor(row_factory=class_row(Stored)) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall()

    @staticmethod
    async def _by_reference(connection: psycopg.AsyncConnection, new: New) -> Stored | None:
        query = f"SELECT {_COLUMNS} FROM notifications WHERE service = %s AND kind = %s AND reference = %s"  # noqa: S608
        async with connection.cursor(row_factory=class_row(Stored)) as cursor:
            await cursor.execute(query.encode(), (new.service, new.kind, new.reference))
            return await cursor.fetchone()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            # Where one connection broke the others did too: better this answer is slow than the next ones wrong.
            with contextlib.suppress(psycopg.Error, PoolTimeout):
                await self._pool.check()
            raise unavailable(DOWN) from error


async def _durable(connection: psycopg.AsyncConnection) -> None:
    """An answer leaves only when what it says is on disk, whatever the server's default."""
    await connection.execute("SET synchronous_commit = on")
