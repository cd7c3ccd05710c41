"""Three test hosts: two that are hardened once, and one that begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gdcc.nodes import lab as labs
from gdcc.nodes.checks import host_of
from gdcc.nodes.lab import Lab
from gdcc.nodes.probe import ask
from gdcc.nodes.system import obstacle
from tests.nodes.plays import Played, play

SIGNATURE = "printf 'Gdcc.Test.Marker:0:*:676463632d6d616c776172652d6d61726b6572\\n' > /var/lib/clamav/gdcc.ndb"
"""Stands in for ClamAV's signatures, which test hosts cannot fetch: it matches `gdcc-malware-marker`."""


@dataclass(frozen=True)
class Hosts:
    lab: Lab

    @property
    def inventory(self) -> Path:
        return self.lab.layout.inventory

    @property
    def hardened(self) -> list[str]:
        return [host.name for host in self.lab.hosts[:2]]

    @property
    def fresh(self) -> str:
        return self.lab.hosts[2].name

    def shell(self, name: str, command: str) -> str:
        """What a command says that must succeed, as root."""
        answer = ask(host_of(self.inventory, name), [command]).of(command)
        assert answer.code == 0, f"{command}: {answer.output}"
        return answer.output

    def begin_anew(self, name: str) -> None:
        self.lab.begin_anew([host for host in self.lab.hosts if host.name == name])


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if reason := obstacle():
        pytest.skip(reason)
    state = tmp_path_factory.mktemp("nodes")
    try:
        yield Hosts(labs.up(state, count=3))
    finally:
        labs.down(state, purge=True)


@pytest.fixture(scope="session")
def first_run(hosts: Hosts) -> Played:
    """What `harden.yml` did to two fresh hosts."""
    played = play("harden.yml", hosts.inventory, "--limit", ",".join(hosts.hardened))
    assert played.code == 0, played.output[-4000:]
    for name in hosts.hardened:
        hosts.shell(name, SIGNATURE)
    return played


@pytest.fixture(scope="session")
def hardened(hosts: Hosts, first_run: Played) -> Hosts:
    assert first_run.code == 0
    return hosts
