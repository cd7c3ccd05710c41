"""A control plane as its users see it, and the processes it consists of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from gdcc.cluster import config, members, pki, process
from gdcc.cluster.api import Endpoint, identified
from gdcc.cluster.members import APISERVER, NAMES
from gdcc.cluster.state import Layout, Record


@dataclass(frozen=True)
class Cluster:
    """A control plane that is up.

    Attributes:
        kubeconfig: for administrators; its one context is `context`.
        context: the context's name.
        server: the API server's URL, on loopback.
        ca: the certificate authority of the API server, PEM.
        bin_dir: the directory of kubectl.
        state: the state directory.
    """

    kubeconfig: Path
    context: str
    server: str
    ca: Path
    bin_dir: Path
    state: Path


def running(layout: Layout, record: Record) -> list[tuple[str, psutil.Process]]:
    """The member processes of this state directory: the recorded ones, and any that were not recorded in time."""
    recorded = [(name, process.find(started.pid, started.created)) for name, started in record.members.items()]
    known = [(name, found) for name, found in recorded if found]
    pids = {found.pid for _, found in known}
    return known + [(name, found) for name, found in process.owned(layout.root, NAMES) if found.pid not in pids]


def described(layout: Layout, record: Record) -> Cluster:
    """The cluster that `record` tells of."""
    return Cluster(
        kubeconfig=layout.kubeconfig,
        context=config.CONTEXT,
        server=members.server_url(record.ports),
        ca=pki.certificate_path(layout.pki, pki.CLUSTER_CA),
        bin_dir=Path(record.bin_dir),
        state=layout.root,
    )


def admin(layout: Layout, record: Record) -> Endpoint:
    """The API server, as an administrator."""
    return Endpoint(record.ports[APISERVER], identified(layout.pki, pki.CLUSTER_CA, "admin"))
