"""What runs, and whether it is well; looks only, and holds no lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gdcc.cluster import bootstrap, disk, members, process
from gdcc.cluster.control_plane import Cluster, admin, described, running
from gdcc.cluster.members import APISERVER, NAMES
from gdcc.cluster.state import SETTING, Layout, Record
from gdcc.errors import GdccError

Health = Literal["healthy", "unhealthy", "stopped"]


@dataclass(frozen=True)
class MemberStatus:
    """One member.

    Attributes:
        name: of its program.
        health: `unhealthy` runs and does not answer; `stopped` does not run.
        pid: None when it does not run.
        port: on loopback; None when it serves nothing.
        detail: what is wrong, or nothing.
    """

    name: str
    health: Health
    pid: int | None
    port: int | None
    detail: str = ""


@dataclass(frozen=True)
class Status:
    """A control plane at one moment.

    Attributes:
        state: the state directory.
        server: the API server's URL; empty before the first `up`.
        members: in the order they are started.
        nodes_ready: how many of the fake nodes are Ready.
        nodes: how many there should be.
    """

    state: Path
    server: str
    members: tuple[MemberStatus, ...]
    nodes_ready: int
    nodes: int = len(bootstrap.NODES)

    @property
    def healthy(self) -> bool:
        """Whether every member answers and every node is Ready."""
        return self.nodes_ready == self.nodes and all(member.health == "healthy" for member in self.members)


def status(state: Path | None = None) -> Status:
    """The health of the control plane of a state directory (by default as for `up`).

    Raises:
        GdccError: the state directory is another user's.
    """
    layout = Layout.at(state)
    with disk.guarded(layout.root, SETTING):
        record = Record.read(layout.record) or Record()
        pids = {name: found.pid for name, found in running(layout, record)}
        with ThreadPoolExecutor() as pool:  # each waits for itself: with etcd gone, the others are slow to say so
            listed = tuple(pool.map(lambda name: _member(name, layout, record, pids.get(name)), NAMES))
        answers = any(member.name == APISERVER and member.health == "healthy" for member in listed)
        ready = bootstrap.ready_nodes(admin(layout, record)) if answers else 0
    server = members.server_url(record.ports) if APISERVER in record.ports else ""
    return Status(layout.root, server, listed, ready)


def current(state: Path | None = None) -> Cluster:
    """The control plane that is up.

    Raises:
        GdccError: none is.
    """
    layout = Layout.at(state)
    with disk.guarded(layout.root, SETTING):
        record = Record.read(layout.record)
        is_up = record and APISERVER in dict(running(layout, record)) and layout.kubeconfig.exists()
    if not record or not is_up:
        raise GdccError(f"no control plane is up in {layout.root}", "run `gdcc cluster up`")
    return described(layout, record)


def _member(name: str, layout: Layout, record: Record, pid: int | None) -> MemberStatus:
    port = record.ports.get(name)
    if pid is None:
        started = record.members.get(name)
        lost = f"pid {started.pid} is gone: `gdcc cluster up` starts it again" if started else ""
        return MemberStatus(name, "stopped", None, port, lost)
    try:
        well = members.healthy(name, record.ports, layout)
    except OSError as error:  # its certificates were removed under it
        return MemberStatus(name, "unhealthy", pid, port, str(error))
    if well:
        return MemberStatus(name, "healthy", pid, port)
    holder = process.listener(port) if port else ""
    return MemberStatus(
        name, "unhealthy", pid, port, f"does not answer; its port is held by {holder}" if holder else ""
    )
