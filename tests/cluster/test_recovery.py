"""Whatever state `up` finds, it ends with one healthy control plane and says what it did."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from gdcc.cluster import Cluster, convergence, disk, down, pki, process, status, up
from gdcc.cluster.control_plane import admin, running
from gdcc.cluster.members import APISERVER, CONTROLLERS, ETCD, KWOK, NAMES, SCHEDULER
from gdcc.cluster.progress import Report
from gdcc.cluster.state import Layout, Record, Started
from gdcc.errors import GdccError

pytestmark = pytest.mark.cluster


class Plane:
    """A control plane of these tests' own, and what the last `up` or `down` said."""

    def __init__(self, state: Path) -> None:
        self.layout = Layout.at(state)
        self.said = ""

    def up(self) -> Cluster:
        said = io.StringIO()
        try:
            return up(self.layout.root, Report(Console(file=said), verbose=True))
        finally:
            self.said = said.getvalue()

    def down(self, *, purge: bool = False) -> list[str]:
        return down(self.layout.root, purge=purge, report=Report(Console(quiet=True)))

    def record(self) -> Record:
        found = Record.read(self.layout.record)
        assert found
        return found

    def pids(self) -> dict[str, int]:
        """By member; fails when one runs twice, or is not the one recorded."""
        found = process.owned(self.layout.root, NAMES)
        pids = {name: member.pid for name, member in found}
        assert len(found) == len(pids), f"a member runs twice: {found}"
        assert pids == {name: started.pid for name, started in self.record().members.items()}
        return pids

    def assert_well(self) -> None:
        assert set(self.pids()) == set(NAMES)
        found = status(self.layout.root)
        assert found.healthy, found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    plane = Plane(tmp_path_factory.mktemp("recovery") / "a state ก")
    try:
        yield plane
    finally:
        plane.down(purge=True)


@pytest.fixture
def plane(started: Plane) -> Plane:
    started.up()
    return started


def up_in_another_process(plane: Plane) -> subprocess.Popen[bytes]:
    program = "import sys, pathlib, gdcc.cluster as c; c.up(pathlib.Path(sys.argv[1]))"
    return subprocess.Popen([sys.executable, "-c", program, plane.layout.root], stderr=subprocess.PIPE)


def kill(pid: int) -> None:
    victim = psutil.Process(pid)
    victim.kill()
    while process.alive(victim):
        time.sleep(0.01)


def test_a_second_up_changes_no_pid_and_says_nothing(plane: Plane) -> None:
    before = plane.pids()
    began = time.monotonic()
    plane.up()
    assert time.monotonic() - began < 2
    assert (plane.pids(), plane.said) == (before, "")


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_member_is_named_and_only_it_is_started_again(plane: Plane, name: str) -> None:
    before = plane.pids()
    kill(before[name])
    plane.up()
    assert f"{name}: pid {before[name]} is gone" in plane.said
    after = plane.pids()
    assert {member for member in NAMES if after[member] != before[member]} == {name}, plane.said
    plane.assert_well()


def test_status_names_a_killed_member_and_what_to_do(plane: Plane) -> None:
    pid = plane.pids()[SCHEDULER]
    kill(pid)
    found = status(plane.layout.root)
    assert not found.healthy
    lost = [member for member in found.members if member.health != "healthy"]
    assert [(member.name, member.health) for member in lost] == [(SCHEDULER, "stopped")]
    assert lost[0].detail == f"pid {pid} is gone: `gdcc cluster up` starts it again"


def test_pods_do_not_wait_for_the_leases_of_a_kwok_that_is_gone(plane: Plane) -> None:
    kill(plane.pids()[KWOK])
    plane.up()
    api = admin(plane.layout, plane.record())
    pods = "/api/v1/namespaces/default/pods"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "prompt"}}
    spec = {"containers": [{"name": "main", "image": "registry.invalid/anything:1"}]}
    assert api.request("POST", pods, {**pod, "spec": spec})[0] == 201
    deadline = time.monotonic() + 15
    while (api.get(f"{pods}/prompt") or {})["status"].get("phase") != "Running":
        assert time.monotonic() < deadline, "a lease runs for 40 s"
        time.sleep(0.1)


