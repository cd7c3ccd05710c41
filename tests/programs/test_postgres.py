"""Debian's PostgreSQL as a process: TLS, passwords, its data over a kill, and never as root."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from gdcc.cluster import process
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.programs import Authority, Postgres, Site, postgres

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Postgres]]:
    root = tmp_path_factory.mktemp("postgres")
    site = Site(root, attached=True)
    try:
        made = Postgres.prepare(root / "postgres", process.free_port(()), Authority.ensure(root / "pki"), Report())
    except GdccError as error:
        pytest.skip(f"{error.message}: {error.hint}")
    site.start(made.program, Report())
    yield site, made
    site.stop_all()
    made.remove()


def test_it_runs_as_nobody_of_importance(server: tuple[Site, Postgres]) -> None:
    site, _ = server
    assert psutil.Process(site.pids()["postgres"]).uids().real != 0


def test_it_is_reached_by_tls_and_password_only(server: tuple[Site, Postgres]) -> None:
    _, made = server
    with psycopg.connect(made.conninfo()) as connection:
        encrypted = connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert encrypted == (True,)
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(made.conninfo() + " sslmode=disable")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(made.conninfo(password="wrong"))


def test_a_database_may_be_asked_for_twice_and_its_password_is_the_last_one(server: tuple[Site, Postgres]) -> None:
    _, made = server
    made.database("notify", "first")
    made.database("notify", "it's the second")
    with psycopg.connect(made.conninfo("notify", "notify", "it's the second")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("notify",)


def test_what_was_committed_is_there_after_a_kill(server: tuple[Site, Postgres]) -> None:
    site, made = server
    with psycopg.connect(made.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    psutil.Process(site.pids()["postgres"]).send_signal(signal.SIGKILL)
    site.start(made.program, Report())
    with psycopg.connect(made.conninfo()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)


def test_no_server_on_the_machine_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_INSTALLED", tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(GdccError, match="has no postgresql") as told:
        postgres.postgres_programs(Report())
    assert "Debian" in told.value.hint
