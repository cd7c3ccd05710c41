"""Test hosts come and go: idempotent, repaired after a kill, nothing left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gdcc.compliance import pack
from gdcc.compliance.evidence import State
from gdcc.errors import GdccError
from gdcc.nodes import abandoned, guest_kernel, image, lab, machine, orphans, system
from gdcc.nodes.checks import CHECKS
from gdcc.nodes.commands import app
from gdcc.nodes.layout import Layout
from gdcc.nodes.system import obstacle
from tests.checkout import GDCC, REPOSITORY


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    if reason := obstacle():
        pytest.skip(reason)
    yield tmp_path
    lab.down(tmp_path, purge=True)


def left_of(layout: Layout) -> list[str]:
    """What of the hosts' names is still in the system."""
    names = [host.name for host in layout.hosts(3)]
    spaces = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    mounts = Path("/proc/mounts").read_text()
    return [name for name in names if name in spaces or name in links or name in mounts]


@pytest.mark.nodes
def test_up_twice_starts_nothing_twice_and_down_leaves_nothing(state: Path) -> None:
    first = lab.up(state, count=1)
    pids = [host.pid for host in lab.status(state)]
    lab.up(state, count=1)
    assert [host.pid for host in lab.status(state)] == pids
    assert [host.health for host in lab.status(state)] == ["reachable"]
    assert lab.down(state) == [first.hosts[0].name]
    assert lab.down(state) == []
    assert left_of(first.layout) == []


@pytest.mark.nodes
def test_a_killed_host_is_started_again_with_its_disk(state: Path) -> None:
    up = lab.up(state, count=1)
    host = up.hosts[0]
    command = ["ssh", "-F", str(up.layout.ssh_config), host.name, "sudo touch /etc/mark && sync"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    process = machine.running(host)
    assert process
    process.kill()
    process.wait(5)
    assert [one.health for one in lab.status(state)] == ["stopped"]
    assert host.name in orphans.orphans(), "its system runs on"
    lab.up(state, count=1)
    assert host.name not in orphans.orphans()
    assert (host.upper / "etc/mark").exists()
    up.begin_anew()
    assert not (host.upper / "etc/mark").exists()


@pytest.mark.nodes
def test_hosts_bound_to_a_run_that_was_killed_are_ended_by_whoever_comes_next(state: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from gdcc.nodes import lab;"
        "lab.up(Path(sys.argv[1]), count=1, bound=True); print('up', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", script, str(state)]
    layout = Layout.at(state)
    name = layout.hosts(1)[0].name
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout
            assert run.stdout.readline() == "up\n"
            assert name not in abandoned.reap(), "its run is there"
        finally:
            os.killpg(run.pid, signal.SIGKILL)
    assert name in abandoned.reap()
    assert left_of(layout) == []
    assert not layout.root.exists()


@pytest.mark.nodes
@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.0, 1.5])
def test_an_up_that_is_killed_anywhere_is_put_right_by_the_next(state: Path, seconds: float) -> None:
    script = "import sys; from pathlib import Path; from gdcc.nodes import lab; lab.up(Path(sys.argv[1]), count=1)"
    killed = subprocess.Popen([sys.executable, "-c", script, str(state)], start_new_session=True)
    time.sleep(seconds)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    up = lab.up(state, count=1)
    assert [host.health for host in lab.status(state)] == ["reachable"]
    lab.down(state, purge=True)
    assert left_of(up.layout) == []
    assert not up.layout.root.exists()


@pytest.mark.nodes
def test_the_verbs_boot_a_guest_whose_own_kernel_gives_evidence_and_end_it(state: Path) -> None:
    if reason := guest_kernel.obstacle():
        pytest.skip(reason)

    def gdcc(*arguments: object, status: int = 0) -> str:
        command = [GDCC, *map(str, arguments)]
        environment = {**os.environ, "GDCC_STATE": str(state)}
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout

    said = gdcc("nodes", "up", "--hosts", 1, "--guest")
    inventory = re.findall(r"gdcc comply --nodes (.+)", said)
    assert len(inventory) == 1, said
    # Nobody has hardened it: that is a failure which its kernel shows, and no longer `not-run`.
    gdcc("comply", "--control", "GC-48", "--nodes", inventory[0], "--out", state / "evidence", status=1)
    seen = {one.check: one for one in pack.read(state / "evidence").records if one.check.startswith("node-")}
    own = {f"node-{check.id}" for check in CHECKS if check.control == "GC-48" and check.views[0].own_kernel}
    assert len(own) > 15
    assert own <= seen.keys()
    assert {one.state for one in seen.values()} == {State.PASS, State.FAIL}
    assert seen["node-kernel-kernel-panic"].actual == "in force: 0; on disk: (nothing)"
    assert gdcc("nodes", "down", "--purge") == "2 test hosts are down.\n"
    assert left_of(Layout.at(state)) == []


def test_a_second_set_beside_the_first_has_names_and_addresses_of_its_own(state: Path) -> None:
    layouts = Layout.at(state / "one"), Layout.at(state / "two")
    taken: set[int] = set()
    for layout in layouts:
        layout.root.mkdir(parents=True)
        derived = int(layout.hosts(1)[0].address.ours.split(".")[2])
        layout.choose({*taken, derived})  # as if somebody had the address that follows from its name
        chosen = int(layout.hosts(1)[0].address.ours.split(".")[2])
        assert chosen not in {*taken, derived}
        layout.choose({chosen})
        assert int(layout.hosts(1)[0].address.ours.split(".")[2]) == chosen, "it stays"
        taken.add(chosen)
    one, two = (layout.hosts(9) for layout in layouts)
    assert not {host.name for host in one} & {host.name for host in two}
    assert len({host.address for host in (*one, *two)}) == 18
    assert all(len(host.name) <= 15 for host in one)


def test_who_is_not_root_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(GdccError, match="test hosts need root"):
        lab.up(tmp_path)


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(system.shutil, "which", lambda name, path=None: None)
    assert "debootstrap" in obstacle()


def test_another_recipe_is_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    before = image.directory()
    monkeypatch.setattr(image, "BASE", (*image.BASE, "hello"))
    assert image.directory() != before


def test_status_without_hosts_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GDCC_STATE", str(tmp_path))
    answer = CliRunner().invoke(app, ["status"])
    assert answer.exit_code == 2
    assert "gdcc nodes up" in answer.output
    as_json = CliRunner().invoke(app, ["status", "--json"])
    assert json.loads(as_json.output) == {"healthy": False, "hosts": []}


def test_down_without_hosts_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GDCC_STATE", str(tmp_path))
    answer = CliRunner().invoke(app, ["down"])
    assert answer.exit_code == 0
    assert "No test host was up." in answer.output
