"""The running of server programs: each known by a record, none started twice, none left behind."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from gdcc.cluster import process
from gdcc.cluster.disk import private_directory, write_private
from gdcc.cluster.golang import tail
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError

POLL, LONGEST_POLL = 0.1, 1.0
"""Seconds between two questions whether a program is ready: short at first, since the asking takes time."""
STOP = 15.0
"""Seconds a program has for an orderly end before it is killed."""
_KEPT = ("PATH", "LANG", "TZ", "TMPDIR")


@dataclass(frozen=True)
class Program:
    """One server and how it is run.

    Attributes:
        name: of its record and its log.
        command: the program and its arguments; one names a path under the site's folder, so that a process whose
            record was lost is found again.
        ready: whether it answers.
        environment: besides PATH and a few others; nothing else of the caller's environment is seen.
        home: its working directory and HOME; the site's folder by default.
        user: user and group id it runs as; the caller's by default.
        stop_signal: what asks it for an orderly end.
        patience: seconds until it must be ready.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None
    user: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 60.0

    @property
    def fingerprint(self) -> str:
        """Tells this start from one with another argument or variable."""
        said = repr((self.command, sorted(self.environment.items()), self.user))
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True)
class _Started:
    pid: int
    created: float
    fingerprint: str
    stop_signal: int


class Site:
    """The programs of one folder.

    Args:
        root: private to its owner; holds records and logs.
        attached: whether the programs end with the thread that started them, however it ends (Linux's
            PR_SET_PDEATHSIG); else they go on until `stop`.
    """

    def __init__(self, root: Path, *, attached: bool = False) -> None:
        self.root = private_directory(root).resolve()
        self.attached = attached

    def start(self, program: Program, report: Report) -> None:
        """Start a program and wait until it is ready; one that runs as asked is left alone.

        Raises:
            GdccError: it ended, or did not become ready in time; the message holds the end of its log.
        """
        record = self._record(program.name)
        running = self._running(program.name)
        if running and record and record.fingerprint == program.fingerprint and program.ready():
            return
        self.stop(program.name)
        with report.step(f"starting {program.name}"):
            started = self._spawn(program)
            self._await(program, started)

    def stop(self, name: str) -> None:
        """End a program, its children and what a killed run left of it; one that does not run is fine."""
        record, running = self._record(name), self._running(name)
        family = [*running] + [child for one in running for child in _children(one)]
        for one in running:
            _send(one, signal.Signals(record.stop_signal) if record else signal.SIGTERM)
        deadline = time.monotonic() + STOP
        while any(process.alive(one) for one in family) and time.monotonic() < deadline:
            time.sleep(POLL / 2)
        for one in family:
            if process.alive(one):
                _send(one, signal.SIGKILL)
        self._path(name).unlink(missing_ok=True)

    def stop_all(self) -> None:
        """End every program of the site, the last started first, and anything of it without a record."""
        records = sorted(self.root.glob("*.run.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in records:
            self.stop(path.name.removesuffix(".run.json"))
        process.stop(_strays(self.root))

    def pids(self) -> dict[str, int]:
        """The pid of each program that runs."""
        names = [path.name.removesuffix(".run.json") for path in sorted(self.root.glob("*.run.json"))]
        found = {name: self._recorded(name) for name in names}
        return {name: one.pid for name, one in found.items() if one}

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.root / f"{name}.log"

    def _path(self, name: str) -> Path:
        return self.root / f"{name}.run.json"

    def _record(self, name: str) -> _Started | None:
        try:
            return _Started(**json.loads(self._path(name).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _recorded(self, name: str) -> psutil.Process | None:
        record = self._record(name)
        return process.find(record.pid, record.created) if record else None

    def _running(self, name: str) -> list[psutil.Process]:
        """The recorded process, or what was started and never recorded: its command names the program's folder."""
        recorded = self._recorded(name)
        return [recorded] if recorded else _strays(self.root / name)

    def _spawn(self, program: Program) -> psutil.Process:
        log = self.log(program.name)
        process.bound_log(log)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        home = program.home or self.root
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            child = subprocess.Popen(
                [*self._wrapping(program), *program.command],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                cwd=home,
                env={**kept, "HOME": str(home), **program.environment},
                start_new_session=True,
                umask=0o077,
            )
        except OSError as error:
            raise GdccError(f"{program.name} does not start: {error}", "check that the program is installed") from error
        finally:
            os.close(descriptor)
        started = psutil.Process(child.pid)
        told = _Started(child.pid, started.create_time(), program.fingerprint, int(program.stop_signal))
        write_private(self._path(program.name), json.dumps(asdict(told)).encode())
        return started

    def _wrapping(self, program: Program) -> list[str]:
        """util-linux' setpriv: another user, and a signal when whoever started it dies."""
        options = ["--pdeathsig", program.stop_signal.name.removeprefix("SIG")] if self.attached else []
        if program.user:
            user, group = program.user
            options += ["--reuid", str(user), "--regid", str(group), "--clear-groups"]
        if options and not shutil.which("setpriv"):
            raise GdccError("there is no `setpriv` on this machine", "install util-linux")
        return ["setpriv", *options, "--"] if options else []

    def _await(self, program: Program, started: psutil.Process) -> None:
        began = time.monotonic()
        deadline = began + program.patience
        while not program.ready():
            alive = process.alive(started)
            if alive and time.monotonic() < deadline:
                time.sleep(min(LONGEST_POLL, POLL + (time.monotonic() - began) / 20))
                continue
            said = tail(self.log(program.name).read_text(errors="replace"))
            what = f"is not ready after {program.patience:.0f} s" if alive else "ended at once"
            self.stop(program.name)
            raise GdccError(f"{program.name} {what}; the end of its log:\n{said}", f"see {self.log(program.name)}")


def _strays(folder: Path) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter(["cmdline"]):
        command: list[str] = one.info["cmdline"] or []
        if one.pid != os.getpid() and any(_names(argument, folder) for argument in command):
            found.append(one)
    return [one for one in found if process.alive(one)]


def _names(argument: str, folder: Path) -> bool:
    return argument == str(folder) or f"{folder}/" in f"{argument}/"


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return list(parent.children(recursive=True))
    except psutil.Error:
        return []


def _send(one: psutil.Process, what: signal.Signals) -> None:
    try:
        one.send_signal(what)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise GdccError(f"process {one.pid} belongs to another user", "stop it as the user who started it") from error
