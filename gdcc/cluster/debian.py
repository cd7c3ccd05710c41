"""Debian's packages, installed where we may."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gdcc.cluster.golang import tail
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
"""With sbin, which a bare `su` leaves out, and which dpkg and the programs of its packages want."""

ALONE = Path("/run/gdcc-apt")
"""Locked meanwhile: apt does not wait for another apt that reads the package lists, it fails."""
WAITING = "waiting for another installation of Debian's packages"


def install(packages: Sequence[str], report: Report) -> None:
    """Install packages.

    Raises:
        GdccError: we are not root, there is no apt, or it fails.
    """
    named = " ".join(packages)
    if os.geteuid() or not shutil.which("apt-get"):
        raise GdccError(f"this machine has no {named}", f"install Debian's packages: apt-get install {named}")
    environment = {**os.environ, "PATH": PATH, "DEBIAN_FRONTEND": "noninteractive"}
    with locked(ALONE, report, WAITING), report.step(f"installing Debian's {named}"):
        for arguments in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *packages)):
            done = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GdccError(f"installing {named} failed:\n{tail(done.stderr)}", f"apt-get install {named}")
