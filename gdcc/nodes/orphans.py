"""Systems that run on after their systemd-nspawn was killed, which takes its container along only when it is asked."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from gdcc.cluster import process

NAME = re.compile(r"gdcc[0-9a-f]{6}-[0-9]+")
"""As `gdcc.nodes.layout` names test hosts."""


def orphans() -> dict[str, list[psutil.Process]]:
    """The first processes of test hosts whose container nobody holds any more, by the name of the host.

    To kill one ends all of its system.
    """
    found: dict[str, list[psutil.Process]] = {}
    for one in psutil.process_iter(["name", "ppid"]):
        if one.info["name"] != "systemd" or one.pid == 1:
            continue
        try:
            contained = one.environ().get("container") == "systemd-nspawn"
            held = contained and (parent := one.parent()) is not None and parent.name() == "systemd-nspawn"
            name = Path(f"/proc/{one.pid}/root/etc/hostname").read_text().strip() if contained and not held else ""
        except (psutil.Error, OSError):
            continue
        if NAME.fullmatch(name):
            found.setdefault(name, []).append(one)
    return found


def end(lost: list[psutil.Process]) -> None:
    """Kill systems that nobody holds: to a signal that asks they do not listen."""
    for one in lost:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.stop(lost)
