"""Check, converge, again, reboot, audit, roll back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from gdcc.compliance.evidence import State
from gdcc.nodes import machine
from gdcc.nodes.checks import host_of, judged
from tests.nodes.conftest import Hosts
from tests.nodes.fresh import Audit, RolledBack
from tests.nodes.plays import Played, play, play_roles

pytestmark = pytest.mark.nodes

BOOT = "cat /proc/sys/kernel/random/boot_id"
"""Another after each boot."""


def failing(hosts: Hosts, name: str) -> set[str]:
    seen = judged(host_of(hosts.inventory, name))
    return {check for check, one in seen.items() if one.state is State.FAIL}


def test_an_audit_of_a_fresh_host_changes_nothing_and_foretells_the_changes(
    first_run: Played, fresh_audit: Audit
) -> None:
    assert fresh_audit.played.code == 0, fresh_audit.played.output[-3000:]
    assert fresh_audit.after == fresh_audit.before
    foretold = fresh_audit.played.changed_tasks()
    assert len(foretold) > 30
    done = {task for task in first_run.changed_tasks() if not task.startswith(("guard :", "rollback :"))}
    # Ansible skips commands in check mode; each of these follows from a file whose change is foretold.
    done -= {
        "accounts : Put them in force",
        "filesystems : Mount shared memory that way",
        "kernel : Set the values that differ",
    }
    # What a package brings cannot be looked at before it is installed.
    after_a_package = {"time", "auditd", "aide", "malware", "firewall", "ssh"}
    assert not {task for task in done - foretold if task.split(" :")[0] not in after_a_package}
    assert not foretold - done


@dataclass(frozen=True)
class Runs:
    """A second run on one host, with leave to reboot and no need to; beside it an audit of another."""

    again: Played
    boots: tuple[str, str]
    audit: Played


@pytest.fixture(scope="module")
def runs(hardened: Hosts) -> Runs:
    again, other, _ = hardened.hardened
    setting = "/etc/security/pwquality.conf.d/60-gdcc.conf"
    hardened.shell(other, f"sed -i 's/^minlen.*/minlen = 4/' {setting}")
    before = hardened.shell(again, BOOT)
    limit = "--limit", again
    with ThreadPoolExecutor() as pool:
        second = pool.submit(play, "harden.yml", hardened.inventory, *limit, variables={"harden_reboot": True})
        audit = pool.submit(play, "audit.yml", hardened.inventory, "--limit", other)
        found = Runs(second.result(), (before, hardened.shell(again, BOOT)), audit.result())
    hardened.shell(other, f"sed -i 's/^minlen.*/minlen = 14/' {setting}")
    return found


def test_a_second_run_changes_nothing(hardened: Hosts, runs: Runs) -> None:
    assert runs.again.code == 0, runs.again.output[-3000:]
    assert runs.again.count(hardened.hardened[0], "changed") == 0


def test_an_audit_finds_what_was_changed_by_hand(runs: Runs) -> None:
    assert runs.audit.changed_tasks() == {"accounts : Set password quality"}


def test_a_node_reboots_only_when_that_is_needed_and_asked_for_and_all_is_in_force_after_it(
    hardened: Hosts, runs: Runs
) -> None:
    name = hardened.hardened[0]
    assert runs.boots[0] == runs.boots[1], "asked for, not needed"
    hardened.shell(name, "touch /run/reboot-required")
    hooks = "--limit", name, "--tags", "always"
    told = play("harden.yml", hardened.inventory, *hooks)
    assert f"{name} needs a reboot; run again with -e harden_reboot=true" in told.output
    assert hardened.shell(name, BOOT) == runs.boots[0], "needed, not asked for"
    host = hardened.lab.hosts[0]
    with ThreadPoolExecutor() as pool:
        done_later = pool.submit(play, "harden.yml", hardened.inventory, *hooks, variables={"harden_reboot": True})
        # The host shuts itself down; systemd-nspawn without a service manager ends then, so power comes from here.
        while machine.running(host) and not done_later.done():
            time.sleep(0.5)
        if not done_later.done():
            hardened.lab.reboot(host)
        done = done_later.result()
    assert done.code == 0, done.output[-3000:]
    assert done.changed_tasks() == {"Reboot"}
    assert hardened.shell(name, BOOT) != runs.boots[0]
    hardened.shell(name, "test ! -e /run/reboot-required")
    assert failing(hardened, name) == set()
    assert hardened.shell(name, "findmnt -no OPTIONS /tmp").count("nosuid") == 1


def test_a_restart_of_the_firewall_leaves_other_tables_alone(hardened: Hosts) -> None:
    name = hardened.hardened[1]
    hardened.shell(name, "nft add table ip cni && nft add chain ip cni c '{ type nat hook prerouting priority 0; }'")
    hardened.shell(name, "systemctl restart gdcc-firewall.service")
    assert "prerouting" in hardened.shell(name, "nft list table ip cni && nft delete table ip cni")


def test_the_malware_scan_finds_a_marked_file(hardened: Hosts) -> None:
    name = hardened.hardened[1]
    hardened.shell(name, "printf 'gdcc-malware-marker' > /home/gdccops/bad.bin")
    said = hardened.shell(name, "systemctl start gdcc-malware.service; systemctl is-failed gdcc-malware.service")
    assert "failed" in said
    assert "Gdcc.Test.Marker" in hardened.shell(name, "journalctl --unit gdcc-malware.service --no-pager")
    hardened.shell(name, "rm /home/gdccops/bad.bin && systemctl reset-failed gdcc-malware.service")


def test_aide_finds_a_changed_file(hardened: Hosts) -> None:
    name = hardened.hardened[1]
    hardened.shell(name, "cp -a /usr/bin/true /run/true && printf x >> /usr/bin/true")
    said = hardened.shell(name, "aide --config /etc/gdcc/aide.conf --check || true; cp -a /run/true /usr/bin/true")
    assert "/usr/bin/true" in said


def test_an_account_is_locked_after_failed_tries(hardened: Hosts) -> None:
    name, right = hardened.hardened[1], "Right-Pass-1234"
    hardened.shell(name, f"useradd --groups sudo locked && echo 'locked:{right}' | chpasswd --crypt-method YESCRYPT")
    # sudo asks three times; five failures lock.
    may = f"echo {right} | runuser -u locked -- sudo -k -S -v"
    wrong = "printf 'a\\nb\\nc\\n' | runuser -u locked -- sudo -k -S -v || true"
    try:
        hardened.shell(name, may)
        hardened.shell(name, f"{wrong}; {wrong}")
        hardened.shell(name, f"! ( {may} )")
        hardened.shell(name, f"faillock --user locked --reset && {may}")
    finally:
        hardened.shell(name, "userdel -r locked 2>/dev/null; rm -f /run/faillock/locked")


def test_locked_audit_rules_come_last_even_after_rules_that_sort_later(hardened: Hosts, tmp_path: Path) -> None:
    name = hardened.hardened[1]
    hardened.shell(name, "echo '-w /etc/motd -p wa -k own' > /etc/audit/rules.d/zz-own.rules")
    for immutable in (True, False):
        played = play_roles(tmp_path, hardened.inventory, {name: ["auditd"]}, {"auditd_immutable": immutable})
        assert played.code == 0, played.output
        # Without `--load`: a container's rules are its host's kernel's. That they are then locked is seen on a guest.
        rules = hardened.shell(name, "augenrules > /dev/null; cat /etc/audit/audit.rules").splitlines()
        written = [line for line in rules if line and not line.startswith("#")]
        assert "-w /etc/motd -p wa -k own" in written
        assert written.count("-e 2") == int(immutable)
        assert (written[-1] == "-e 2") is immutable
    hardened.shell(name, "rm /etc/audit/rules.d/zz-own.rules && augenrules > /dev/null")


def test_a_rollback_puts_the_former_files_back(rolled_back: RolledBack) -> None:
    before, hardened, after = rolled_back.settings
    assert hardened != before
    # PAM's password checker is a package and stays; its own files are no part of the baseline.
    assert [line for line in after.splitlines() if "pwquality" not in line] == before.splitlines()
    assert rolled_back.ours[1] != rolled_back.ours[0]
    assert rolled_back.ours[2] == rolled_back.ours[0]
    assert "gdcc_host" not in rolled_back.tables
