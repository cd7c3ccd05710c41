"""Test hosts together: up, down, status; whatever a killed run left is put right by running again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gdcc.cluster.disk import guarded, private_directory, write_if_changed
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.cluster.state import SETTING
from gdcc.nodes import abandoned, image, machine, overlay, system
from gdcc.nodes.layout import HOSTS, NETWORK, HostFiles, Layout

WAITING = "waiting for another run on the same test hosts"


@dataclass(frozen=True)
class TestHost:
    """A host as its users see it.

    Attributes:
        name: also its name in `ssh_config` and the inventory.
        address: IPv4, reached from this machine only.
        health: `reachable` by SSH; `unreachable` runs and does not answer.
        pid: of its process; 0 when it does not run.
    """

    __test__ = False

    name: str
    address: str
    health: Literal["reachable", "unreachable", "stopped"]
    pid: int


@dataclass(frozen=True)
class Lab:
    """Test hosts that are up.

    Attributes:
        layout: where their files are.
        hosts: in order.
        image: the root that they all begin as.
    """

    layout: Layout
    hosts: tuple[HostFiles, ...]
    image: Path

    def begin_anew(self, hosts: Sequence[HostFiles] = ()) -> None:
        """Boot hosts, all by default, from the clean image."""
        chosen = hosts or self.hosts
        with ThreadPoolExecutor() as pool:
            list(pool.map(machine.stop, chosen))
        for host in chosen:
            machine.forget(host)
        _start(self.layout, chosen, self.image, known=self.hosts)

    def reboot(self, host: HostFiles) -> None:
        """Shut a host down and start it again with its disk as it is."""
        with self.stopped(host):
            pass

    @contextmanager
    def stopped(self, host: HostFiles) -> Iterator[None]:
        """Shut a host down while the block runs, then start it again with its disk as it is."""
        machine.stop(host)
        try:
            yield
        finally:
            _start(self.layout, (host,), self.image, known=self.hosts)

    def copy(self, source: HostFiles, targets: Sequence[HostFiles]) -> None:
        """Boot hosts with the disk of another; each keeps its name, its address and its keys."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(machine.stop, (source, *targets)))
            list(pool.map(lambda target: overlay.copy(source, target), targets))
        _start(self.layout, (source, *targets), self.image, known=self.hosts)


def up(state: Path | None = None, *, count: int = HOSTS, bound: bool = False, report: Report | None = None) -> Lab:
    """Start the test hosts, or repair them; does nothing when all answer.

    Args:
        state: the state directory; `.gdcc` in the project by default.
        count: how many hosts.
        bound: the hosts are of no use after this process: if it is killed, the next `up` of anybody ends them.
        report: told what takes time.

    Raises:
        GdccError: not root, a program is missing, no mirror, no space, or a host does not boot.
    """
    report = report or Report()
    system.prepare(report)
    if lost := abandoned.reap():
        report.say(f"ended test hosts that a killed run has left: {', '.join(lost)}")
    layout = Layout.at(state)
    with guarded(layout.root, SETTING):
        private_directory(layout.root)
        if bound:
            abandoned.bind(layout)
        with locked(layout.root, report, WAITING):
            root = image.obtain(report)
            layout.choose(system.subnets(NETWORK))
            hosts = layout.hosts(count)
            for surplus in set(layout.known()) - set(hosts):
                machine.stop(surplus)
                machine.forget(surplus)
            if not all(machine.running(host) and machine.answers(host, layout) for host in hosts):
                with report.step(f"booting {count} test hosts"):
                    _start(layout, hosts, root)
            return Lab(layout, hosts, root)


