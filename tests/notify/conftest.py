"""A real PostgreSQL, a mail relay and an issuer of tokens for the run; a database and a folder for each office."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from gdcc.cluster.process import free_port
from gdcc.cluster.progress import Report
from gdcc.programs.postgres import postgres_programs
from tests.notify.issuer import Issuer
from tests.notify.office import Office, answers
from tests.waiting import until


class Database:
    """Debian's PostgreSQL as an unprivileged user, on loopback."""

    def __init__(self, root: Path) -> None:
        self.programs = postgres_programs(Report())
        self.user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
        # Another user cannot pass pytest's private folders.
        self.data = Path(tempfile.mkdtemp(prefix="notify-postgres-")) if self.user else root
        if self.user:
            os.chown(self.data, self.user, -1)
        self.port = free_port(())
        initdb = [str(self.programs / "initdb"), "-D", str(self.data), "-U", "owner", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C.UTF-8"], user=self.user, cwd="/", capture_output=True, check=True)
        self.running: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with (self.data / "server.log").open("ab") as log:
            self.running = subprocess.Popen(command, user=self.user, cwd="/", stdout=log, stderr=log)
        until(self.answers, 30, "PostgreSQL")

    def answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo("postgres"), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def conninfo(self, name: str) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/{name}"

    def fresh(self) -> str:
        name = f"n{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.conninfo(name)

    def kill(self) -> None:
        """As a power failure: every process at once."""
        assert self.running
        main = psutil.Process(self.running.pid)
        family = [main, *main.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.running.wait()
        psutil.wait_procs(family, 10)

    def close(self) -> None:
        if self.running and self.running.poll() is None:
            self.running.send_signal(signal.SIGQUIT)
            self.running.wait(20)
        if self.user:
            shutil.rmtree(self.data, ignore_errors=True)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(tmp_path_factory.mktemp("postgres"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A mail relay of its own; its port and folder."""
    yield from run_relay(tmp_path / "relay")


def run_relay(folder: Path) -> Iterator[tuple[int, Path]]:
    folder.mkdir()
    port = free_port(())
    command = [sys.executable, "-m", "tests.notify.mailbox", str(port), str(folder)]
    running = subprocess.Popen(command)
    try:
        until((folder / "ready").exists, 20, "the mail relay")
        yield port, folder
    finally:
        running.kill()
        running.wait()


@pytest.fixture
def office(tmp_path: Path, database: Database, issuer: Issuer, relay: tuple[int, Path]) -> Iterator[Office]:
    """A migrated service with nothing running yet."""
    yield from make_office(tmp_path / "office", database, issuer, relay)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, database: Database, issuer: Issuer) -> Iterator[Office]:
    """A service that answers and delivers, shared by a module's tests; none may change its bindings."""
    root = tmp_path_factory.mktemp("served")
    relays = run_relay(root / "relay")
    offices = make_office(root / "office", database, issuer, next(relays))
    made = next(offices)
    made.start("serve", wait=False)
    made.start("worker", wait=False)
    until(lambda: all(_alive(made, role) for role in ("serve", "worker")), 120, "notify")
    yield made
    for leftover in (*offices, *relays):
        del leftover


def _alive(made: Office, role: str) -> bool:
    return answers(f"http://127.0.0.1:{made.ports[role]}/healthz")


def make_office(folder: Path, database: Database, issuer: Issuer, relay: tuple[int, Path]) -> Iterator[Office]:
    folder.mkdir()
    made = Office(folder, database.fresh(), issuer, *relay)
    answer = made.run("migrate")
    assert answer.returncode == 0, answer.stderr
    try:
        yield made
    finally:
        made.close()
