"""What is persisted on a hardened host is in force after a boot on a kernel of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gdcc.compliance.evidence import State
from gdcc.errors import GdccError
from gdcc.nodes import guest as guests
from gdcc.nodes import guest_kernel
from gdcc.nodes.check import NodeCheck
from gdcc.nodes.checks import CHECKS, host_of, judged, look
from gdcc.nodes.guest import Guest
from gdcc.nodes.lab import Lab
from gdcc.nodes.layout import Layout
from gdcc.nodes.probe import Answer, ask
from gdcc.nodes.reading import clock_offset
from tests.nodes import rounds
from tests.nodes.chosen import chosen_params
from tests.nodes.on_guest import ABSENT, COMPANIONS, MUTATIONS, STAYS

OWN = tuple(
    replace(check, views=views) for check in CHECKS if (views := tuple(view for view in check.views if view.own_kernel))
)
"""What is `not-run` on a host that shares its kernel, in force only: the files are undone on the hosts."""

REAL = {check.id for check in CHECKS if any(view.real_kernel for view in check.views)}
"""What user-mode Linux cannot show; the hosts do."""

NOT_IN_TURN = {f"module-{name}" for name in ABSENT | STAYS}


def shell(guest: Guest, command: str) -> Answer:
    return ask(host_of(guest.layout.inventory, guest.host.name), [command]).of(command)


def test_every_check_that_only_a_kernel_of_its_own_shows_has_a_mutation_there() -> None:
    assert len(OWN) >= 37
    assert set(MUTATIONS) | NOT_IN_TURN == {check.id for check in OWN}


@pytest.mark.nodes
def test_every_check_passes_after_a_boot_on_a_kernel_of_its_own(guest: Guest) -> None:
    results = list(look(guest.layout.inventory))
    assert len(results) == len(CHECKS)
    wrong = {one.check.id: one.seen for one in results if one.seen.state is not State.PASS}
    assert {check: seen.actual for check, seen in wrong.items() if check not in REAL} == {}
    assert {check: seen.state for check, seen in wrong.items()} == dict.fromkeys(REAL, State.NOT_RUN)
    assert not REAL & {check.id for check in OWN}, "seen neither on hosts nor on guests"


@pytest.fixture(scope="module")
def undone(request: pytest.FixtureRequest, guest: Guest) -> dict[str, rounds.Undone]:
    """What was seen while each setting was undone, for those checks whose test was chosen, in one connection."""
    mutations = {own.id: MUTATIONS[own.id] for own in chosen_params(request, "own")}
    # The clock first: it is being put right while it is looked at.
    checks = sorted(OWN, key=lambda one: not any("chronyc" in command for command in one.commands))
    host = host_of(guest.layout.inventory, guest.host.name)
    return rounds.undone(host, mutations, checks, {State.FAIL, State.NOT_RUN})


@pytest.mark.nodes
@pytest.mark.parametrize("own", [one for one in OWN if one.id not in NOT_IN_TURN], ids=lambda check: check.id)
def test_undone_in_force_exactly_its_check_fails(undone: dict[str, rounds.Undone], own: NodeCheck) -> None:
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
    # Among the last on the guest, since only a boot unlocks them. The file is the one that `auditd_immutable` writes.
    lock = "echo '-e 2' > /etc/audit/rules.d/99-gdcc-finalize.rules && augenrules --load > /dev/null"
    said = shell(
        guest, f"{lock}; auditctl -s | grep -x 'enabled 2'; auditctl -l | wc -l; auditctl -D; auditctl -l | wc -l"
    )
    before, refused, after = said.output.split("\n")[1], said.output, said.output.strip().split("\n")[-1]
    assert "enabled 2" in refused
    assert "immutable" in refused or "not permitted" in refused
    assert int(before) == int(after) > 20


@pytest.mark.nodes
def test_a_module_that_was_loaded_and_stays_is_seen(guest: Guest) -> None:
    checks = [check for check in OWN if check.id in {f"module-{name}" for name in STAYS}]
    host = host_of(guest.layout.inventory, guest.host.name)
    assert {seen.state for seen in judged(host, checks).values()} == {State.PASS}
    for name in STAYS:
        assert shell(guest, f"modprobe --ignore-install {name}").code == 0
    assert {seen.state for seen in judged(host, checks).values()} == {State.FAIL}


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("C612E52E,198.18.0.1,2,1.0,-0.000014577,0,0,0,0,0,0,0,64.9,Normal\n", "0.000014577"),
        ("00000000,,0,0.0,0.000000000,0,0,0,0,0,1,1,0.0,Not synchronised\n", "not synchronised"),
        ("506 Cannot talk to daemon\n", "not synchronised"),
    ],
)
def test_a_clock_that_follows_no_source_has_no_offset(said: str, seen: str) -> None:
    assert clock_offset(Answer(0, said)) == seen


def test_without_a_kernel_for_guests_it_is_told_what_stays_unseen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(guest_kernel.system, "obstacle", lambda: "")
    monkeypatch.setattr(guest_kernel.platform, "machine", lambda: "riscv64")
    layout = Layout.at(tmp_path)
    with pytest.raises(GdccError, match="user-mode-linux is made for x86-64, and this machine is riscv64") as told:
        guests.up(Lab(layout, layout.hosts(1), tmp_path))
    assert "not-run" in str(told.value.hint)
