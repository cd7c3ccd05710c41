"""Debian's PostgreSQL on loopback, with TLS and passwords; never as root."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

import psycopg
from psycopg import sql

from gdcc.cluster.debian import install
from gdcc.cluster.disk import write_private
from gdcc.cluster.golang import tail
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.programs.authority import Authority
from gdcc.programs.site import Program

PACKAGE = "postgresql"
ADMINISTRATOR = "postgres"
_INSTALLED = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "log_min_messages": "warning",
}
_ACCESS = "hostssl all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Postgres:
    """One server and its data.

    Attributes:
        folder: under the site's; holds the administrator's password (0600).
        data: the database cluster; the server's user's own.
        port: on loopback.
        authority: the certificate authority of its certificate.
        programs: the folder of `postgres` and `initdb`.
        user: user and group id it runs as; None for the caller's.
    """

    folder: Path
    data: Path
    port: int
    authority: Path
    programs: Path
    user: tuple[int, int] | None

    @classmethod
    def prepare(cls, folder: Path, port: int, authority: Authority, report: Report) -> Postgres:
        """A server whose database cluster exists; one that exists already keeps its data.

        Args:
            folder: its own; named as the program.
            port: a free one.
            authority: issues its certificate.
            report: told what takes time.

        Raises:
            GdccError: PostgreSQL is missing and cannot be installed, or its data cannot be made.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = folder.resolve()
        programs = postgres_programs(report)
        user = _unprivileged() if os.geteuid() == 0 else None
        data = _data_folder(folder, user)
        server = cls(folder, data, port, authority.certificate, programs, user)
        if not (data / "PG_VERSION").exists():
            with report.step("making a PostgreSQL database cluster"):
                server._initialise()
        server._configure(*authority.issue("postgres"))
        return server

    @property
    def program(self) -> Program:
        """How it is run."""
        # The data may lie elsewhere: the second argument tells whose it is.
        command = (
            *(str(self.programs / "postgres"), "-D", str(self.data), "-p", str(self.port)),
            *("-c", f"cluster_name={hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}"),
            *("-c", f"external_pid_file={self.data}/external.pid"),
        )
        return Program(self.folder.name, command, self.ready, home=self.data, user=self.user, stop_signal=signal.SIGINT)

    @property
    def password(self) -> str:
        """The administrator's."""
        return (self.folder / "password").read_text()

    def conninfo(self, database: str = ADMINISTRATOR, user: str = ADMINISTRATOR, password: str | None = None) -> str:
        """How libpq reaches a database; it verifies the server's certificate."""
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=user,
            password=password if password is not None else self.password,
            sslmode="verify-full",
            sslrootcert=str(self.authority),
            connect_timeout=5,
        )

    def jdbc_url(self, database: str) -> str:
        """How a Java program reaches a database."""
        return f"jdbc:postgresql://127.0.0.1:{self.port}/{database}?sslmode=verify-full&sslrootcert={self.authority}"

    def database(self, name: str, password: str) -> None:
        """A database and a role of the same name that owns it, with this password; both may exist."""
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            role, secret = sql.Identifier(name), sql.Literal(password)
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, secret))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))

    def ready(self) -> bool:
        """Whether it lets its administrator in."""
        try:
            psycopg.connect(self.conninfo()).close()
        except (psycopg.Error, OSError):
            return False
        return True

    def remove(self) -> None:
        """Remove its data; stop it first."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _initialise(self) -> None:
        write_private(self.folder / "password", token_urlsafe(24).encode())
        reading, writing = os.pipe()  # initdb reads the password from a file, and one on disk is one too many
        os.write(writing, self.password.encode() + b"\n")
        os.close(writing)
        if self.user:
            os.fchown(reading, *self.user)  # opening it again by its number asks who owns it
        options = ["-U", ADMINISTRATOR, "-A", "scram-sha-256", f"--pwfile=/dev/fd/{reading}", "-E", "UTF8"]
        command = [str(self.programs / "initdb"), "-D", str(self.data), *options, "--locale=C.UTF-8", "--no-sync"]
        try:
            answer = subprocess.run(
                command,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                pass_fds=(reading,),
                user=self.user[0] if self.user else None,
                group=self.user[1] if self.user else None,
                extra_groups=[] if self.user else None,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            os.close(reading)
        if answer.returncode:
            self.remove()
            raise GdccError(
                f"PostgreSQL's initdb failed; the end of what it said:\n{tail(answer.stderr)}",
                "check that the disk has room and that the temporary directory can be written to",
            )

    def _configure(self, certificate: Path, key: Path) -> None:
        lines = "".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        contents = {
            "postgresql.auto.conf": lines.encode(),
            "pg_hba.conf": _ACCESS.encode(),
            "server.crt": certificate.read_bytes(),
            "server.key": key.read_bytes(),
        }
        for name, data in contents.items():
            write_private(self.data / name, data)
            if self.user:
                os.chown(self.data / name, *self.user)


def postgres_programs(report: Report) -> Path:
    """The folder of the newest installed server's programs; as root, installed from Debian when missing.

    Raises:
        GdccError: there is none.
    """
    if not any(_INSTALLED.glob("*/bin/initdb")):
        install((PACKAGE,), report)
    return max(_INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])).parent


def _unprivileged() -> tuple[int, int]:
    """Debian's own user for it, else nobody: PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise GdccError("there is no unprivileged user to run PostgreSQL as", f"install Debian's package `{PACKAGE}`")


def _data_folder(folder: Path, user: tuple[int, int] | None) -> Path:
    """Under `folder`; for another user in the temporary directory, since that user cannot pass our private folders."""
    if user is None:
        return folder / "data"
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    data = Path(tempfile.gettempdir()) / f"gdcc-postgres-{digest}"
    try:
        data.mkdir(mode=0o700)
    except FileExistsError:
        found = data.lstat()
        if data.is_symlink() or found.st_uid not in (user[0], 0):
            raise GdccError(f"{data} is somebody else's", "remove it") from None
    os.chown(data, *user)
    return data
