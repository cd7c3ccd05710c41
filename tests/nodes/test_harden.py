"""Check, converge, again, reboot, audit, roll back."""

from __future__ import annotations

import pytest

from gdcc.compliance.evidence import State
from gdcc.nodes.checks import host_of, judged
from tests.nodes.conftest import Hosts
from tests.nodes.plays import Played, play
from tests.nodes.test_preflight import files

pytestmark = pytest.mark.nodes


def failing(hosts: Hosts, name: str) -> set[str]:
    seen = judged(host_of(hosts.inventory, name))
    return {check for check, one in seen.items() if one.state is State.FAIL}


def test_an_audit_of_a_fresh_host_changes_nothing_and_foretells_the_changes(hosts: Hosts, first_run: Played) -> None:
    hosts.begin_anew(hosts.fresh)
    before = files(hosts, hosts.fresh)
    audit = play("audit.yml", hosts.inventory, "--limit", hosts.fresh)
    assert audit.code == 0, audit.output[-3000:]
    assert files(hosts, hosts.fresh) == before
    foretold = audit.changed_tasks()
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


def test_a_second_run_changes_nothing(hardened: Hosts) -> None:
    again = play("harden.yml", hardened.inventory, "--limit", ",".join(hardened.hardened))
    assert again.code == 0, again.output[-3000:]
    assert {name: again.count(name, "changed") for name in hardened.hardened} == dict.fromkeys(hardened.hardened, 0)


def test_an_audit_finds_what_was_changed_by_hand(hardened: Hosts) -> None:
    name = hardened.hardened[1]
    hardened.shell(name, "sed -i 's/^minlen.*/minlen = 4/' /etc/security/pwquality.conf.d/60-gdcc.conf")
    audit = play("audit.yml", hardened.inventory, "--limit", name)
    hardened.shell(name, "sed -i 's/^minlen.*/minlen = 14/' /etc/security/pwquality.conf.d/60-gdcc.conf")
    assert audit.changed_tasks() == {"accounts : Set password quality"}


def test_all_of_it_is_in_force_after_a_reboot(hardened: Hosts) -> None:
    name = hardened.hardened[0]
    hardened.lab.reboot(hardened.lab.hosts[0])
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
    name = hardened.hardened[1]
    hardened.shell(name, "useradd locked && echo 'locked:Right-Pass-1234' | chpasswd --crypt-method YESCRYPT")
    attempt = "echo wrong | runuser -u nobody -- su locked -c true || true"
    hardened.shell(name, "; ".join([attempt] * 6))
    said = hardened.shell(name, "faillock --user locked; userdel -r locked 2>/dev/null; rm -f /run/faillock/locked")
    assert said.count(" V") >= 1 or "TTY" in said


def test_a_rollback_puts_the_former_files_back(hosts: Hosts) -> None:
    name = hosts.fresh
    hosts.begin_anew(name)
    kept = "find /etc/ssh /etc/sysctl.d /etc/pam.d /etc/sudoers.d /etc/security /etc/login.defs /etc/issue* -type f"
    listing = f"{kept} -exec sha256sum {{}} + | sort -k2"
    before = hosts.shell(name, listing)
    ours = "find /etc /usr/local /usr/share/pam-configs -name '*gdcc*' | sort"
    ours_before = hosts.shell(name, ours)
    tags = "control_GC-43,control_GC-44,control_GC-46,control_GC-48"
    hardened = play("harden.yml", hosts.inventory, "--limit", name, "--tags", tags)
    assert hardened.code == 0, hardened.output[-3000:]
    assert hosts.shell(name, listing) != before
    back = play("rollback.yml", hosts.inventory, "--limit", name)
    assert back.code == 0, back.output[-3000:]
    # PAM's password checker is a package and stays; its own files are no part of the baseline.
    strip = [line for line in hosts.shell(name, listing).splitlines() if "pwquality" not in line]
    assert strip == before.splitlines()
    assert hosts.shell(name, ours) == ours_before
    assert "gdcc_host" not in hosts.shell(name, "nft list tables")
