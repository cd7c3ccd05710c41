"""Configuration: environment variables and the files they name, checked at start, everything wrong told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psycopg

from gdcc.errors import GdccError
from gdcc.notify.bindings import BindingsFile
from gdcc.notify.keyring import Keyring
from gdcc.notify.mounted import load
from gdcc.notify.providers import ProvidersFile
from gdcc.notify.templates import Library

PREFIX = "NOTIFY_"
Value = TypeVar("Value")

HELP: dict[str, str] = {
    "DATABASE_URL": "PostgreSQL: postgresql://user@host/name; the password better by DATABASE_URL_FILE or PGPASSFILE",
    "MASTER_KEYS_FILE": "file: a key a line, 32 bytes in base64url, the newest first",
    "BINDINGS_FILE": "file: plans, and who is bound (YAML); read again when it changes",
    "TEMPLATES_DIR": "folder: a YAML file an agency; read again when it changes",
    "PROVIDERS_FILE": "file: the relay, the SMS and the LINE provider (YAML, secret)",
    "ISSUER": "issuer of the ID service's tokens, as their claim `iss` says it",
    "JWKS_URL": "where the ID service publishes its keys",
    "AUDIENCE": "what the claim `aud` must hold (default notify)",
    "LISTEN": "host:port (default 127.0.0.1:8080)",
    "PUBLIC_URL": "how callers reach the service (default http:// and LISTEN)",
    "RETENTION_DAYS": "days after which recipients and bodies are erased (default 7)",
    "RETRY_SECONDS": "the first wait after a failure; it doubles up to an hour (default 10)",
    "GIVE_UP_HOURS": "hours after which a failing message is a temporary-failure (default 72)",
    "COURIERS": "threads of a worker that hand messages over (default 4)",
}
"""Every setting; each may instead come from the file that NAME_FILE names, as secrets are mounted."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service needs to run."""

    database_url: str
    master_keys: Path
    bindings: Path
    templates: Path
    providers: Path
    issuer: str
    jwks_url: str
    audience: str
    host: str
    port: int
    public_url: str
    retention_days: int
    retry_seconds: int
    give_up_hours: int
    couriers: int


def settings(environment: Mapping[str, str]) -> Settings:
    """Reads the environment.

    Raises:
        GdccError: something is missing or malformed; names every variable and what it should be, and no value.
    """
    source = _Source(environment)
    host, port = source.of("LISTEN", _listen, "127.0.0.1:8080") or ("", 0)
    read = Settings(
        database_url=source.of("DATABASE_URL", _database) or "",
        master_keys=source.of("MASTER_KEYS_FILE", _file) or Path(),
        bindings=source.of("BINDINGS_FILE", _file) or Path(),
        templates=source.of("TEMPLATES_DIR", _folder) or Path(),
        providers=source.of("PROVIDERS_FILE", _file) or Path(),
        issuer=source.of("ISSUER", _http) or "",
        jwks_url=source.of("JWKS_URL", _http) or "",
        audience=source.of("AUDIENCE", str, "notify") or "",
        host=host,
        port=port,
        public_url=(source.of("PUBLIC_URL", _http, f"http://{host}:{port}") or "").rstrip("/"),
        retention_days=source.of("RETENTION_DAYS", _number(1, 365), "7") or 0,
        retry_seconds=source.of("RETRY_SECONDS", _number(1, 3600), "10") or 0,
        give_up_hours=source.of("GIVE_UP_HOURS", _number(1, 720), "72") or 0,
        couriers=source.of("COURIERS", _number(1, 64), "4") or 0,
    )
    if source.problems:
        raise GdccError("\n".join(source.problems), "`python -m gdcc.notify settings` tells every setting")
    return read


class _Source:
    """Takes settings from the environment and collects what is wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []
        known = {PREFIX + name for name in HELP} | {f"{PREFIX}{name}_FILE" for name in HELP}
        unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
        self.problems.extend(f"{name}: there is no such setting" for name in unknown)

    def of(self, name: str, take: Callable[[str], Value], default: str | None = None) -> Value | None:
        variable = PREFIX + name
        written = self.environment.get(variable, "").strip()
        if not written and (mounted := self.environment.get(f"{variable}_FILE")):
            try:
                written = Path(mounted).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self.problems.append(f"{variable}_FILE: that file cannot be read")
                return None
        written = written or (default or "")
        if not written:
            self.problems.append(f"{variable}: is not set; {HELP[name]}")
            return None
        try:
            return take(written)
        except ValueError as error:
            self.problems.append(f"{variable}: {error}; {HELP[name]}")
            return None


def _file(written: str) -> Path:
    if not Path(written).is_file():
        raise ValueError("there is no such file")
    return Path(written)


def _folder(written: str) -> Path:
    if not Path(written).is_dir():
        raise ValueError("there is no such folder")
    return Path(written)


def _http(written: str) -> str:
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no http or https address")
    return written


def _database(written: str) -> str:
    try:
        psycopg.conninfo.conninfo_to_dict(written)
    except psycopg.Error as error:
        raise ValueError("no connection string of PostgreSQL") from error
    return written


def _listen(written: str) -> tuple[str, int]:
    host, colon, port = written.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError("no host:port")
    return host.strip("[]"), int(port)


def _number(least: int, most: int) -> Callable[[str], int]:
    def take(written: str) -> int:
        if not written.isdecimal() or not least <= int(written) <= most:
            raise ValueError(f"not a whole number from {least} to {most}")
        return int(written)

    return take


class Mounted:
    """The mounted files, read again when they change; a change that is wrong is reported and the old one kept.

    Raises:
        GdccError: at the first reading, what is wrong.
    """

    def __init__(self, given: Settings) -> None:
        self._settings = given
        self._seen = self._state()
        self.keyring = Keyring.read(given.master_keys)
        self.providers = load(given.providers, ProvidersFile)
        self.bindings = load(given.bindings, BindingsFile)
        self.library = Library.read(given.templates)

    def refresh(self) -> bool:
        """Reads what changed; True if something did.

        Raises:
            GdccError: the new content is wrong; nothing of it is used.
        """
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        bindings, library = load(self._settings.bindings, BindingsFile), Library.read(self._settings.templates)
        self.bindings, self.library = bindings, library
        return True

    def _state(self) -> list[tuple[str, int, int, int]]:
        paths = [self._settings.bindings, *sorted(self._settings.templates.glob("*.yaml"))]
        found = []
        for path in paths:
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((path.name, status.st_mtime_ns, status.st_size, status.st_ino))
        return found
