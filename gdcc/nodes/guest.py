"""A guest: what is on the disk of a test host, booted on a kernel of its own.

A test host shares this machine's kernel, so the kernel's values, modules, audit and the clock cannot be seen on it. A
guest is a copy of its disk under a kernel that runs as a process (user-mode Linux), without virtualisation by the
processor. What is in force on it was persisted on the host and outlasted a boot. The time sources that the host has to
ask are two chrony servers on this machine, with this machine's clock.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import psutil

from gdcc.cluster import process
from gdcc.cluster.disk import guarded, private_directory, write_private
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.cluster.state import SETTING
from gdcc.errors import GdccError
from gdcc.nodes import guest_disk, guest_kernel, lab, machine, overlay
from gdcc.nodes.layout import HostFiles, Layout
from gdcc.nodes.system import run, succeeds

BOOT_SECONDS = 300.0
MEMORY = "768M"

# $1 lower directories, $2 where to mount them, $3 and $4 addresses; the rest is the kernel, whose children the time
# servers are, so that they end with it. Not as another user: that would forget the signal of the parent's end.
_BOOT = """\
if test -x "$5/usr/sbin/chronyd"; then
  mount -t overlay overlay -o "ro,lowerdir=$1" "$2" || exit
  mount --rbind /dev "$2/dev" && mount -t tmpfs none "$2/run" || exit
  for address in "$3" "$4"; do
    setpriv --pdeathsig KILL chroot "$2" /usr/sbin/chronyd -x -d -u root "bindaddress $address" "allow all" \
      "local stratum 1" "cmdport 0" "bindcmdaddress /" "pidfile /run/$address.pid" &
  done
fi
unset TMPDIR
shift 5
exec "$@"
"""


@dataclass(frozen=True)
class Guest:
    """A guest that was started.

    Attributes:
        layout: where its inventory and its SSH settings are.
        host: its files and its address.
    """

    layout: Layout
    host: HostFiles

    @property
    def clocks(self) -> tuple[str, str]:
        """This machine's addresses under which the guest finds its time sources."""
        begin = self.host.address.host.rpartition(".")[0]
        return f"{begin}.45", f"{begin}.46"


def of(layout: Layout) -> Guest:
    """The guest beside test hosts, whether or not it is there."""
    files = layout.guest()
    return Guest(Layout(files.folder), files)


def up(hosts: lab.Lab, report: Report | None = None) -> Guest:
    """Boot a guest with what is now on the disk of the first test host, and wait until it answers.

    Args:
        hosts: the test hosts; the first one is stopped for some seconds.
        report: told what takes time.

    Raises:
        GdccError: no kernel, no space, or the guest does not boot.
    """
    report = report or Report()
    with guarded(hosts.layout.root, SETTING), locked(hosts.layout.root, report, lab.WAITING):
        guest = start(hosts, hosts.hosts[0], report)
        await_up(guest, report)
    return guest


def start(hosts: lab.Lab, source: HostFiles, report: Report | None = None) -> Guest:
    """Begin to boot a guest from the disk of a test host, which is stopped for some seconds; `await_up` waits.

    Args:
        hosts: the test hosts.
        source: the one whose disk it gets. A guest that runs is ended, and what it wrote is lost.
        report: told what takes time.

    Raises:
        GdccError: no kernel, or no space.
    """
    report = report or Report()
    require()
    kernel = guest_kernel.obtain(report)
    guest = of(hosts.layout)
    stop(hosts.layout)
    private_directory(guest.host.folder)
    with report.step("making the guest's disk from that of a test host"), hosts.stopped(source):
        guest_disk.make(guest.host, source, hosts.image, kernel, guest.clocks)
    write_private(guest.layout.key, hosts.layout.key.read_bytes())
    lab.write_ways(guest.layout, (guest.host,), [overlay.known_host(source, guest.host.address.host)])
    _connect(guest)
    _boot(guest, kernel, f"{source.upper}:{hosts.image}", source.upper)
    return guest


def await_up(guest: Guest, report: Report | None = None) -> None:
    """Wait until the operator gets in by SSH.

    Raises:
        GdccError: not within five minutes, or its process ended.
    """
    with (report or Report()).step("booting the guest (about half a minute)"):
        machine.await_answer(guest.host, guest.layout, BOOT_SECONDS)


def stop(layout: Layout) -> bool:
    """End the guest and forget what it wrote; whether it ran."""
    guest = of(layout)
    if not guest.host.folder.is_dir():
        return False
    ran = machine.stop(guest.host)
    shutil.rmtree(guest.host.folder)
    return ran


def require() -> None:
    """Refuse when this machine can boot no guest.

    Raises:
        GdccError: why.
    """
    if reason := guest_kernel.obstacle():
        raise GdccError(reason, "without a guest, what only a kernel of its own can show stays `not-run`")


def _connect(guest: Guest) -> None:
    """Make the link to the guest, with this machine's addresses on it."""
    name = guest.host.name
    if not succeeds(["ip", "link", "show", name]):
        run(["ip", "tuntap", "add", "dev", name, "mode", "tap"], "making a link")
    run(["ip", "address", "replace", f"{guest.host.address.ours}/30", "dev", name], "giving the link an address")
    for clock in guest.clocks:
        run(["ip", "address", "replace", f"{clock}/32", "dev", name], "giving the link an address")
    run(["ip", "link", "set", name, "up"], "bringing the link up")


def _boot(guest: Guest, kernel: guest_kernel.Kernel, lower: str, upper: Path) -> psutil.Process:
    host = guest.host
    linux = [
        kernel.program,
        f"ubd0={guest_disk.disk_of(host)}",
        f"umid={host.name}",
        f"vec0:transport=tap,ifname={host.name},depth=64",
        f"mem={MEMORY}",
        "root=/dev/ubda",
        "rw",
        "quiet",
        "noreboot",
        "con=null",
        "con0=null,fd:1",
        "ssl=null",
    ]
    shell = ["unshare", "--mount", "sh", "-c", _BOOT, "sh", lower, host.root, *guest.clocks, upper, *linux]
    started = process.start([str(part) for part in shell], host.log, host.folder)
    record = {"pid": started.pid, "created": started.create_time()}
    write_private(host.record, json.dumps(record).encode())
    return started
