"""The system that every test host begins as: a plain Debian 12, made once by debootstrap into the cache.

It is a node as it is handed over, not a hardened one: it has a compiler, a service nobody needs, and sshd as Debian
ships it. What the playbooks install is not in it; it carries the packages in a repository of its own, since a test host
has no way to a mirror.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from gdcc.cluster.build import SETTING, cache_root
from gdcc.cluster.disk import MEBIBYTE, guarded, require
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.nodes.system import run

RELEASE = "bookworm"
USER = "gdccops"
"""Who Ansible connects as: an operator with a key and sudo."""

BASE = (
    "apt-utils",
    "ca-certificates",
    "cron",
    "dbus",
    "iproute2",
    "kmod",
    "libpam-systemd",
    "logrotate",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "rpcbind",
    "sudo",
    "systemd-sysv",
    "tcc",
)
"""A fresh node; `tcc` and `rpcbind` are there to be found and removed."""

SHELF = (
    "aide",
    "apparmor",
    "apparmor-utils",
    "auditd",
    "busybox-static",
    "chrony",
    "clamav",
    "clamav-freshclam",
    "containerd",
    "containernetworking-plugins",
    "libpam-pwquality",
    "nftables",
    "rsyslog",
    "rsyslog-gnutls",
    "unattended-upgrades",
)
"""What the playbooks may install and what makes a host a Kubernetes node, with what comes with it."""

REPOSITORY = "srv/gdcc-repository"
IMAGE_BYTES = 1500 * MEBIBYTE

# One file, run inside; each line is safe to run again, and the first that fails ends it.
_INSIDE = """\
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
printf 'exit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
apt-get update -qq
apt-get dist-upgrade -qq -y
apt-get install -qq -y --no-install-recommends {base}
apt-get clean
apt-get install -qq -y --no-install-recommends --download-only {shelf}
mkdir -p /{repository}
mv /var/cache/apt/archives/*.deb /{repository}/
cd /{repository}
apt-ftparchive packages . > Packages
apt-ftparchive -o APT::FTPArchive::Release::Suite={release} release . > Release
cd /
rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/99gdcc-build
rm -f /etc/ssh/ssh_host_* /etc/machine-id
echo 'deb [trusted=yes] file:/{repository} ./' > /etc/apt/sources.list
apt-get update -qq
useradd --create-home --shell /bin/bash --groups sudo {user}
passwd --delete root
usermod --lock root
echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/10-{user}
chmod 440 /etc/sudoers.d/10-{user}
systemctl mask console-getty.service
touch /etc/fstab
rm -f /usr/sbin/policy-rc.d /etc/hostname
"""


@dataclass(frozen=True)
class Mirror:
    """A source of packages that this machine uses itself.

    Attributes:
        uri: of the archive.
        suite: `bookworm`, `bookworm-security`, ...
        components: `main`, ...
    """

    uri: str
    suite: str
    components: str

    @property
    def line(self) -> str:
        """As `sources.list` has it."""
        return f"deb {self.uri} {self.suite} {self.components}"


def script() -> str:
    """What runs inside the new system."""
    return _INSIDE.format(base=" ".join(BASE), shelf=" ".join(SHELF), repository=REPOSITORY, release=RELEASE, user=USER)


def directory() -> Path:
    """Where the image is kept: another recipe is another directory."""
    digest = hashlib.sha256(f"{RELEASE}\n{script()}".encode()).hexdigest()[:16]
    return cache_root() / "nodes" / digest


def mirrors() -> list[Mirror]:
    """The sources of Debian 12 that this machine's apt uses, the release itself first.

    Raises:
        GdccError: it uses none.
    """
    form = "$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN) $(CODENAME)"
    listed = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], "reading apt's sources")
    found = {}
    for line in listed.splitlines():
        site, suite, component, origin, _ = [*line.split(" "), ""][:5]
        if origin == "Debian" and suite.startswith(RELEASE) and component == "main":
            found[suite] = Mirror(site, suite, component)
    if RELEASE not in found:
        raise GdccError(
            f"this machine's apt has no source of Debian {RELEASE}, or was not updated",
            f"add a mirror of Debian {RELEASE} to its sources and run `apt-get update`",
        )
    return [found.pop(RELEASE), *found.values()]


def obtain(report: Report) -> Path:
    """The root of the image; made when the cache has none, whole or not at all.

    Raises:
        GdccError: no mirror, no space, or debootstrap fails.
    """
    target = directory()
    with guarded(target, SETTING), locked(target, report, "waiting for another run that makes the same image"):
        root = target / "root"
        if root.is_dir():
            return root
        require(target, IMAGE_BYTES)
        run(["apt-get", "update", "-qq"], "reading the package lists")
        sources = mirrors()
        part = target / "part"
        shutil.rmtree(part, ignore_errors=True)
        log = target / "debootstrap.log"
        with report.step(f"making the Debian {RELEASE} image once, into {target} (about 2 minutes)"):
            run(["debootstrap", "--variant=minbase", RELEASE, part, sources[0].uri], "making a Debian system")
            _inside(part, sources, log)
        part.rename(root)
    return root


def _inside(root: Path, sources: list[Mirror], log: Path) -> None:
    """Finish the system from inside, with this machine's network and apt settings."""
    (root / "etc/apt/sources.list").write_text("".join(f"{mirror.line}\n" for mirror in sources))
    settings = run(["apt-config", "dump", "Acquire"], "reading apt's settings")
    (root / "etc/apt/apt.conf.d/99gdcc-build").write_text(settings)
    inside = root / "root/finish.sh"
    inside.write_text(script())
    nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", "--timezone=off"]
    log.write_text(run([*nspawn, f"--directory={root}", "sh", "/root/finish.sh"], "filling the Debian system"))
    inside.unlink()
