"""What test hosts keep on disk, and what they are called."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gdcc.cluster.disk import write_private
from gdcc.cluster.state import state_directory
from gdcc.nodes.system import free_subnet

HOSTS = 2
"""How many `gdcc nodes up` starts."""

NETWORK = "198.18"
"""RFC 2544 sets 198.18.0.0/15 aside for benchmarks: no real network has it."""


@dataclass(frozen=True)
class Address:
    """A link of its own between this machine and one host.

    Attributes:
        ours: this machine's end.
        host: the host's end.
    """

    ours: str
    host: str


@dataclass(frozen=True)
class HostFiles:
    """One host's files.

    Attributes:
        name: of the host, of its network namespace and of our end of its link; at most 15 letters.
        root: where its overlay is mounted, in the mount namespace of its own process only.
        address: of its link.
    """

    name: str
    root: Path
    address: Address

    @property
    def folder(self) -> Path:
        """The directory of everything below."""
        return self.root.parent

    @property
    def upper(self) -> Path:
        """What differs from the image."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """The overlay's scratch space."""
        return self.folder / "work"

    @property
    def record(self) -> Path:
        """Pid and start time of its process."""
        return self.folder / "process.json"

    @property
    def options(self) -> Path:
        """Further arguments of systemd-nspawn, a JSON list; a host without the file has none."""
        return self.folder / "nspawn.json"

    @property
    def log(self) -> Path:
        """What its console showed."""
        return self.folder / "console.log"


@dataclass(frozen=True)
class Layout:
    """The files of the test hosts of one state directory.

    Attributes:
        root: absolute and free of links: the processes of hosts are recognised by it.
    """

    root: Path

    @classmethod
    def at(cls, state: Path | None) -> Layout:
        """The layout in `state`, or in the default state directory."""
        return cls((state or state_directory()).resolve() / "nodes")

    @property
    def key(self) -> Path:
        """The operator's private key."""
        return self.root / "key"

    @property
    def known_hosts(self) -> Path:
        """The host keys, made here and so known before the first connection."""
        return self.root / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`."""
        return self.root / "ssh_config"

    @property
    def inventory(self) -> Path:
        """For `ansible-playbook -i`."""
        return self.root / "inventory.yml"

    def hosts(self, count: int) -> tuple[HostFiles, ...]:
        """The hosts by number; names follow from the state directory, and addresses until `choose`."""
        digest = hashlib.sha256(str(self.root).encode()).digest()
        prefix, subnet = f"gdcc{digest[:3].hex()}", self._chosen() or digest[4]
        found = []
        for number in range(1, count + 1):
            base = 4 * number
            address = Address(f"{NETWORK}.{subnet}.{base + 1}", f"{NETWORK}.{subnet}.{base + 2}")
            name = f"{prefix}-{number}"
            found.append(HostFiles(name, self.root / name / "root", address))
        return tuple(found)

    def choose(self, taken: Collection[int]) -> None:
        """Keep to a subnet that no other set of hosts has; once chosen it stays.

        Args:
            taken: third parts of the addresses in `NETWORK` that this machine has.
        """
        if self._chosen() is None:
            first = int(self.hosts(1)[0].address.ours.split(".")[2])
            write_private(self._subnet, str(free_subnet(first, taken)).encode())

    @property
    def _subnet(self) -> Path:
        return self.root / "subnet"

    def _chosen(self) -> int | None:
        try:
            return int(self._subnet.read_text())
        except (OSError, ValueError):
            return None

    def guest(self) -> HostFiles:
        """The guest beside the hosts; its link comes after theirs."""
        name = self.hosts(1)[0].name.replace("-1", "-g")
        begin = self.hosts(1)[0].address.host.rpartition(".")[0]
        return HostFiles(name, self.root / name / "root", Address(f"{begin}.41", f"{begin}.42"))

    def guests(self) -> tuple[HostFiles, ...]:
        """The guest, if its folder is there."""
        return (self.guest(),) if self.guest().folder.is_dir() else ()

    def known(self) -> tuple[HostFiles, ...]:
        """The hosts whose folders are there."""
        return tuple(host for host in self.hosts(9) if host.folder.is_dir())
