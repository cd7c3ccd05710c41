"""Bringing a control plane up, whatever state it is found in, and down again."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from gdcc.cluster import binaries, bootstrap, config, disk, members, pki, process
from gdcc.cluster.api import Endpoint, bootstrap_identity
from gdcc.cluster.control_plane import Cluster, admin, described, running
from gdcc.cluster.golang import tail
from gdcc.cluster.lock import locked
from gdcc.cluster.members import APISERVER, ETCD, KWOK, NAMES, Member
from gdcc.cluster.progress import Report
from gdcc.cluster.state import SETTING, Layout, Record, Started
from gdcc.errors import GdccError

STATE_BYTES = 200 * disk.MEBIBYTE
"""Least free space to begin with; etcd alone sets 64 MB aside per log segment."""

PATIENCE = 120.0
"""Seconds for a member to become ready; 4 on an idle machine."""

REPLY = 20.0
"""Seconds for a member that runs already to answer before it is started again; the API server was seen to need 11 after
etcd had been away."""

LOG_LINES = 5
"""Of a member that failed."""

WAITING = "waiting for another `gdcc cluster` on the same state directory"


def up(state: Path | None = None, report: Report | None = None) -> Cluster:
    """Start what does not run, restart what runs with other settings, and leave the rest alone.

    Args:
        state: the state directory; by default `$GDCC_STATE`, else `.gdcc` in the project.
        report: told each thing found amiss and done; standard error by default.

    Raises:
        GdccError: what stands in the way and what to do about it.
    """
    layout, report = Layout.at(state), report or Report()
    with disk.guarded(layout.root, SETTING):
        disk.require(layout.root, STATE_BYTES)
        with locked(layout.root, report, WAITING):
            return _Convergence(layout, report).run()


def down(state: Path | None = None, *, purge: bool = False, report: Report | None = None) -> list[str]:
    """Stop exactly what was started for this state directory.

    Args:
        state: as for `up`.
        purge: remove the data, keys and logs too.
        report: as for `up`.

    Returns:
        The names of the members that were stopped.

    Raises:
        GdccError: the processes or files are another user's.
    """
    layout, report = Layout.at(state), report or Report()
    with disk.guarded(layout.root, SETTING):
        if not layout.root.exists():  # perhaps removed under a running cluster
            return _stop(process.owned(layout.root, NAMES), report)
        with locked(layout.root, report, WAITING):
            record = Record.read(layout.record) or Record()
            stopped = _stop(running(layout, record), report)
            if purge:
                layout.remove()
            elif record.members:
                record.members.clear()
                record.write(layout.record)
            return stopped


def _stop(found: list[tuple[str, psutil.Process]], report: Report) -> list[str]:
    """Stop clients before what they talk to, so that none of them waits for a server that is gone."""
    stopped = []
    for wanted in reversed(NAMES):
        processes = [member for name, member in found if name == wanted]
        if processes:
            process.stop(processes)
            report.say(f"stopped {wanted} (pid {', '.join(str(member.pid) for member in processes)})")
            stopped.append(wanted)
    return stopped


class _Convergence:
    """One `up`, under the lock."""

    def __init__(self, layout: Layout, report: Report) -> None:
        self.layout = layout
        self.report = report
        found = Record.read(layout.record)
        if found is None and layout.record.exists():
            report.say(f"{layout.record} cannot be read: going by the processes that run")
        self.record = found or Record()
        self.processes: dict[str, psutil.Process] = {}
        self.paths: dict[str, Path] = {}

    def run(self) -> Cluster:
        self.layout.create()
        self._take_stock()
        self._choose_ports()
        for name in pki.ensure(self.layout.pki):
            self.report.say(f"certificate {name}: issued anew")
        config.write(self.layout, members.server_url(self.record.ports))
        wanted = self._members()
        if not wanted or not (Path(self.record.bin_dir) / "kubectl").is_file() or self._to_start(wanted):
            self._obtain()
            wanted = self._members()
        for log in self.layout.logs.glob("*.log"):
            if log != self.layout.audit_log:  # the API server rotates that one
                process.bound_log(log)
        self._stop_outdated(wanted)
        self._start_in_order(wanted)
        return described(self.layout, self.record)

    def _take_stock(self) -> None:
        """Tell what runs from what only seems to."""
        for name, found in running(self.layout, self.record):
            started = self.record.members.get(name)
            if name in self.processes:
                self.report.say(f"{name}: a second one runs (pid {found.pid}), left by an interrupted run: stopped")
                process.stop([found])
                continue
            self.processes[name] = found
            if started is None or started.pid != found.pid:
                # pid 0: its start was announced and the announcer killed. Any other: nobody knows its settings.
                fingerprint = started.fingerprint if started and not started.pid else ""
                self._note(name, Started(fingerprint, found.pid, found.create_time()))
                self.report.say(f"{name}: runs unrecorded (pid {found.pid}): taken over")
        for name, started in list(self.record.members.items()):
            if name not in self.processes:
                if started.pid:
                    reused = process.is_strangers(started.pid, started.created)
                    now = "is another process's now, which is left alone" if reused else "is gone (killed?)"
                    self.report.say(f"{name}: pid {started.pid} {now}: starting it again")
                del self.record.members[name]

    def _choose_ports(self) -> None:
        """Keep each port while it can be had: the kubeconfig stays valid."""
        holders = {members.ETCD_PEER: ETCD}
        before = dict(self.record.ports)
        for use in members.PORTS:
            port = self.record.ports.get(use)
            mine = holders.get(use, use) in self.processes
            if port is None or not (mine or process.comes_free(port)):
                chosen = process.free_port(self.record.ports.values())
                if port is not None:
                    self.report.say(f"{use}: port {port} is taken by {process.listener(port)}: using {chosen}")
                self.record.ports[use] = chosen
        if self.record.ports != before:
            self._save()

    def _members(self) -> dict[str, Member]:
        """The members as they should run; empty while kwok's stages are not there yet."""
        stages = sorted((self.layout.config / "stages").glob("*.yaml"))
        return members.members(self.layout, self.record.ports, stages) if stages else {}

    def _to_start(self, wanted: dict[str, Member]) -> list[Member]:
        return [member for name, member in wanted.items() if name not in self.processes or self._outdated(member)]

    def _stop_outdated(self, wanted: dict[str, Member]) -> None:
        """Clients first: a server that still has some takes its time to end."""
        for name, member in reversed(wanted.items()):
            if name in self.processes and self._outdated(member):
                self.report.say(f"{name}: its settings, certificates or version changed: starting it again")
                process.stop([self.processes.pop(name)])

    def _outdated(self, member: Member) -> bool:
        started = self.record.members.get(member.name)
        return started is None or started.fingerprint != self._fingerprint(member)

    def _fingerprint(self, member: Member) -> str:
        return member.fingerprint(binaries.versions()[member.name])

    def _obtain(self) -> None:
        found = binaries.obtain(self.report)
        self.paths = found.paths
        stages = disk.private_directory(self.layout.config / "stages")
        for stage in found.stages:
            disk.write_if_changed(stages / stage.name, stage.read_bytes())
        self.record.bin_dir = str(found.paths["kubectl"].parent)
        self._save()

    def _start_in_order(self, wanted: dict[str, Member]) -> None:
        etcd, apiserver, *clients = wanted.values()
        started = self._ensure(etcd)
        self._ready([etcd] if started else [])
        api_started = self._ensure(apiserver)
        self._ready([apiserver] if api_started else [])
        if api_started or not self._usable():  # also when an earlier run was killed between two of these
            with bootstrap_identity(self.layout.pki) as context:
                bootstrap.grant(Endpoint(self.record.ports[APISERVER], context))
            bootstrap.create_nodes(admin(self.layout, self.record))
        if KWOK not in self.processes:
            bootstrap.release_nodes(admin(self.layout, self.record))
        begun = [member for member in clients if self._ensure(member)]
        self._ready(begun)
        if not self._usable():
            with self.report.step(f"{len(bootstrap.NODES)} nodes Ready"):
                self._wait(self._usable, KWOK, "its nodes, or the default ServiceAccount, did not appear")

    def _usable(self) -> bool:
        """Whether a pod would be admitted, and find a node."""
        api = admin(self.layout, self.record)
        account = api.get("/api/v1/namespaces/default/serviceaccounts/default")
        return account is not None and bootstrap.ready_nodes(api) == len(bootstrap.NODES)

    def _ensure(self, member: Member) -> bool:
        """Make the member run with the right settings; whether it had to be started."""
        found = self.processes.get(member.name)
        if found:
            if self._answers(member):
                return False
            self.report.say(f"{member.name}: pid {found.pid} does not answer: starting it again")
            process.stop([found])
        if not self.paths:
            self._obtain()
        self._note(member.name, Started(self._fingerprint(member)))  # a kill from here on leaves nothing unknown
        command = [str(self.paths[member.name]), *member.arguments]
        begun = process.start(command, self._log(member.name), self.layout.root)
        self.processes[member.name] = begun
        self._note(member.name, Started(self._fingerprint(member), begun.pid, begun.create_time()))
        return True

    def _healthy(self, member: Member) -> bool:
        return members.healthy(member.name, self.record.ports, self.layout)

    def _answers(self, member: Member) -> bool:
        deadline = time.monotonic() + REPLY
        while not self._healthy(member):
            if time.monotonic() > deadline or not process.alive(self.processes[member.name]):
                return False
            time.sleep(0.1)
        return True

    def _ready(self, begun: list[Member]) -> None:
        """Wait for members that were started together."""
        for member in begun:
            with self.report.step(f"{member.name} ready"):
                self._wait(partial(self._healthy, member), member.name, "it did not become ready")

    def _wait(self, condition: Callable[[], bool], name: str, complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if not process.alive(self.processes[name]):
                raise self._failure(name, "it ended")
            if time.monotonic() > deadline:
                raise self._failure(name, f"{complaint} within {PATIENCE:.0f} s")
            time.sleep(0.1)

    def _failure(self, name: str, what: str) -> GdccError:
        log = self._log(name)
        if disk.free_bytes(log) < 2 * disk.MEBIBYTE:
            return disk.full(self.layout.root)
        return GdccError(
            f"{name}: {what}; the end of {log}:\n{tail(log.read_text(errors='replace'), LOG_LINES)}",
            "run `gdcc cluster up` again: it repairs what it can; `gdcc cluster down --purge` begins anew",
        )

    def _log(self, name: str) -> Path:
        return self.layout.logs / f"{name}.log"

    def _note(self, name: str, started: Started) -> None:
        self.record.members[name] = started
        self._save()

    def _save(self) -> None:
        self.record.write(self.layout.record)
