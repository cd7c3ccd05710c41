"""The operating system of this machine: its programs, and what to say when one is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from gdcc.cluster.debian import PATH, install
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError

TOOLS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}
"""What test hosts need, by program: the Debian package that holds it."""

WATCHERS, WATCHERS_NEEDED = Path("/proc/sys/fs/inotify/max_user_instances"), 1024
"""Systemd and its services take up to a dozen in every host, all from root's share; of Linux's 128 nine hosts leave
none, and the tenth ends while it boots."""


def run(command: Sequence[str | Path], doing: str, *, timeout: float = 900, text: str | None = None) -> str:
    """The standard output of a program that must succeed.

    Args:
        command: the program and its arguments.
        doing: what it is for, `making the interface`; begins the error.
        timeout: seconds.
        text: its standard input; nothing by default.

    Raises:
        GdccError: it fails, with the last lines that it wrote.
    """
    environment = {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"}
    source = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, env=environment, **source
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GdccError(f"{doing}: {error}") from error
    if answer.returncode:
        said = "\n".join((answer.stderr.strip() or answer.stdout.strip()).splitlines()[-8:])
        raise GdccError(f"{doing}: {Path(command[0]).name} ended with {answer.returncode}", said)
    return answer.stdout


def succeeds(command: Sequence[str | Path]) -> bool:
    """Whether a program ends with 0; what it says is not shown."""
    environment = {**os.environ, "PATH": PATH}
    answer = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, env=environment)
    return answer.returncode == 0


def subnets(network: str) -> set[int]:
    """The third parts of this machine's addresses in a network, which its first two parts name."""
    found = run(["ip", "-o", "-4", "address"], "asking which addresses are taken")
    return {int(third) for third in re.findall(rf" {re.escape(network)}\.(\d+)\.", found)}


def free_subnet(first: int, taken: Collection[int]) -> int:
    """The next third part that is not taken, from `first` on; that one when all are."""
    free = (one % 255 for one in range(first, first + 255) if one % 255 not in {0, *taken})
    return next(free, first)


def obstacle() -> str:
    """Why this machine can hold no test hosts; empty when it can."""
    if os.geteuid() != 0:
        return "test hosts need root: they are systems of their own in network namespaces of their own"
    if missing := _missing():
        packages = " ".join(sorted({TOOLS[name] for name in missing}))
        if not shutil.which("apt-get", path=PATH):
            return f"{', '.join(missing)} not found; install {packages}"
    return ""


def prepare(report: Report) -> None:
    """Install the programs that are missing, with apt.

    Raises:
        GdccError: this user may not, or apt cannot.
    """
    if reason := obstacle():
        raise GdccError(reason, "run it as root on Debian or Ubuntu, or harden real hosts with playbooks/harden.yml")
    _make_room(report)
    if missing := _missing():
        install(sorted({TOOLS[name] for name in missing}), report)


def _make_room(report: Report) -> None:
    """Let this machine watch enough files, until it is started again."""
    with suppress(OSError):  # no such limit, or not ours to set: a few hosts boot all the same
        if int(WATCHERS.read_text()) < WATCHERS_NEEDED:
            WATCHERS.write_text(f"{WATCHERS_NEEDED}\n")
            report.detail(f"raised {WATCHERS} to {WATCHERS_NEEDED}")


def _missing() -> list[str]:
    return [name for name in TOOLS if not shutil.which(name, path=PATH)]


def crowded() -> str:
    """What to say when this machine has no room for one more system; empty when it has.

    It is asked when a host has not booted, for which fewer than six inotify instances left are the likely reason.
    """
    try:
        limit = int(WATCHERS.read_text())
    except (OSError, ValueError):
        return ""  # no such limit here
    used = 0
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            used += os.readlink(descriptor) == "anon_inode:inotify" and descriptor.parent.stat().st_uid == 0
        except OSError:
            continue
    if used < limit - 6:
        return ""
    more = "end other hosts or clusters, or raise fs.inotify.max_user_instances"
    return f"{used} of {limit} inotify instances are taken: {more}"
