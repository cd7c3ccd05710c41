"""Bad input is told before the first change, per host, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.nodes.conftest import Hosts
from tests.nodes.plays import play

pytestmark = pytest.mark.nodes


@dataclass(frozen=True)
class Bad:
    message: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    prepare: str = "true"
    mend: str = "true"


BAD = {
    "an unknown variable": Bad("unknown variable ssh_alow_groups", {"ssh_alow_groups": ["sudo"]}),
    "a value of another type": Bad("guard_seconds", {"guard_seconds": "soon"}),
    "a value that is no choice": Bad("kernel_reverse_path", {"kernel_reverse_path": 1}),
    "an impossible number": Bad("journald_keep_days is 30; it must be between 90 and 3650", {"journald_keep_days": 30}),
    "one source of time": Bad("the clock needs at least two", {"time_sources": ["192.0.2.1"]}),
    "a full disk": Bad("MiB free", {"preflight_least_free_mib": 1048576}),
    "another operating system": Bad(
        "Debian 11.9 is not supported",
        prepare='cp /usr/lib/os-release /run/kept && sed -i \'s/"12"/"11"/; s/^PRETTY.*/PRETTY_NAME="Debian 11"/\' '
        "/usr/lib/os-release && cp /etc/debian_version /run/kept2 && echo 11.9 > /etc/debian_version",
        mend="cp /run/kept /usr/lib/os-release && cp /run/kept2 /etc/debian_version",
    ),
    "a read-only root": Bad(
        "mounted read-only",
        prepare="mount --bind /etc /etc && mount -o remount,ro,bind /etc",
        mend="umount --lazy /etc",
    ),
    "hardened by another role": Bad(
        "another role has hardened this host (/etc/sysctl.d/99-dev-sec.conf)",
        prepare="echo '# Managed by devsec.hardening' > /etc/sysctl.d/99-dev-sec.conf",
        mend="rm /etc/sysctl.d/99-dev-sec.conf",
    ),
}


def files(hosts: Hosts, name: str) -> str:
    return hosts.shell(name, "find /etc /usr/local /var/lib -type f -exec sha256sum {} + | sort -k2")


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_one_clear_error_and_changes_nothing(hosts: Hosts, bad: str) -> None:
    case, name = BAD[bad], hosts.fresh
    hosts.shell(name, case.prepare)
    try:
        before = files(hosts, name)
        played = play("harden.yml", hosts.inventory, "--limit", name, variables=case.variables)
        after = files(hosts, name)
    finally:
        hosts.shell(name, case.mend)
    assert played.code != 0
    assert case.message in " ".join(played.output.split())
    assert played.count(name, "changed") == 0
    assert after == before


def test_a_user_without_sudo_is_told_so(hosts: Hosts) -> None:
    name = hosts.fresh
    hosts.shell(name, "useradd -m nosudo && cp -r /home/gdccops/.ssh /home/nosudo/ && chown -R nosudo: /home/nosudo")
    played = play("harden.yml", hosts.inventory, "--limit", name, variables={"ansible_user": "nosudo"})
    hosts.shell(name, "userdel -r nosudo 2>/dev/null || true")
    assert played.code != 0
    assert f"no sudo on {name}" in " ".join(played.output.split())
    assert played.count(name, "changed") == 0


def test_a_host_in_two_groups_and_one_that_is_gone_stop_nobody_else(hosts: Hosts, tmp_path: Path) -> None:
    one, two = hosts.fresh, hosts.hardened[0]
    inventory = yaml.safe_load(hosts.inventory.read_text())
    known = inventory["all"]["children"]["kubernetes_nodes"]["hosts"]
    inventory["all"]["vars"] = inventory["all"]["children"]["kubernetes_nodes"]["vars"]
    inventory["all"]["children"] = {
        "kubernetes_control_plane": {"hosts": {one: known[one]}},
        "kubernetes_workers": {
            "hosts": {one: {}, two: known[two], "gone": {"ansible_host": "192.0.2.1", "ansible_ssh_timeout": 2}}
        },
    }
    file = tmp_path / "inventory.yml"
    file.write_text(yaml.safe_dump(inventory))
    played = play("harden.yml", file, "--tags", "banners", "--check")
    said = " ".join(played.output.split())
    assert f"{one} is in kubernetes_control_plane and in kubernetes_workers" in said, played.output
    assert played.count(one, "failed") == 1
    assert played.count("gone", "unreachable") == 1
    assert played.count(two, "failed") == 0
    assert "banners : Write the banners" in played.output