def test_a_member_that_hangs_is_started_again(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convergence, "REPLY", 0.5)
    monkeypatch.setattr("gdcc.cluster.api.TIMEOUT", 0.5)
    pid = plane.pids()[SCHEDULER]
    os.kill(pid, signal.SIGSTOP)
    plane.up()
    assert f"{SCHEDULER}: pid {pid} does not answer" in plane.said
    monkeypatch.undo()
    plane.assert_well()


def test_a_stale_pid_that_is_now_a_strangers_is_said_and_left_alone(plane: Plane) -> None:
    plane.down()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record = plane.record()
        record.members[ETCD] = Started("", stranger.pid, psutil.Process(stranger.pid).create_time() - 1000)
        record.write(plane.layout.record)
        plane.up()
        assert f"{ETCD}: pid {stranger.pid} is another process's now, which is left alone" in plane.said
        assert stranger.poll() is None
        plane.assert_well()
        plane.down()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("use", [ETCD, APISERVER])
def test_a_taken_port_is_named_and_another_is_used(plane: Plane, use: str) -> None:
    taken = plane.record().ports[use]
    plane.down()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", taken))
        holder.listen()
        cluster = plane.up()
        assert f"{use}: port {taken} is taken by" in plane.said
        assert f"(pid {os.getpid()})" in plane.said
        plane.assert_well()
    assert plane.record().ports[use] != taken
    assert cluster.server in cluster.kubeconfig.read_text()


def test_data_and_address_outlive_down_and_up(plane: Plane) -> None:
    api = admin(plane.layout, plane.record())
    name = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}}
    assert api.request("POST", "/api/v1/namespaces", name)[0] == 201
    kubeconfig = plane.layout.kubeconfig.read_bytes()
    assert plane.down() == list(reversed(NAMES))
    plane.up()
    assert plane.layout.kubeconfig.read_bytes() == kubeconfig
    assert api.get("/api/v1/namespaces/kept")


def test_rights_and_nodes_that_were_removed_come_back(plane: Plane) -> None:
    before = plane.pids()
    api = admin(plane.layout, plane.record())
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    for path in ("/api/v1/nodes/gdcc-node-2", f"{bindings}/{pki.KWOK_USER}", f"{bindings}/{pki.ADMIN_GROUP}"):
        assert api.request("DELETE", path)[0] == 200, path
    plane.up()
    assert plane.pids() == before
    plane.assert_well()


def test_a_certificate_near_its_end_is_renewed_and_its_users_started_again(plane: Plane) -> None:
    before = plane.pids()
    leaf = next(leaf for leaf in pki.LEAVES if leaf.name == "controller-manager")
    certificate, key = pki.pem(*pki.issue(plane.layout.pki, leaf, timedelta(days=3)))
    pki.certificate_path(plane.layout.pki, leaf.name).write_bytes(certificate)
    pki.key_path(plane.layout.pki, leaf.name).write_bytes(key)
    plane.up()
    assert "certificate controller-manager: issued anew" in plane.said
    after = plane.pids()
    assert {name for name in NAMES if after[name] != before[name]} == {CONTROLLERS}
    plane.assert_well()


@pytest.mark.parametrize("seen", [ETCD, SCHEDULER])
def test_up_killed_in_the_middle_leaves_nothing_that_the_next_up_does_not_know(plane: Plane, seen: str) -> None:
    plane.down()
    interrupted = up_in_another_process(plane)
    while seen not in dict(process.owned(plane.layout.root, NAMES)):
        assert interrupted.poll() is None, "it was to be killed before it ended"
    interrupted.kill()
    interrupted.communicate()
    plane.up()
    plane.assert_well()


