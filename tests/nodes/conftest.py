"""Test hosts, and what takes long on those that nobody else waits for.

One host is hardened; two more get its disk, which takes seconds where hardening takes a minute. What is to be seen of
hosts that are not hardened goes on beside all that in one thread (`lane`), as far as tests that were chosen want it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gdcc.nodes import guest as guests
from gdcc.nodes import guest_kernel
from gdcc.nodes import lab as labs
from gdcc.nodes.checks import host_of
from gdcc.nodes.guest import Guest
from gdcc.nodes.lab import Lab
from gdcc.nodes.probe import ask
from gdcc.nodes.system import obstacle
from tests.nodes import fresh
from tests.nodes.chosen import chosen_here
from tests.nodes.on_guest import SYNCHRONISED
from tests.nodes.plays import Played, play

SIGNATURE = "printf 'Gdcc.Test.Marker:0:*:676463632d6d616c776172652d6d61726b6572\\n' > /var/lib/clamav/gdcc.ndb"
"""Stands in for ClamAV's signatures, which test hosts cannot fetch: it matches `gdcc-malware-marker`."""

HARDENED = 3


@dataclass(frozen=True)
class Hosts:
    lab: Lab

    @property
    def inventory(self) -> Path:
        return self.lab.layout.inventory

    @property
    def hardened(self) -> list[str]:
        return [host.name for host in self.lab.hosts[:HARDENED]]

    @property
    def fresh(self) -> str:
        """For the lane's jobs alone, while they run."""
        return self.lab.hosts[HARDENED].name

    @property
    def untouched(self) -> str:
        """As it was handed over, for ever: tests only look at it."""
        return self.lab.hosts[HARDENED + 1].name

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
        yield Hosts(labs.up(state, count=HARDENED + 2, bound=True))
    finally:
        labs.down(state, purge=True)


JOBS: dict[str, Callable[[Hosts], Any]] = {
    "refusals": fresh.refuse,
    "fresh_audit": fresh.audit,
    "rolled_back": fresh.roll_back,
}


@pytest.fixture(scope="session")
def lane(request: pytest.FixtureRequest, hosts: Hosts) -> Iterator[dict[str, Future[Any]]]:
    """The jobs that chosen tests want, one after another beside the tests."""
    wanted = {name for item in chosen_here(request) for name in getattr(item, "fixturenames", ())}
    with ThreadPoolExecutor(1) as pool:
        yield {name: pool.submit(job, hosts) for name, job in JOBS.items() if name in wanted}
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def refusals(lane: dict[str, Future[Any]]) -> fresh.Refusals:
    return lane["refusals"].result()


@pytest.fixture(scope="session")
def fresh_audit(lane: dict[str, Future[Any]]) -> fresh.Audit:
    return lane["fresh_audit"].result()


@pytest.fixture(scope="session")
def rolled_back(lane: dict[str, Future[Any]]) -> fresh.RolledBack:
    return lane["rolled_back"].result()


@pytest.fixture(scope="session")
def first_run(hosts: Hosts, lane: dict[str, Future[Any]]) -> Played:
    """What `harden.yml` did to a fresh host, whose disk the other hardened hosts get."""
    first, *others = hosts.lab.hosts[:HARDENED]
    played = play("harden.yml", hosts.inventory, "--limit", first.name)
    assert played.code == 0, played.output[-4000:]
    hosts.shell(first.name, SIGNATURE)
    if "refusals" in lane:
        lane["refusals"].exception()  # waits: it needs the others
    hosts.lab.copy(first, others)
    return played


@pytest.fixture(scope="session")
def booting(request: pytest.FixtureRequest, hosts: Hosts, first_run: Played) -> Guest | str:
    """A guest with the disk of a hardened host, which boots beside the tests; if none boots, why."""
    if not any("guest" in getattr(item, "fixturenames", ()) for item in chosen_here(request)):
        return "no test that was chosen wants a guest"
    assert first_run.code == 0
    return guest_kernel.obstacle() or guests.start(hosts.lab, hosts.lab.hosts[HARDENED - 1])


@pytest.fixture(scope="session")
def guest(booting: Guest | str) -> Guest:
    """A guest that is up, and whose clock follows its sources."""
    if isinstance(booting, str):
        pytest.skip(booting)
    guests.await_up(booting)
    answer = ask(host_of(booting.layout.inventory, booting.host.name), [SYNCHRONISED]).of(SYNCHRONISED)
    assert answer.code == 0, answer.output
    return booting


@pytest.fixture(scope="session")
def hardened(hosts: Hosts, booting: Guest | str) -> Hosts:
    assert booting
    return hosts
