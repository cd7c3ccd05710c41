"""Another node beside a test host, as far as its network goes: a namespace, a cable, and a tunnel as Flannel's.

Its pods' addresses are reached through the tunnel (VXLAN, UDP 8472); it can also send to the host's pods by the cable.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gdcc.nodes.layout import HostFiles
from gdcc.nodes.node_files import PODS

POD, POD_RANGE = "10.244.2.1", "10.244.2.0/24"
TUNNEL_HERE, TUNNEL_THERE = "10.244.255.1", "10.244.255.2"

_ASK = """\
import socket, sys
with socket.create_connection((sys.argv[1], 8080), 2, (sys.argv[2], 0)) as connection:
    connection.settimeout(2)
    connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    while part := connection.recv(4096):
        sys.stdout.write(part.decode())
"""


@dataclass(frozen=True)
class Neighbour:
    """The other node.

    Attributes:
        name: of its namespace.
        host: whose neighbour.
    """

    name: str
    host: HostFiles

    @property
    def cable(self) -> tuple[str, str]:
        """The addresses of the cable: the host's end, and this end; beside the host's link to us."""
        _, _, third, fourth = self.host.address.host.split(".")
        return f"198.19.{third}.{fourth}", f"198.19.{third}.{int(fourth) - 1}"

    def hears(self, pod: str) -> str:
        """What a pod of the host answers to a pod of this node, on a new connection; empty when it does not."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", _ASK, pod, POD]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    @contextmanager
    def sending_by_the_cable(self, pod: str) -> Iterator[None]:
        """While the block runs, packets to a pod go by the cable; the answers come by the tunnel all the same."""
        route = [f"{pod}/32", "via", self.cable[0], "dev", "up0"]
        _ip("-n", self.name, "route", "add", *route)
        try:
            yield
        finally:
            _ip("-n", self.name, "route", "delete", *route)


@contextmanager
def beside(host: HostFiles) -> Iterator[Neighbour]:
    """A neighbour of a host that runs; the cable and the tunnel go with it."""
    neighbour = Neighbour(f"{host.name}n", host)
    name, (theirs, ours) = neighbour.name, neighbour.cable
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", "up0", "netns", name, "type", "veth", "peer", "name", "host1", "netns", host.name)
        for space, device, own, other, tunnel, through, pods in (
            (host.name, "host1", theirs, ours, TUNNEL_HERE, TUNNEL_THERE, POD_RANGE),
            (name, "up0", ours, theirs, TUNNEL_THERE, TUNNEL_HERE, PODS),
        ):
            _ip("-n", space, "address", "add", f"{own}/30", "dev", device)
            _ip("-n", space, "link", "set", device, "up")
            vxlan = ["type", "vxlan", "id", "1", "dev", device, "local", own, "remote", other, "dstport", "8472"]
            _ip("-n", space, "link", "add", "flannel.1", *vxlan)
            _ip("-n", space, "address", "add", f"{tunnel}/24", "dev", "flannel.1")
            _ip("-n", space, "link", "set", "flannel.1", "up")
            _ip("-n", space, "route", "add", pods, "via", through)
        _ip("-n", name, "address", "add", f"{POD}/32", "dev", "lo")
        loose = "for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done"
        subprocess.run(["ip", "netns", "exec", name, "sh", "-c", loose], check=True)
        yield neighbour
    finally:
        subprocess.run(["ip", "-n", host.name, "link", "delete", "flannel.1"], capture_output=True, check=False)
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
