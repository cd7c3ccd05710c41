"""The kernel that guests boot: Linux built to run as a process (user-mode Linux), Debian's package, unpacked once."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from gdcc.cluster import debian
from gdcc.cluster.build import SETTING, cache_root
from gdcc.cluster.disk import MEBIBYTE, guarded, require
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.nodes import system
from gdcc.nodes.machine import LINUX
from gdcc.nodes.system import run

PACKAGE = "user-mode-linux"
NEEDED_BYTES = 250 * MEBIBYTE
TUNNEL = Path("/dev/net/tun")


@dataclass(frozen=True)
class Kernel:
    """A kernel as unpacked.

    Attributes:
        program: runs it.
        modules: its modules; the folder is named by the kernel's release.
    """

    program: Path
    modules: Path


def obstacle() -> str:
    """Why this machine can boot no guest; empty when it can."""
    if reason := system.obstacle():
        return reason
    if platform.machine() != "x86_64":
        return f"{PACKAGE} is made for x86-64, and this machine is {platform.machine()}"
    if not shutil.which("apt-get", path=debian.PATH):
        return f"{PACKAGE} comes by apt-get, which this machine does not have"
    if not shutil.which("mke2fs", path=debian.PATH):
        return "mke2fs not found; install e2fsprogs"
    if not os.access(TUNNEL, os.R_OK | os.W_OK):
        return f"{TUNNEL} is missing: a guest's network goes through it (`modprobe tun`)"
    return ""


def obtain(report: Report) -> Kernel:
    """The kernel; fetched by this machine's apt when the cache has none, whole or not at all, and not installed.

    Raises:
        GdccError: no mirror has it, or no space.
    """
    target = cache_root() / "nodes" / PACKAGE
    with guarded(target, SETTING), locked(target, report, "waiting for another run that fetches the same kernel"):
        whole = target / "whole"
        if not whole.is_dir():
            require(target, NEEDED_BYTES)
            part = target / "part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            with report.step(f"fetching a kernel for guests once, into {target}"):
                _fetch(part)
            part.rename(whole)
        return _in(whole)


def _fetch(folder: Path) -> None:
    # A newer version than the lists know replaces the file on the mirror: read them again only then.
    download: list[str | Path] = [
        "env",
        "--chdir",
        folder,
        "apt-get",
        "download",
        "-qq",
        "-o",
        "APT::Sandbox::User=root",
        PACKAGE,
    ]
    if not system.succeeds(download):
        run(["apt-get", "update", "-qq"], "reading the package lists")
        run(download, f"fetching {PACKAGE}")
    for package in folder.glob("*.deb"):
        run(["dpkg-deb", "--extract", package, folder], f"unpacking {PACKAGE}")
        package.unlink()
    _in(folder)


def _in(folder: Path) -> Kernel:
    program = folder / "usr/bin" / LINUX
    modules = sorted((folder / "usr/lib/uml/modules").glob("*"))
    if not program.exists() or not modules:
        raise GdccError(f"{folder} holds no kernel", "remove the folder: the next run fetches it again")
    return Kernel(program, modules[-1])
