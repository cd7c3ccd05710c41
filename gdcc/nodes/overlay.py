"""A test host's own disk: what differs from the image before the first boot, and nothing else."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from gdcc.errors import GdccError
from gdcc.nodes.image import USER
from gdcc.nodes.layout import HostFiles
from gdcc.nodes.system import run

KEY = "etc/ssh/ssh_host_ed25519_key"


def prepare(host: HostFiles, image: Path, public_key: str) -> str:
    """Give the host a disk of its own over the image, once, whole or not at all.

    Args:
        host: whose.
        image: the root of the image.
        public_key: of the operator.

    Returns:
        The line of `known_hosts` that the host's key makes.
    """
    for folder in (host.root, host.work):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (host.upper / KEY).exists():
        part = host.folder / "upper.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(host.upper, ignore_errors=True)
        for folder in (part, part / "etc", part / "etc/ssh", part / "home"):
            folder.mkdir()
            folder.chmod(0o755)  # what is here hides the image's folder, mode and all
        _identify(part / "etc", host)
        _let_in(part / "home" / USER, public_key, _owner(image))
        part.rename(host.upper)
    return known_host(host, host.address.host)


def known_host(host: HostFiles, address: str) -> str:
    """The line of `known_hosts` that the host's own key makes at an address."""
    kind, key, *_ = (host.upper / f"{KEY}.pub").read_text().split()
    return f"{address} {kind} {key}"


def copy(source: HostFiles, target: HostFiles) -> None:
    """Give a host the disk of another that is not running, whole or not at all; names and keys stay its own."""
    part = target.folder / "upper.part"
    shutil.rmtree(part, ignore_errors=True)
    run(["cp", "--archive", "--reflink=auto", source.upper, part], "copying a disk")
    for name in ("hostname", "hosts", "machine-id"):
        shutil.copy2(target.upper / "etc" / name, part / "etc" / name)
    for key in (target.upper / "etc/ssh").glob("ssh_host_*"):
        shutil.copy2(key, part / "etc/ssh" / key.name)
    shutil.rmtree(target.work)  # belongs to the upper directory that it was first used with
    target.work.mkdir(mode=0o700)
    shutil.rmtree(target.upper)
    part.rename(target.upper)


def _identify(etc: Path, host: HostFiles) -> None:
    (etc / "hostname").write_text(f"{host.name}\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n")
    (etc / "resolv.conf").write_text("")
    # With an identity it is no first boot, at which systemd would enable every service that Debian presets.
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
    for kind in ("rsa", "ecdsa", "ed25519"):
        file = etc / "ssh" / f"ssh_host_{kind}_key"
        run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", host.name, "-f", file], "making a host key")


def _let_in(home: Path, public_key: str, owner: tuple[int, int]) -> None:
    keys = home / ".ssh"
    keys.mkdir(parents=True)
    authorized = keys / "authorized_keys"
    authorized.write_text(f"{public_key}\n")
    for path, mode in ((home, 0o700), (keys, 0o700), (authorized, 0o600)):
        path.chmod(mode)
        shutil.chown(path, *owner)


def _owner(image: Path) -> tuple[int, int]:
    """The operator's user and group id in the image."""
    for line in (image / "etc/passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == USER:
            return int(uid), int(gid)
    raise GdccError(f"the image in {image} has no user {USER}", "remove the folder: the next run makes it again")
