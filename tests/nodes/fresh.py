"""What is done to hosts that are not hardened; each job returns what there is to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tests.nodes.plays import Played, play

if TYPE_CHECKING:
    from tests.nodes.conftest import Hosts


@dataclass(frozen=True)
class Bad:
    """Something wrong: with the variables of a host that is otherwise well, or with the host itself (`prepare`)."""

    message: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    prepare: str = ""


BAD = {
    "an unknown variable": Bad("unknown variable ssh_alow_groups", {"ssh_alow_groups": ["sudo"]}),
    "a value of another type": Bad("guard_seconds", {"guard_seconds": "soon"}),
    "a value that is no choice": Bad("kernel_reverse_path", {"kernel_reverse_path": 1}),
    "an impossible number": Bad("journald_keep_days is 30; it must be between 90 and 3650", {"journald_keep_days": 30}),
    "one source of time": Bad("the clock needs at least two", {"time_sources": ["192.0.2.1"]}),
    "a full disk": Bad("MiB free", {"preflight_least_free_mib": 1048576}),
    "a user without sudo": Bad("no sudo on", {"ansible_user": "nosudo"}),
    "another operating system": Bad(
        "Debian 11.9 is not supported",
        prepare='sed -i \'s/"12"/"11"/; s/^PRETTY.*/PRETTY_NAME="Debian 11"/\' '
        "/usr/lib/os-release && echo 11.9 > /etc/debian_version",
    ),
    "a read-only root": Bad(
        "mounted read-only",
        prepare="mount --bind /etc /etc && mount -o remount,ro,bind /etc",
    ),
    "hardened by another role": Bad(
        "another role has hardened this host (/etc/sysctl.d/99-dev-sec.conf)",
        prepare="echo '# Managed by devsec.hardening' > /etc/sysctl.d/99-dev-sec.conf",
    ),
}
NO_SUDO = "useradd -m nosudo && cp -r /home/gdccops/.ssh /home/nosudo/ && chown -R nosudo: /home/nosudo"
READ_ONLY_NO_MORE = "umount --lazy /etc"
WELL = "well"
BOTH = "in-two-groups"
GONE = "gone"


def files(hosts: Hosts, name: str) -> str:
    """Every file's hash."""
    return hosts.shell(name, "find /etc /usr/local /var/lib -type f -exec sha256sum {} + | sort -k2")


@dataclass(frozen=True)
class Refusals:
    """One run over hosts of which most are wrong.

    Attributes:
        played: the run.
        names: the inventory's name of each case.
        before: the hashes of each real host's files; `after` too.
    """

    played: Played
    names: Mapping[str, str]
    before: Mapping[str, str]
    after: Mapping[str, str]


def refuse(hosts: Hosts) -> Refusals:
    """Run `harden.yml` over one host for each thing that can be wrong, one that is well, and one that is gone.

    It is few real hosts by many names: what is wrong with variables is told before what is wrong with a host, and a
    full disk before the marks of another role. Those to be hardened later get another disk then.
    """
    _, second, third = hosts.hardened
    real = dict.fromkeys(BAD, hosts.untouched)
    real |= {"another operating system": second, "a user without sudo": second}
    real |= {"hardened by another role": hosts.fresh, "a full disk": hosts.fresh}
    names = {case: case.replace(" ", "-") for case in BAD}
    inventory = yaml.safe_load(hosts.inventory.read_text())
    group = inventory["all"]["children"]["kubernetes_nodes"]
    known = group["hosts"]
    workers = {names[case]: {**known[real[case]], **bad.variables} for case, bad in BAD.items()}
    workers |= {WELL: known[third], BOTH: known[hosts.untouched]}
    workers |= {GONE: {"ansible_host": "192.0.2.1", "ansible_ssh_timeout": 2}}
    groups = {"kubernetes_control_plane": {"hosts": {BOTH: {}}}, "kubernetes_workers": {"hosts": workers}}
    file = hosts.inventory.with_name("refusals.yml")
    file.write_text(yaml.safe_dump({"all": {"vars": group["vars"], "children": groups}}))
    hosts.shell(second, NO_SUDO)
    for case, bad in BAD.items():
        if bad.prepare:
            hosts.shell(real[case], bad.prepare)
    every = sorted(set(real.values()))
    before = {name: files(hosts, name) for name in every}
    played = play("harden.yml", file, "--tags", "banners", "--forks", "13")
    after = {name: files(hosts, name) for name in every}
    hosts.shell(hosts.untouched, READ_ONLY_NO_MORE)
    hosts.begin_anew(hosts.fresh)
    return Refusals(
        played,
        names,
        {case: before[name] for case, name in real.items()},
        {case: after[name] for case, name in real.items()},
    )


@dataclass(frozen=True)
class Audit:
    played: Played
    before: str
    after: str


def audit(hosts: Hosts) -> Audit:
    """Audit a host that nobody has hardened."""
    before = files(hosts, hosts.untouched)
    played = play("audit.yml", hosts.inventory, "--limit", hosts.untouched)
    return Audit(played, before, files(hosts, hosts.untouched))


@dataclass(frozen=True)
class RolledBack:
    """A host before, between and after hardening and rollback: hashes of settings, and names of files of ours."""

    settings: tuple[str, str, str]
    ours: tuple[str, str, str]
    tables: str


SETTINGS = "find /etc/ssh /etc/sysctl.d /etc/pam.d /etc/sudoers.d /etc/security /etc/login.defs /etc/issue* -type f"
OURS = "find /etc /usr/local /usr/share/pam-configs -name '*gdcc*' | sort"


def roll_back(hosts: Hosts) -> RolledBack:
    """Harden a host in part, and take it back."""
    name = hosts.fresh
    seen = []

    def look() -> None:
        seen.append((hosts.shell(name, f"{SETTINGS} -exec sha256sum {{}} + | sort -k2"), hosts.shell(name, OURS)))

    look()
    tags = "control_GC-43,control_GC-44,control_GC-46,control_GC-48"
    done = play("harden.yml", hosts.inventory, "--limit", name, "--tags", tags)
    assert done.code == 0, done.output[-3000:]
    look()
    back = play("rollback.yml", hosts.inventory, "--limit", name)
    assert back.code == 0, back.output[-3000:]
    look()
    settings, ours = zip(*seen, strict=True)
    return RolledBack(settings, ours, hosts.shell(name, "nft list tables"))
