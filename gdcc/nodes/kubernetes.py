"""A test host as a node of the local control plane: a real kubelet and containerd, and pods that really run.

What a host of its own has and a container has not is stood in for, and said where: `DELEGATION`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from gdcc.cluster import Cluster, binaries, pki
from gdcc.cluster.api import Endpoint, identified
from gdcc.cluster.bootstrap import LEASES
from gdcc.cluster.progress import Report
from gdcc.cluster.state import Layout as ClusterLayout
from gdcc.errors import GdccError
from gdcc.nodes import archive, machine, node_files, signing
from gdcc.nodes.forwarder import forwarding
from gdcc.nodes.lab import Lab
from gdcc.nodes.layout import HostFiles
from gdcc.nodes.system import run

READY_SECONDS = 120.0
_BOOTSTRAP_LIFE = timedelta(minutes=10)
PACKAGES = ("containerd", "containernetworking-plugins")


@dataclass(frozen=True)
class Node:
    """A test host that is a node.

    Attributes:
        lab: its test hosts.
        host: which of them.
        cluster: whose node it is.
        api: the API server, as an administrator.
    """

    lab: Lab
    host: HostFiles
    cluster: Cluster
    api: Endpoint

    @property
    def name(self) -> str:
        """Of the host and of the node."""
        return self.host.name

    def shell(self, script: str) -> str:
        """What a script says on the host as root.

        Raises:
            GdccError: it fails.
        """
        ssh = ["ssh", "-F", str(self.lab.layout.ssh_config), self.name, "sudo", "sh", "-eu"]
        return run(ssh, f"running a script on {self.name}", text=script)

    def ready(self) -> bool:
        """Whether the API server says so."""
        found = self.api.get(f"/api/v1/nodes/{self.name}") or {}
        conditions = found.get("status", {}).get("conditions", [])
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def approve_serving(self) -> None:
        """Approve what the kubelet asks for to serve with, once it asks; its name and address, nothing else.

        Raises:
            GdccError: it does not ask in time, or for more.
        """
        path = f"/var/lib/kubelet/pki/{signing.SERVING_FILE}"
        signing.approve(self.api, self.name, self.host.address.host, READY_SECONDS)
        await_(lambda: "1" in self.shell(f"test -e {path} && echo 1 || echo 0"), f"no serving certificate in {path}")


@contextmanager
def joined(lab: Lab, host: HostFiles, cluster: Cluster, report: Report | None = None) -> Iterator[Node]:
    """A test host as a node of the control plane while the block runs; the host is stopped at the end.

    The kubelet asks for its certificate with a credential of ten minutes, and gets it from the controller manager, as
    any node's. The node has a taint, `node_files.TAINT`, so that nothing lands on it by chance.

    Args:
        lab: is up.
        host: one of its hosts; it is rebooted.
        cluster: is up.
        report: told what takes time.

    Raises:
        GdccError: the kubelet cannot be built, or the node does not become Ready in time.
    """
    report = report or Report()
    kubelet = binaries.obtain_kubelet(report)
    port = int(cluster.server.rsplit(":", 1)[1])
    layout = ClusterLayout.at(cluster.state)
    node = Node(lab, host, cluster, Endpoint(port, identified(layout.pki, pki.CLUSTER_CA, "admin")))
    with forwarding(host.address.ours, port):
        try:
            with report.step(f"making {host.name} a Kubernetes node"):
                machine.stop(host)
                _furnish(host, kubelet, lab.image, layout, port)
                signing.allow(node.api)
                lab.reboot(host)
                _install(node)
                await_(node.ready, f"node {host.name} is not Ready", node)
                node.shell("rm /etc/kubernetes/bootstrap-kubelet.conf")
            yield node
        finally:
            machine.stop(host)
            _leave(node)


def await_(condition: Callable[[], bool], otherwise: str, node: Node | None = None) -> None:
    """Wait until a condition holds.

    Raises:
        GdccError: not in time; with what the kubelet said last.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            said = node.shell("journalctl --unit kubelet --no-pager --lines 15 --output cat") if node else ""
            raise GdccError(f"{otherwise} after {READY_SECONDS:.0f} s", said)
        time.sleep(0.5)


def _furnish(host: HostFiles, kubelet: Path, image: Path, layout: ClusterLayout, port: int) -> None:
    """Put what makes it a node on the disk of a host that does not run."""
    host.options.write_text(json.dumps(node_files.options(host)))
    for folder in node_files.OWN_DISK:
        (host.folder / folder).mkdir(mode=0o755, exist_ok=True)
    leaf = pki.Leaf("kubelet", pki.CLUSTER_CA, f"{signing.BOOTSTRAPPERS}:{host.name}", groups=(signing.BOOTSTRAPPERS,))
    certificate, key = pki.pem(*pki.issue(layout.pki, leaf, _BOOTSTRAP_LIFE))
    authority = pki.certificate_path(layout.pki, pki.CLUSTER_CA).read_bytes()
    files: dict[str, bytes] = {
        **node_files.texts(host),
        "etc/kubernetes/pki/ca.crt": authority,
        "etc/kubernetes/bootstrap-kubelet.conf": _yaml(node_files.kubeconfig(port, authority, certificate, key)),
        "srv/gdcc-try.tar": archive.oci(archive.busybox(image)),
    }
    for name, content in files.items():
        place = host.upper / name
        _make_folders(place.parent, host.upper)
        place.write_bytes(content)
        place.chmod(0o600 if name.endswith(".conf") else 0o644)
    for folder in ("etc/kubernetes/manifests", "usr/bin"):
        _make_folders(host.upper / folder, host.upper)
    shutil.copyfile(kubelet, host.upper / "usr/bin/kubelet")
    (host.upper / "usr/bin/kubelet").chmod(0o755)
    (host.folder / "kubelet" / "config.yaml").write_bytes(_yaml(node_files.configuration(host)))


def _install(node: Node) -> None:
    """Start what makes it a node; containerd comes from the repository that the image carries."""
    apt = "DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends"
    node.shell(
        "systemctl daemon-reload\n"
        "systemctl enable --now gdcc-delegation.service\n"
        # The settings of containerd are there already, and stay.
        f"{apt} --option Dpkg::Options::=--force-confold {' '.join(PACKAGES)} >&2\n"
        "systemctl restart containerd\n"
        "ctr --namespace k8s.io images import /srv/gdcc-try.tar >&2\n"
        "systemctl enable --now kubelet.service\n"
    )


def _leave(node: Node) -> None:
    """Take the node and what it has left out of the cluster."""
    node.api.request("DELETE", f"/api/v1/nodes/{node.name}")
    node.api.request("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{LEASES}/leases/{node.name}")
    signing.forget(node.api, node.name)


def _make_folders(folder: Path, root: Path) -> None:
    missing = [parent for parent in (folder, *folder.parents) if parent.is_relative_to(root) and not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir()
        parent.chmod(0o755)  # whatever the umask: it hides the image's folder, mode and all


def _yaml(contents: dict[str, Any]) -> bytes:
    return yaml.safe_dump(contents, sort_keys=False).encode()
