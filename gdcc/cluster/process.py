"""Processes: started in a session of their own, known by more than a pid, stopped kindly and then not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from secrets import SystemRandom

import psutil

from gdcc.errors import GdccError

LOG_BYTES = 16 * 1024 * 1024
"""A log larger than this is set aside as `<name>.1`, so that each member keeps at most two of them."""

PORTS = range(20000, 30000)
"""Below the range systems hand out to outgoing connections, so that a remembered port is seldom taken by one."""

CLOCK_TOLERANCE = 1.0
"""Seconds; a process's start is counted from boot, and the boot time moves a little when the clock is set."""

GRACE = 5.0
"""Seconds between asking to stop and killing."""

RELEASE = 1.0
"""Seconds a remembered port may still be held by the member that just died."""

_ENVIRONMENT = ("PATH", "LANG", "TZ", "TMPDIR")


def start(command: Sequence[str], log: Path, home: Path) -> psutil.Process:
    """Start `command` so that it outlives this process and its terminal.

    Args:
        command: the program and its arguments.
        log: receives its output; appended to.
        home: its working directory and HOME. It sees little else of the environment: etcd and others take settings
            from there.
    """
    bound_log(log)
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"HOME": str(home)}
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=home,
            env=environment,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(descriptor)
    return psutil.Process(child.pid)


def bound_log(log: Path) -> None:
    """Set a log aside once it is large; its writer appends, so it goes on at the start of the emptied file."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        aside = log.with_name(f"{log.name}.1")
        shutil.copyfile(log, aside)
        aside.chmod(0o600)
        os.truncate(log, 0)


def find(pid: int, created: float) -> psutil.Process | None:
    """The process that had this pid and start time, if it still runs; never another that has the pid now."""
    if pid <= 0:
        return None
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) <= CLOCK_TOLERANCE
        return process if same and alive(process) else None
    except psutil.Error:
        return None


def is_strangers(pid: int, created: float) -> bool:
    """Whether this pid now belongs to a process that did not start then."""
    try:
        process = psutil.Process(pid)
        return alive(process) and abs(process.create_time() - created) > CLOCK_TOLERANCE
    except psutil.Error:
        return False


def alive(process: psutil.Process) -> bool:
    """Whether the process runs; one that ended and was not yet waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def owned(root: Path, names: Iterable[str]) -> list[tuple[str, psutil.Process]]:
    """The running processes called one of `names` that were told to keep something under `root`.

    This finds what a killed run started and had no time to record.
    """
    wanted = frozenset(names)
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command: list[str] = process.info["cmdline"] or []
        if command and Path(command[0]).name in wanted and any(f"={root}/" in argument for argument in command[1:]):
            found.append((Path(command[0]).name, process))
    return [(name, process) for name, process in found if alive(process)]


def stop(processes: Sequence[psutil.Process], grace: float = GRACE) -> None:
    """Ask each process to end, kill those that have not after `grace` seconds, and return when all are gone."""
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied as error:
            raise GdccError(
                f"process {process.pid} belongs to another user",
                "run this command as the user who ran `gdcc cluster up`",
            ) from error
    stubborn = _await_end(processes, grace)
    for process in stubborn:
        process.kill()
    _await_end(stubborn, grace)


def _await_end(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so long. psutil's own wait would sit out the time for what nobody reaps."""
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def is_free(port: int) -> bool:
    """Whether nothing listens on this loopback port."""
    with socket.socket() as probe:
        # As the members do: a connection that ended moments ago must not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def comes_free(port: int, seconds: float = RELEASE) -> bool:
    """Whether nothing listens on this port, or stops to within a moment: a killed process closes its files last."""
    deadline = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def free_port(taken: Iterable[int]) -> int:
    """A free loopback port that is not one of `taken`."""
    candidates = [port for port in PORTS if port not in set(taken)]
    SystemRandom().shuffle(candidates)
    for port in candidates:
        if is_free(port):
            return port
    raise GdccError(f"no free port between {PORTS.start} and {PORTS.stop - 1} on 127.0.0.1", "stop what holds them")


def listener(port: int) -> str:
    """Who listens on `port`, for a person: name and pid, or what can be said without the right to see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "another user's process"