def test_down_finds_what_a_killed_up_started(plane: Plane) -> None:
    plane.down()
    interrupted = up_in_another_process(plane)
    while APISERVER not in dict(process.owned(plane.layout.root, NAMES)):
        assert interrupted.poll() is None
    interrupted.kill()
    interrupted.communicate()
    assert plane.down() == [APISERVER, ETCD]
    assert process.owned(plane.layout.root, NAMES) == []


def test_a_lost_record_is_made_again_from_what_runs(plane: Plane) -> None:
    plane.layout.record.write_text('{"ports": ')
    plane.up()
    assert "cannot be read" in plane.said
    assert "taken over" in plane.said
    plane.assert_well()


def test_two_at_once_make_one_control_plane(plane: Plane) -> None:
    plane.down()
    both = [up_in_another_process(plane) for _ in range(2)]
    said = [other.communicate(timeout=120)[1].decode() for other in both]
    assert [other.returncode for other in both] == [0, 0], said
    assert sum("kube-apiserver ready" in text for text in said) == 1
    assert sum("waiting for another" in text for text in said) == 1
    plane.assert_well()


def test_down_stops_what_up_started_and_nobody_else(plane: Plane, cluster: Cluster) -> None:
    others = {member.pid for _, member in process.owned(cluster.state, NAMES)}
    assert len(others) == len(NAMES)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        assert plane.down() == list(reversed(NAMES))
        assert process.owned(plane.layout.root, NAMES) == []
        assert stranger.poll() is None
        stranger.kill()
    assert {member.pid for _, member in process.owned(cluster.state, NAMES)} == others
    assert status(cluster.state).healthy
    assert plane.down() == [], "a second down has nothing to do"


def test_down_finds_the_members_of_a_state_directory_that_was_removed(plane: Plane) -> None:
    shutil.rmtree(plane.layout.root)  # some members end by themselves when their files go
    assert APISERVER in plane.down()
    assert running(plane.layout, Record()) == []


def test_purge_removes_the_state_but_not_what_is_not_its_own(plane: Plane) -> None:
    note = plane.layout.root / "note"
    note.write_text("mine")
    plane.down(purge=True)
    assert list(plane.layout.root.iterdir()) == [note]
    note.unlink()
    plane.down(purge=True)
    assert not plane.layout.root.exists()


def test_too_little_space_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convergence, "STATE_BYTES", 1 << 60)
    fresh = Plane(tmp_path / "state")
    with pytest.raises(GdccError, match=rf"the disk that holds {fresh.layout.root} is full: \d+ MiB free"):
        fresh.up()
    assert process.owned(fresh.layout.root, NAMES) == []


def test_a_disk_that_fills_up_on_the_way_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", tmp_path], check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted; run as root to test a full disk")
    try:
        monkeypatch.setattr(convergence, "STATE_BYTES", 0)
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "filler").write_bytes(bytes(2 * disk.MEBIBYTE))
        with pytest.raises(GdccError, match="is full: 0 MiB free") as raised:
            Plane(tmp_path / "state").up()
        assert str(tmp_path) in raised.value.message
        assert "free some space" in raised.value.hint
        assert process.owned(tmp_path, NAMES) == []
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_state_directory_that_cannot_be_made_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GdccError, match="Not a directory") as raised:
        Plane(tmp_path / "file" / "state").up()
    assert "GDCC_STATE" in raised.value.hint


def test_a_member_that_cannot_start_is_shown_with_the_end_of_its_log(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.down()
    (plane.layout.config / "encryption.json").write_text("{}")
    try:
        with pytest.raises(GdccError, match=r"(?s)kube-apiserver: it ended; .*encryption") as raised:
            plane.up()
        assert "gdcc cluster" in raised.value.hint
    finally:
        plane.down(purge=True)


def test_free_space_is_told_for_a_path_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path / "not" / "yet") == disk.free_bytes(tmp_path)
