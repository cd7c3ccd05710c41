"""One test host: an overlay over the image, booted by systemd-nspawn in a network namespace of its own.

The overlay is mounted in a mount namespace that only the host's process has, so that nothing stays mounted when that
process ends, however it ends. The network namespace has a name that follows from the state directory; a later run finds
what a killed one left.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from gdcc.cluster import process
from gdcc.cluster.disk import write_private
from gdcc.errors import GdccError
from gdcc.nodes import orphans
from gdcc.nodes.layout import HostFiles, Layout
from gdcc.nodes.system import crowded, run, succeeds

NSPAWN = "systemd-nspawn"
LINUX = "linux.uml"
"""A guest's kernel, which is a process; its own processes look the same and are its children."""
BOOT_SECONDS = 120.0
STOP_SECONDS = 20.0

# A control group of its own in systemd's hierarchy: without, all hosts share one, and the systemd of one host removes
# what another's has made there. In the shell, so that it holds before systemd-nspawn looks where it is.
_GROUP = """\
while IFS=: read -r _ kind path; do
    case $kind in name=systemd) at=systemd ;; '') at=unified ;; *) continue ;; esac
    [ -d "/sys/fs/cgroup/$at" ] || at=
    mkdir -p "/sys/fs/cgroup/$at$path/$0" && echo $$ > "/sys/fs/cgroup/$at$path/$0/cgroup.procs"
done < /proc/self/cgroup
"""
# $0 name, $1 image, $2 upper, $3 work, $4 root; the rest is the program. The mount ends with the program.
_BOOT = _GROUP + 'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4" && shift 4 && exec "$@"'


def running(host: HostFiles) -> psutil.Process | None:
    """The process of the host, if it runs: the recorded one, or one that was not recorded in time."""
    try:
        record = json.loads(host.record.read_text())
        found = process.find(int(record["pid"]), float(record["created"]))
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found:
        return found
    unrecorded = [one for _, one in process.owned(host.folder, [NSPAWN, LINUX])]
    return min(unrecorded, key=lambda one: (one.create_time(), one.pid), default=None)


def connect(host: HostFiles) -> None:
    """Make the host's network namespace and the link to it, unless they are there."""
    name, address = host.name, host.address
    inside = ["ip", "-n", name]
    if not Path("/run/netns", name).exists() or not succeeds([*inside, "link", "show", "lo"]):
        Path("/run/netns", name).unlink(missing_ok=True)
        run(["ip", "netns", "add", name], "making a network namespace")
    if not succeeds([*inside, "link", "show", "host0"]) or not succeeds(["ip", "link", "show", name]):
        if succeeds(["ip", "link", "show", name]):
            run(["ip", "link", "delete", name], "removing half a link")
        link = ["ip", "link", "add", name, "type", "veth", "peer", "name", "host0", "netns", name]
        run(link, "making a link")
    run(["ip", "address", "replace", f"{address.ours}/30", "dev", name], "giving the link an address")
    run(["ip", "link", "set", name, "up"], "bringing the link up")
    run([*inside, "address", "replace", f"{address.host}/30", "dev", "host0"], "giving the host an address")
    run([*inside, "link", "set", "lo", "up"], "bringing the host's loopback up")
    run([*inside, "link", "set", "host0", "up"], "bringing the host's link up")


def disconnect(host: HostFiles) -> None:
    """Remove the network namespace and the link."""
    succeeds(["ip", "link", "delete", host.name])  # first: with its namespace it would go too, but at its own time
    if Path("/run/netns", host.name).exists():
        run(["ip", "netns", "delete", host.name], "removing a network namespace")


def boot(host: HostFiles, image: Path) -> psutil.Process:
    """Start the host; `answers` tells when it can be reached."""
    orphans.end(orphans.orphans().get(host.name, []))  # two systems on one disk would spoil it
    nspawn = [
        "env",
        # Its own network's values may be set; the kernel's are this machine's and stay read-only.
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network",
        NSPAWN,
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--console=pipe",
        "--resolv-conf=off",
        "--timezone=off",
        f"--machine={host.name}",
        f"--network-namespace-path=/run/netns/{host.name}",
        # Its network is its own to filter. Not CAP_SYS_TIME: the clock is this machine's.
        "--capability=CAP_NET_ADMIN",
        f"--directory={host.root}",
        *(json.loads(host.options.read_text()) if host.options.exists() else ()),
    ]
    shell: list[str | Path] = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        _BOOT,
        host.name,
        image,
        host.upper,
        host.work,
        host.root,
        *nspawn,
    ]
    started = process.start([str(part) for part in shell], host.log, host.folder)
    record = {"pid": started.pid, "created": started.create_time()}
    write_private(host.record, json.dumps(record).encode())
    return started


def await_answer(host: HostFiles, layout: Layout, seconds: float = BOOT_SECONDS) -> None:
    """Wait until the operator gets in by SSH.

    Raises:
        GdccError: not within so many seconds, or the host's process ended.
    """
    deadline = time.monotonic() + seconds
    while not answers(host, layout):
        if not running(host) or time.monotonic() > deadline:
            tail = "\n".join(host.log.read_text(errors="replace").splitlines()[-8:]) if host.log.exists() else ""
            what = "does not answer by SSH" if running(host) else "ended while it booted"
            raise GdccError(f"test host {host.name} {what} ({host.log})", crowded() or tail)
        time.sleep(0.2)


def answers(host: HostFiles, layout: Layout, timeout: float = 3.0) -> bool:
    """Whether the operator gets in by SSH, on a new connection."""
    if not _speaks(host, timeout):
        return False  # a tenth of what it costs to find that out by ssh, and a host that boots is asked often
    command = ["ssh", "-F", str(layout.ssh_config), "-o", "ControlPath=none", host.name, "true"]
    try:
        return (
            subprocess.run(
                command, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


def _speaks(host: HostFiles, timeout: float) -> bool:
    """Whether something at the host's SSH port says that it speaks SSH."""
    try:
        with socket.create_connection((host.address.host, 22), timeout) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def stop(host: HostFiles) -> bool:
    """Shut the host down, kill it when it will not, and remove its network; whether it ran."""
    found = running(host)
    if found:
        children = found.children(recursive=True)
        process.stop([found], STOP_SECONDS)
        process.stop([child for child in children if process.alive(child)])
    orphans.end(orphans.orphans().get(host.name, []))
    disconnect(host)
    _ungroup(host)
    host.record.unlink(missing_ok=True)
    return found is not None


def _ungroup(host: HostFiles) -> None:
    """Remove the control groups that a host which has ended leaves on this machine."""
    # Groups of other hosts go at the same time: a walk passes over what is gone, and a glob fails.
    groups = (Path(folder) for folder, *_ in os.walk("/sys/fs/cgroup"))
    for group in sorted((one for one in groups if host.name in one.parts), reverse=True):  # the inner ones first
        with suppress(OSError):
            group.rmdir()


def forget(host: HostFiles) -> None:
    """Remove what a stopped host wrote: it begins anew from the image."""
    shutil.rmtree(host.folder, ignore_errors=True)