def down(state: Path | None = None, *, purge: bool = False, report: Report | None = None) -> list[str]:
    """Stop exactly what `up` started.

    Args:
        state: as for `up`.
        purge: remove the disks and keys too; the image stays in the cache.
        report: told what takes time.

    Returns:
        The names of hosts that ran.
    """
    report = report or Report()
    layout = Layout.at(state)
    if not layout.root.is_dir():
        return []
    with guarded(layout.root, SETTING), locked(layout.root, report, WAITING):
        running = (*layout.known(), *layout.guests())
        with ThreadPoolExecutor() as pool:
            ran = list(pool.map(machine.stop, running))
        names = [host.name for host, was in zip(running, ran, strict=True) if was]
        for one in layout.guests():
            machine.forget(one)  # its disk is a copy
        if purge:
            shutil.rmtree(layout.root, ignore_errors=True)  # a journal may still be renaming its files
            if layout.root.exists():
                shutil.rmtree(layout.root)
        return names


def status(state: Path | None = None) -> list[TestHost]:
    """Every host that has a disk, the guest last, and whether it answers; looks only."""
    layout = Layout.at(state)
    with ThreadPoolExecutor() as pool:
        hosts = pool.map(lambda host: _status(host, layout), layout.known())
        guests = pool.map(lambda host: _status(host, Layout(host.folder)), layout.guests())
        return [*hosts, *guests]


def _status(host: HostFiles, layout: Layout) -> TestHost:
    found = machine.running(host)
    if not found:
        return TestHost(host.name, host.address.host, "stopped", 0)
    reachable = machine.answers(host, layout)
    return TestHost(host.name, host.address.host, "reachable" if reachable else "unreachable", found.pid)


def _start(layout: Layout, hosts: Sequence[HostFiles], root: Path, known: Sequence[HostFiles] = ()) -> None:
    if not layout.key.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", image.USER, "-f", str(layout.key)]
        system.run(command, "making the operator's key")
    public = layout.key.with_suffix(".pub").read_text().strip()
    lines = [overlay.prepare(host, root, public) for host in known or hosts]
    write_ways(layout, known or hosts, lines)
    for host in hosts:
        found = machine.running(host)
        if found and machine.answers(host, layout):
            continue
        if found:
            machine.stop(host)
        machine.connect(host)
        machine.boot(host, root)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: machine.await_answer(host, layout), hosts))


def write_ways(layout: Layout, hosts: Sequence[HostFiles], known: Sequence[str]) -> None:
    """Write how hosts are reached, for `ssh -F` and for Ansible.

    Args:
        layout: where.
        hosts: which.
        known: their lines of `known_hosts`.
    """
    write_if_changed(layout.known_hosts, "".join(f"{line}\n" for line in known).encode())
    write_if_changed(layout.ssh_config, _ssh_config(layout, hosts).encode())
    write_if_changed(layout.inventory, _inventory(layout, hosts).encode())


def _ssh_config(layout: Layout, hosts: Sequence[HostFiles]) -> str:
    """For `ssh -F`."""
    lines = []
    for host in hosts:
        lines += [
            f"Host {host.name}",
            f"  HostName {host.address.host}",
            f"  User {image.USER}",
            f"  IdentityFile {layout.key}",
            "  IdentitiesOnly yes",
            f"  UserKnownHostsFile {layout.known_hosts}",
            "  StrictHostKeyChecking yes",
            "  BatchMode yes",
            "  ConnectTimeout 3",
        ]
    return "".join(f"{line}\n" for line in lines)


def _inventory(layout: Layout, hosts: Sequence[HostFiles]) -> str:
    """For `ansible-playbook -i`."""
    entries = "".join(f"        {host.name}:\n          ansible_host: {host.address.host}\n" for host in hosts)
    return (
        "# Made by `gdcc nodes up`.\n"
        "all:\n"
        "  children:\n"
        "    kubernetes_nodes:\n"
        "      vars:\n"
        f"        ansible_user: {image.USER}\n"
        f"        ansible_ssh_private_key_file: {layout.key}\n"
        f"        ansible_ssh_common_args: -o UserKnownHostsFile={layout.known_hosts} -o StrictHostKeyChecking=yes\n"
        "        ansible_python_interpreter: /usr/bin/python3\n"
        "      hosts:\n" + entries
    )
