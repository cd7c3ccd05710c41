"""Brings the database to the shape that this version needs: plain SQL files, each once, one run at a time."""

from __future__ import annotations

import hashlib
from importlib import resources

import psycopg

from gdcc.errors import GdccError

LOCK = 7_106_001
"""The advisory lock that runs at the same time wait for."""


def migrations() -> list[tuple[int, str, str]]:
    """Number, name and SQL of every migration, in order."""
    found = [
        item for item in resources.files("gdcc.notify").joinpath("migrations").iterdir() if item.name[:4].isdigit()
    ]
    return sorted((int(item.name[:4]), item.name, item.read_text("utf-8")) for item in found)


def migrate(database_url: str) -> list[str]:
    """Applies what is missing.

    Returns:
        The names of the migrations applied; none when there was nothing to do.

    Raises:
        GdccError: the database is out of reach, or has a migration that is not this version's.
    """
    applied: list[str] = []
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL,"
                " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
            )
            done: dict[int, str] = dict(connection.execute("SELECT number, sha256 FROM schema_migrations").fetchall())
            known = {number for number, _, _ in migrations()}
            if newer := sorted(done.keys() - known):
                raise GdccError(f"the database has migration {newer[-1]:04}, which this version does not know")
            for number, name, sql in migrations():
                digest = hashlib.sha256(sql.encode()).hexdigest()
                if number in done:
                    if done[number] != digest:
                        raise GdccError(f"{name} was changed after it was applied", "write a new migration instead")
                    continue
                connection.execute(sql.encode())
                connection.execute(
                    "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)", (number, name, digest)
                )
                applied.append(name)
    except psycopg.OperationalError as error:
        raise GdccError("the database is out of reach", "check NOTIFY_DATABASE_URL and that it runs") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise GdccError("the database user may not create tables", "run migrate as the owner") from error
    return applied
