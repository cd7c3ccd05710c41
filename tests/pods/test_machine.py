"""Pods run on this machine: what they see, what they may not, and that a killed run leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gdcc.cluster import Cluster
from gdcc.cluster.progress import Report
from gdcc.engine.api import Api, connect
from gdcc.errors import GdccError
from gdcc.pods import Machine, Pod
from gdcc.pods.images import stand_in
from tests.waiting import until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of one's own need root"),
]

USER = 10_001
LOOK = """
import os, json, pathlib, urllib.request
def tried(path):
    try:
        pathlib.Path(path).write_text("x"); return "written"
    except OSError as error:
        return error.strerror
print(json.dumps({
    "user": os.getuid(), "groups": os.getgroups(), "word": os.environ["WORD"], "secret": os.environ["SECRET"],
    "config": pathlib.Path("/etc/gdcc/config/greeting").read_text(),
    "password": pathlib.Path("/etc/gdcc/secret/password").read_text(),
    "mode": oct(os.stat("/etc/gdcc/secret/password").st_mode & 0o777),
    "root": tried("/etc/written"), "mounted": tried("/etc/gdcc/config/greeting"), "scratch": tried("/scratch/written"),
    "known": "inner.space.svc.cluster.local" in open("/etc/hosts").read(),
    "foreign": "DO_NOT_SHOW" in os.environ,
}))
"""


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[tuple[Api, str]]:
    """A namespace with a ConfigMap and a Secret."""
    api, name = connect(cluster.kubeconfig), f"pods-{uuid.uuid4().hex[:8]}"
    _post(api, "/api/v1/namespaces", "Namespace", name, {})
    inside = f"/api/v1/namespaces/{name}"
    _post(api, f"{inside}/configmaps", "ConfigMap", "words", {"data": {"greeting": "สวัสดี"}})
    _post(api, f"{inside}/secrets", "Secret", "secret", {"data": {"password": b64encode(b"hidden").decode()}})
    yield api, name
    api.request("DELETE", f"/api/v1/namespaces/{name}")


def _post(api: Api, path: str, kind: str, name: str, more: dict[str, Any]) -> None:
    api.request("POST", path, body={"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more})


def _pod(namespace: str, name: str, command: list[str], probe: dict[str, Any] | None = None) -> Pod:
    places = {"/etc/gdcc/config": "config", "/etc/gdcc/secret": "secret"}
    container: dict[str, Any] = {
        "name": name,
        "image": "registry.example/shared/gdcc@sha256:0",
        "command": command,
        "env": [
            {"name": "WORD", "value": "ก"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "password"}}},
        ],
        "volumeMounts": [
            *({"name": volume, "mountPath": place, "readOnly": True} for place, volume in places.items()),
            {"name": "scratch", "mountPath": "/scratch"},
        ],
        "readinessProbe": probe,
    }
    volumes = [
        {"name": "config", "configMap": {"name": "words"}},
        {"name": "secret", "secret": {"secretName": "secret", "defaultMode": 0o440}},
        {"name": "scratch", "emptyDir": {}},
    ]
    spec = {"securityContext": {"runAsUser": USER}, "containers": [container], "volumes": volumes}
    return Pod(namespace, name, {"app": name}, {}, spec)


def test_a_container_sees_what_its_pod_says_and_can_write_nothing_else(
    space: tuple[Api, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DO_NOT_SHOW", "x")
    api, namespace = space
    looking = _pod(namespace, "looking", ["python", "-c", LOOK])
    service = {"metadata": {"name": "inner", "namespace": "space"}, "spec": {"selector": {"app": "inner"}}}
    inner = Pod("space", "inner", {"app": "inner"}, {}, looking.spec)
    with Machine(tmp_path / "pods", api, Report()) as machine:
        machine.expect([looking, inner], [service])
        seen = json.loads(machine.job(looking))
        kept = [path for path in (tmp_path / "pods").rglob("*") if path.is_file() and b"hidden" in path.read_bytes()]
    assert seen == {
        "user": USER, "groups": [], "word": "ก", "secret": "hidden", "config": "สวัสดี", "password": "hidden",
        "mode": "0o440", "root": "Read-only file system", "mounted": "Read-only file system", "scratch": "written",
        "known": True, "foreign": False,
    }  # fmt: skip
    assert not kept, "a secret is in memory only"


SERVER = ["python", "-m", "http.server", "8443", "--directory", "/etc/gdcc/config"]
PROBE = {"httpGet": {"path": "/greeting", "port": 8443}}


def test_two_pods_have_the_same_port_and_what_is_applied_later_is_seen_in_place(
    space: tuple[Api, str], tmp_path: Path
) -> None:
    api, namespace = space
    pods = [_pod(namespace, name, SERVER, PROBE) for name in ("one", "two")]
    with Machine(tmp_path / "pods", api, Report()) as machine:
        machine.expect(pods)
        for pod in pods:
            machine.start(pod)
        assert len({machine.address(pod) for pod in pods}) == 2
        before = {pod.name: machine.pid(pod) for pod in pods}
        path = f"/api/v1/namespaces/{namespace}/configmaps/words"
        api.request("PATCH", path, body={"data": {"greeting": "ลาก่อน"}}, content_type="application/merge-patch+json")
        machine.refresh()
        for pod in pods:
            assert machine.execute(pod, ["grep", "-q", "ลาก่อน", "/etc/gdcc/config/greeting"])
        assert {pod.name: machine.pid(pod) for pod in pods} == before
    assert not any(psutil.pid_exists(pid or 0) for pid in before.values())


def test_a_run_that_was_killed_leaves_nothing_that_the_next_does_not_end(
    space: tuple[Api, str], cluster: Cluster, tmp_path: Path
) -> None:
    api, namespace = space
    program = (
        "import sys, time; from pathlib import Path\n"
        "from gdcc.cluster.progress import Report; from gdcc.engine.api import connect; from gdcc.pods import Machine\n"
        "from tests.pods.test_machine import PROBE, SERVER, _pod\n"
        "with Machine(Path(sys.argv[1]), connect(sys.argv[2]), Report()) as machine:\n"
        "    pod = _pod(sys.argv[3], 'left', SERVER, PROBE); machine.expect([pod]); machine.start(pod)\n"
        "    print(machine.pid(pod), flush=True); time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pods"), str(cluster.kubeconfig), namespace]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as run:
        assert run.stdout is not None
        left = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
    until(
        lambda: not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE,
        30,
        "its end with whoever started it",
    )
    with Machine(tmp_path / "pods", api, Report()) as machine:
        bridge = machine._network.bridge
        assert not list(Path("/run/netns").glob(f"{bridge}-*"))
    assert not Path("/sys/class/net", bridge).exists()


def test_a_pod_that_ends_at_once_is_one_error_with_what_it_said(space: tuple[Api, str], tmp_path: Path) -> None:
    api, namespace = space
    pod = _pod(namespace, "short", ["python", "-c", "raise SystemExit('no database')"], PROBE)
    with Machine(tmp_path / "pods", api, Report()) as machine, pytest.raises(GdccError, match="no database"):
        machine.start(pod)


def test_what_a_pod_waits_for_is_named(space: tuple[Api, str], tmp_path: Path) -> None:
    api, _ = space
    pod = _pod("default", "waiting", SERVER, PROBE)
    with Machine(tmp_path / "pods", api, Report()) as machine, pytest.raises(GdccError, match="configmap words, which"):
        machine.start(pod)


def test_an_image_without_software_here_is_one_clear_error() -> None:
    with pytest.raises(GdccError, match="stands in for the image killbill") as told:
        stand_in("registry.example/shared/killbill@sha256:0", Report())
    assert "keycloak" in told.value.hint


def test_without_root_it_says_so_and_does_nothing(
    space: tuple[Api, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(GdccError, match="only root may make"):
        Machine(tmp_path / "pods", space[0], Report())
    assert not (tmp_path / "pods").exists()


def test_two_runs_at_once_have_different_addresses(space: tuple[Api, str], tmp_path: Path) -> None:
    api, namespace = space
    pod = _pod(namespace, "pod", SERVER, PROBE)
    with Machine(tmp_path / "one", api, Report()) as one, Machine(tmp_path / "two", api, Report()) as two:
        two._network.down()
        two._network._third = one._network._third  # as if both names had the same hash
        two._network.up()
        assert one.address(pod) != two.address(pod)
