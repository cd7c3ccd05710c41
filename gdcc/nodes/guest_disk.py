"""A guest's disk: the very files of a test host, and beside them only what another machine under them needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from gdcc.nodes.guest_kernel import Kernel
from gdcc.nodes.layout import HostFiles
from gdcc.nodes.system import run

SIZE = "6G"
"""Of the file system; the file is sparse and holds about 0.6 GiB."""

TIME_SOURCES = "etc/chrony/sources.d/gdcc.sources"
UNIT = "gdcc-guest-network.service"

# The host's link is given its address from outside; a guest's only from inside. Its name stays the same.
_NETWORK = """\
[Unit]
Description=The address of a guest
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
ExecStart=/usr/sbin/ip link set vec0 name host0
ExecStart=/usr/sbin/ip link set lo up
ExecStart=/usr/sbin/ip address add {host}/30 dev host0
ExecStart=/usr/sbin/ip link set host0 up
ExecStart=/usr/sbin/ip route add default via {ours}

[Install]
WantedBy=sysinit.target
"""

# $1 lower directories, $2 where to mount them, $3 the disk, $4 its size. The mount ends with the program.
_MAKE = (
    'mount -t overlay overlay -o "lowerdir=$1" "$2" && '
    'mke2fs -q -F -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -L gdcc-guest -d "$2" "$3" "$4"'
)


def make(guest: HostFiles, source: HostFiles, image: Path, kernel: Kernel, clocks: tuple[str, ...]) -> None:
    """Make the disk anew from what is on the disk of a host that does not run.

    Args:
        guest: whose disk.
        source: the host.
        image: that the host began as.
        kernel: whose modules the disk gets.
        clocks: addresses that the first time sources of the host have for the guest.
    """
    added = guest.folder / "added"
    shutil.rmtree(added, ignore_errors=True)
    etc, units = added / "etc", added / "etc/systemd/system"
    modules = added / "usr/lib/modules"
    for folder in (units / "sysinit.target.wants", modules):
        folder.mkdir(parents=True)
    for folder in (added, *(one for one in added.rglob("*") if one.is_dir())):
        folder.chmod(0o755)  # what is here hides the host's folder, mode and all
    _write(units / UNIT, _NETWORK.format(host=guest.address.host, ours=guest.address.ours))
    (units / "sysinit.target.wants" / UNIT).symlink_to(f"../{UNIT}")
    named = zip(clocks, time_sources(source), strict=False)
    hosts = (source.upper / "etc/hosts").read_text()
    _write(etc / "hosts", hosts + "".join(f"{address} {name}\n" for address, name in named))
    shutil.copytree(kernel.modules, modules / kernel.modules.name, symlinks=True)
    lower = f"{added}:{source.upper}:{image}"
    disk_of(guest).unlink(missing_ok=True)
    guest.root.mkdir(exist_ok=True)
    make_it: list[str | Path] = ["unshare", "--mount", "sh", "-c", _MAKE, "sh", lower, guest.root, disk_of(guest), SIZE]
    run(make_it, "making the guest's disk")
    shutil.rmtree(added)


def disk_of(guest: HostFiles) -> Path:
    """The image of the disk."""
    return guest.folder / "disk.ext4"


def time_sources(source: HostFiles) -> list[str]:
    """The names of the time servers that the host was told to ask; none before it is hardened."""
    file = source.upper / TIME_SOURCES
    return re.findall(r"^server (\S+)", file.read_text(), re.MULTILINE) if file.exists() else []


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)
