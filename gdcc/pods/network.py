"""An address for each pod: a bridge of this machine, a network namespace for each, and the names of the Services."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gdcc.nodes.system import free_subnet, run, subnets, succeeds
from gdcc.pods.pod import Pod

NETWORK = "198.19"
"""The upper half of 198.18.0.0/15, which RFC 2544 sets aside for benchmarks; test hosts have the lower."""
DOMAIN = "svc.cluster.local"


class Network:
    """The network of one folder's pods; reached from this machine, and from nowhere else.

    Args:
        folder: names it, so that what a killed run left is found again.
    """

    def __init__(self, folder: Path) -> None:
        digest = hashlib.sha256(str(folder).encode()).hexdigest()
        self.bridge = f"gp{digest[:8]}"
        self._third = int(digest[:2], 16)
        self._numbers: dict[str, int] = {}

    @property
    def machine(self) -> str:
        """This machine's own address in it."""
        return f"{NETWORK}.{self._third}.1"

    def address(self, pod: Pod) -> str:
        """A pod's, the same until the end."""
        return f"{NETWORK}.{self._third}.{self._number(pod)}"

    def namespace(self, pod: Pod) -> Path:
        """Its network namespace."""
        return Path("/run/netns") / self._name(pod)

    def up(self) -> None:
        """The bridge, with addresses that no other folder's pods have; after `down`."""
        self._third = free_subnet(self._third, subnets(NETWORK))
        run(["ip", "link", "add", self.bridge, "type", "bridge"], "making a bridge for pods")
        run(["ip", "address", "add", f"{self.machine}/24", "dev", self.bridge], "giving the bridge an address")
        run(["ip", "link", "set", self.bridge, "up"], "bringing the bridge up")

    def join(self, pod: Pod) -> None:
        """A namespace for a pod, made anew."""
        self.leave(pod)
        name, link = self._name(pod), f"{self.bridge}n{self._number(pod)}"
        inside = ["ip", "-n", name]
        run(["ip", "netns", "add", name], "making a network namespace")
        run(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name], "making a link")
        run(["ip", "link", "set", link, "master", self.bridge, "up"], "joining the bridge")
        run([*inside, "address", "add", f"{self.address(pod)}/24", "dev", "eth0"], "giving the pod an address")
        for device in ("lo", "eth0"):
            run([*inside, "link", "set", device, "up"], f"bringing {device} up")

    def leave(self, pod: Pod) -> None:
        """End what is left in a pod's namespace, and remove it."""
        self._remove(self._name(pod))

    def down(self) -> None:
        """Remove all that is left, of a killed run too."""
        for path in Path("/run/netns").glob(f"{self.bridge}-*"):
            self._remove(path.name)
        if succeeds(["ip", "link", "show", self.bridge]):
            run(["ip", "link", "delete", self.bridge], "removing the bridge")

    def _remove(self, name: str) -> None:
        if not (Path("/run/netns") / name).exists():
            return
        for pid in run(["ip", "netns", "pids", name], "asking what runs in a namespace").split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        run(["ip", "netns", "delete", name], "removing a network namespace")

    def _number(self, pod: Pod) -> int:
        return self._numbers.setdefault(pod.id, len(self._numbers) + 2)

    def _name(self, pod: Pod) -> str:
        return f"{self.bridge}-{pod.id}"


def hosts(
    own: str,
    addresses: Mapping[str, str],
    services: Iterable[Mapping[str, Any]],
    pods: Iterable[Pod],
    public: Mapping[str, str],
) -> str:
    """A file `hosts` with the names of all Services, as the cluster's DNS has them, and public ones.

    Args:
        own: the namespace of the pod that reads it; Services there have short names too.
        addresses: of pods, by id.
        services: as the API server has them.
        pods: those that run.
        public: names that the world has, and the ids of the pods that they lead to.
    """
    lines = ["127.0.0.1 localhost", *(f"{addresses[pod]} {name}" for name, pod in public.items())]
    for service in services:
        metadata, selector = service["metadata"], (service["spec"].get("selector") or {}).items()
        chosen = (one for one in pods if one.namespace == metadata["namespace"] and selector <= one.labels.items())
        for pod in chosen:
            name, space = metadata["name"], metadata["namespace"]
            short = [name] if space == own else []
            lines.append(" ".join([addresses[pod.id], f"{name}.{space}.{DOMAIN}", f"{name}.{space}", *short]))
    return "\n".join(lines) + "\n"
