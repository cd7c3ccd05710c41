"""What is persisted on a hardened host is in force after a boot on a kernel of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gdcc.compliance.evidence import State
from gdcc.nodes.check import NodeCheck
from gdcc.nodes.checks import CHECKS, host_of, look
from gdcc.nodes.guest import Guest
from gdcc.nodes.probe import Answer, ask
from tests.nodes.on_guest import ABSENT, COMPANIONS, MUTATIONS
from tests.nodes.rounds import rounds

OWN = tuple(check for check in CHECKS if any(view.own_kernel for view in check.views))
"""What is `not-run` on a host that shares its kernel."""

NOTHING_TO_UNDO = {f"module-{name}" for name in ABSENT}


def shell(guest: Guest, command: str) -> Answer:
    return ask(host_of(guest.layout.inventory, guest.host.name), [command]).of(command)


def test_every_check_that_only_a_kernel_of_its_own_shows_has_a_mutation_there() -> None:
    assert len(OWN) >= 37
    assert set(MUTATIONS) | NOTHING_TO_UNDO == {check.id for check in OWN}


@pytest.mark.nodes
def test_every_check_passes_after_a_boot_on_a_kernel_of_its_own(guest: Guest) -> None:
    results = list(look(guest.layout.inventory))
    assert len(results) == len(CHECKS)
    wrong = {one.check.id: one.seen.actual for one in results if one.seen.state is not State.PASS}
    assert not wrong


@dataclass(frozen=True)
class Undone:
    undo: Answer
    mend: Answer
    failing: frozenset[str]


@pytest.fixture(scope="module")
def undone(request: pytest.FixtureRequest, guest: Guest) -> dict[str, Undone]:
    """What was seen while each setting was undone, for those checks whose test was chosen, in one connection."""
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    chosen = [one["own"].id for one in params if "own" in one]
    asked = [command for one in OWN for command in one.commands]
    host = host_of(guest.layout.inventory, guest.host.name)
    mutations = [(MUTATIONS[check].undo, MUTATIONS[check].mend) for check in chosen]
    found = {}
    for check, (undo, answers, mend) in zip(chosen, rounds(host, mutations, asked), strict=True):
        failing = frozenset(one.id for one in OWN if one.judge(answers).state is not State.PASS)
        found[check] = Undone(undo, mend, failing)
    return found


@pytest.mark.nodes
@pytest.mark.parametrize("own", [one for one in OWN if one.id not in NOTHING_TO_UNDO], ids=lambda check: check.id)
def test_undone_in_force_exactly_its_check_fails(undone: dict[str, Undone], own: NodeCheck) -> None:
    one = undone[own.id]
    assert one.undo.code == 0, f"the mutation did nothing: {one.undo.output}"
    assert one.mend.code == 0, one.mend.output
    assert one.failing == {own.id} | COMPANIONS.get(own.id, set())


@pytest.mark.nodes
def test_modules_are_refused_also_when_they_are_asked_for_by_name(guest: Guest) -> None:
    blocked = "usb-storage cramfs freevxfs hfs hfsplus jffs2 udf dccp tipc rds sctp firewire-core"
    said = shell(guest, f"for name in {blocked}; do modprobe $name 2>/dev/null && echo $name; done; true")
    assert said == Answer(0, "")
    needed = shell(guest, "grep -cE '^(overlay|br_netfilter) ' /proc/modules")
    assert needed.output.strip() == "2", "what containers need is loaded at the start"


@pytest.mark.nodes
def test_a_crash_leaves_no_core(guest: Guest) -> None:
    crash = "cd /tmp && ulimit -Hc && (kill -SEGV $BASHPID); ls core* 2>/dev/null"
    assert shell(guest, f"runuser --login gdccops --command '{crash}'").output.split("\n")[0].strip() == "0"
    assert shell(guest, "ls /tmp/core* 2>/dev/null").output == ""


@pytest.mark.nodes
def test_a_changed_file_is_an_event_that_can_be_found(guest: Guest) -> None:
    mark = "touch /etc/kubernetes/found-by-its-name && rm /etc/kubernetes/found-by-its-name"
    find = "for n in $(seq 60); do ausearch --input-logs -k kubernetes | grep found-by-its-name && break; sleep 1; done"
    assert "found-by-its-name" in shell(guest, f"{mark}; {find}").output


@pytest.mark.nodes
def test_locked_audit_rules_cannot_be_removed_until_a_reboot(guest: Guest) -> None:
    # Last on the guest, since only a boot unlocks it. The file is the one that `auditd_immutable` writes.
    lock = "echo '-e 2' > /etc/audit/rules.d/99-gdcc-finalize.rules && augenrules --load > /dev/null"
    said = shell(
        guest, f"{lock}; auditctl -s | grep -x 'enabled 2'; auditctl -l | wc -l; auditctl -D; auditctl -l | wc -l"
    )
    before, refused, after = said.output.split("\n")[1], said.output, said.output.strip().split("\n")[-1]
    assert "enabled 2" in refused
    assert "immutable" in refused or "not permitted" in refused
    assert int(before) == int(after) > 20
