"""The checks of nodes, in one list that the test suite and `gdcc comply --nodes` both run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import testinfra
from testinfra.host import Host

from gdcc.compliance.evidence import State
from gdcc.errors import GdccError
from gdcc.nodes.baseline import accounts, certificates, firewall, kernel, kubelet, records, ssh
from gdcc.nodes.check import NodeCheck, Seen
from gdcc.nodes.probe import SilentError, ask

CHECKS: tuple[NodeCheck, ...] = (
    *ssh.CHECKS,
    *accounts.CHECKS,
    *firewall.CHECKS,
    *kernel.CHECKS,
    *records.CHECKS,
    *kubelet.CHECKS,
    *certificates.CHECKS,
)
"""Every check, by topic; `NodeCheck.id` is what the catalogue's `checks` name."""


@dataclass(frozen=True)
class Result:
    """What one check saw on one node.

    Attributes:
        check: which.
        node: its name in the inventory.
        seen: state, expected, actual and command; `NOT_RUN` with the reason when the node does not answer.
    """

    check: NodeCheck
    node: str
    seen: Seen


def nodes_of(inventory: Path) -> list[str]:
    """The names of the nodes of an Ansible inventory.

    Raises:
        GdccError: it cannot be read, or names none.
    """
    if not inventory.is_file():
        raise GdccError(f"no inventory {inventory}", "begin with a copy of playbooks/inventory/example.yml")
    _find_ansible()
    try:
        names = [host.backend.get_hostname() for host in _hosts(inventory, ["all"])]
    except (RuntimeError, AssertionError, ValueError) as error:
        raise GdccError(f"{inventory} is no inventory that Ansible reads", str(error)) from error
    if not names:
        raise GdccError(f"{inventory} names no node", "add nodes, as in playbooks/inventory/example.yml")
    return names


def look(inventory: Path, checks: Sequence[NodeCheck] = CHECKS, nodes: Sequence[str] = ()) -> Iterator[Result]:
    """Run checks on nodes, all of an inventory by default, eight at a time.

    Args:
        inventory: an Ansible inventory; its connection variables hold, `sudo` is used.
        checks: which.
        nodes: names; all by default.

    Yields:
        One result for each check and node; a node that does not answer is `NOT_RUN`, and the others go on.

    Raises:
        GdccError: as `nodes_of`.
    """
    names = list(nodes) or nodes_of(inventory)
    _find_ansible()
    with ThreadPoolExecutor(max_workers=8) as pool:
        for name, seen in pool.map(lambda name: (name, _look(inventory, name, checks)), names):
            for check in checks:
                yield Result(check, name, seen[check.id])


def judged(host: Host, checks: Sequence[NodeCheck] = CHECKS) -> dict[str, Seen]:
    """What checks see on one testinfra host, by check id.

    Raises:
        SilentError: the node does not answer.
    """
    answers = ask(host, [command for check in checks for command in check.commands])
    return {check.id: check.judge(answers) for check in checks}


def host_of(inventory: Path, name: str) -> Host:
    """A testinfra host whose commands run as root."""
    _find_ansible()
    return _hosts(inventory, [name])[0]


def _look(inventory: Path, name: str, checks: Sequence[NodeCheck]) -> dict[str, Seen]:
    try:
        return judged(host_of(inventory, name), checks)
    except SilentError as error:
        reason = f"the node does not answer: {error}"
        return {
            check.id: Seen(State.NOT_RUN, check.views[0].expected, reason, " ; ".join(check.commands))
            for check in checks
        }


def _hosts(inventory: Path, names: Sequence[str]) -> list[Host]:
    patterns = [f"ansible://{name}" for name in names]
    found: list[Host] = testinfra.get_hosts(patterns, ansible_inventory=str(inventory), sudo=True)
    return found


def _find_ansible() -> None:
    """Testinfra calls `ansible-inventory` by name: put the one beside this Python on the path."""
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
