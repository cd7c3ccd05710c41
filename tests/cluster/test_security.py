"""What the control plane refuses, seals and writes down."""

from __future__ import annotations

import base64
import json
import os
import ssl
import stat
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from gdcc.cluster import Cluster, pki
from gdcc.cluster.api import Endpoint, identified, trusting
from gdcc.cluster.bootstrap import LEASES, NODES
from gdcc.cluster.control_plane import admin, running
from gdcc.cluster.members import APISERVER, CONTROLLERS, ETCD, KWOK, NAMES, SCHEDULER
from gdcc.cluster.state import Layout, Record

pytestmark = pytest.mark.cluster


@pytest.fixture
def layout(cluster: Cluster) -> Layout:
    return Layout(cluster.state)


@pytest.fixture
def record(layout: Layout) -> Record:
    found = Record.read(layout.record)
    assert found
    return found


@pytest.fixture
def api(layout: Layout, record: Record) -> Endpoint:
    return admin(layout, record)


@pytest.fixture
def anonymous(cluster: Cluster, record: Record) -> Endpoint:
    return Endpoint(record.ports[APISERVER], trusting(cluster.ca))


def kubectl(cluster: Cluster, *arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={kubeconfig or cluster.kubeconfig}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def sign_in(layout: Layout, record: Record, folder: Path, user: str, *groups: str) -> Endpoint:
    """The API server, as somebody the cluster's authority vouches for."""
    leaf = pki.Leaf("visitor", pki.CLUSTER_CA, user, groups=groups)
    both = b"".join(pki.pem(*pki.issue(layout.pki, leaf, timedelta(minutes=5))))
    (folder / "visitor.pem").write_bytes(both)
    context = trusting(pki.certificate_path(layout.pki, pki.CLUSTER_CA))
    context.load_cert_chain(folder / "visitor.pem")
    return Endpoint(record.ports[APISERVER], context)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_anyone_may_ask_whether_the_server_is_well(anonymous: Endpoint, path: str) -> None:
    assert anonymous.request("GET", path) == (200, b"ok")


@pytest.mark.parametrize(
    "path", ["/", "/api", "/version", "/openapi/v2", "/metrics", "/api/v1/namespaces", "/readyz/etcd", "/debug/pprof/"]
)
def test_anonymous_access_to_anything_else_is_denied(anonymous: Endpoint, path: str) -> None:
    assert anonymous.request("GET", path)[0] == 401


def test_a_client_that_trusts_another_authority_refuses_the_server(layout: Layout, record: Record) -> None:
    other = trusting(pki.certificate_path(layout.pki, pki.ETCD_CA))
    status, reason = Endpoint(record.ports[APISERVER], other).request("GET", "/readyz")
    assert status == 0
    assert b"CERTIFICATE_VERIFY_FAILED" in reason


def test_a_certificate_of_another_authority_is_nobody(layout: Layout, record: Record) -> None:
    context = trusting(pki.certificate_path(layout.pki, pki.CLUSTER_CA))
    etcd_client = "apiserver-etcd-client"
    context.load_cert_chain(pki.certificate_path(layout.pki, etcd_client), pki.key_path(layout.pki, etcd_client))
    assert Endpoint(record.ports[APISERVER], context).request("GET", "/version")[0] == 401


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("name", [ETCD, APISERVER, CONTROLLERS, SCHEDULER])
def test_a_client_older_than_tls_1_2_is_refused(layout: Layout, record: Record, name: str) -> None:
    context = ssl.create_default_context(
        cafile=pki.certificate_path(layout.pki, pki.ETCD_CA if name == ETCD else pki.CLUSTER_CA)
    )
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    status, reason = Endpoint(record.ports[name], context).request("GET", "/healthz")
    assert status == 0
    assert b"PROTOCOL_VERSION" in reason or b"UNSUPPORTED_PROTOCOL" in reason, reason


def test_etcd_talks_to_nobody_without_a_certificate_of_its_own_authority(layout: Layout, record: Record) -> None:
    nobody = trusting(pki.certificate_path(layout.pki, pki.ETCD_CA))
    assert Endpoint(record.ports[ETCD], nobody).request("GET", "/health")[0] == 0
    nobody.load_cert_chain(pki.certificate_path(layout.pki, "admin"), pki.key_path(layout.pki, "admin"))
    assert Endpoint(record.ports[ETCD], nobody).request("GET", "/health")[0] == 0


def test_members_listen_on_loopback_only(layout: Layout, record: Record) -> None:
    listening = [
        connection.laddr
        for _, member in running(layout, record)
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= len(record.ports)
    assert {address for address, *_ in listening} == {"127.0.0.1"}


@pytest.mark.parametrize("name", [APISERVER, CONTROLLERS, SCHEDULER])
def test_profiling_is_off_even_for_administrators(layout: Layout, record: Record, name: str) -> None:
    known = identified(layout.pki, pki.CLUSTER_CA, "admin")
    status, body = Endpoint(record.ports[name], known).request("GET", "/debug/pprof/")
    assert status in (403, 404), body


@pytest.mark.parametrize("name", [CONTROLLERS, SCHEDULER])
def test_metrics_of_a_member_are_for_those_with_the_right(layout: Layout, record: Record, name: str) -> None:
    nobody = Endpoint(record.ports[name], trusting(pki.certificate_path(layout.pki, pki.CLUSTER_CA)))
    assert nobody.request("GET", "/metrics")[0] in (401, 403)
    known = Endpoint(record.ports[name], identified(layout.pki, pki.CLUSTER_CA, "admin"))
    assert known.request("GET", "/metrics")[0] == 200


def test_a_secret_is_sealed_in_etcd_and_its_value_is_in_no_log(
    layout: Layout, record: Record, api: Endpoint, cluster: Cluster
) -> None:
    name, value = f"sealed-{uuid4().hex[:8]}", f"value-{uuid4().hex}"
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"password": value}}
    status, body = api.request("POST", "/api/v1/namespaces/default/secrets", manifest)
    assert status == 201, body
    assert kubectl(cluster, "get", "secret", name, "-o", "jsonpath={.data.password}").stdout

    etcd = Endpoint(record.ports[ETCD], identified(layout.pki, pki.ETCD_CA, "apiserver-etcd-client"))
    key = base64.b64encode(f"/registry/secrets/default/{name}".encode()).decode()
    status, body = etcd.request("POST", "/v3/kv/range", {"key": key})
    assert status == 200, body
    stored = base64.b64decode(json.loads(body)["kvs"][0]["value"])
    assert stored.startswith(b"k8s:enc:secretbox:v1:key1:")
    assert value.encode() not in stored

    events = [json.loads(line) for line in layout.audit_log.read_text().splitlines()]
    about = [event for event in events if event.get("objectRef", {}).get("resource") == "secrets"]
    assert any(event["verb"] == "create" and event["user"]["username"] == "gdcc:admin" for event in about)
    assert all(event["level"] == "Metadata" for event in about)
    for log in layout.logs.iterdir():
        text = log.read_text(errors="replace")
        assert value not in text, log.name
        assert base64.b64encode(value.encode()).decode() not in text, log.name


def test_who_granted_what_is_written_down_in_full(layout: Layout, api: Endpoint) -> None:
    name = f"reader-{uuid4().hex[:8]}"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    assert api.request("POST", path, {**role, "rules": rules})[0] == 201
    events = [json.loads(line) for line in layout.audit_log.read_text().splitlines() if name in line]
    assert [event["requestObject"]["rules"] for event in events] == [rules]


def test_a_node_may_not_touch_another_node_nor_read_a_secret_it_does_not_use(
    layout: Layout, record: Record, tmp_path: Path
) -> None:
    node = sign_in(layout, record, tmp_path, f"system:node:{NODES[0]}", "system:nodes")
    patch = {"metadata": {"labels": {"touched": "yes"}}}
    own, other = (node.request("PATCH", f"/api/v1/nodes/{name}", patch, MERGE) for name in NODES[:2])
    assert own[0] == 200, own
    assert other[0] == 403
    assert b"is not allowed to modify node" in other[1], "this is NodeRestriction's refusal"
    assert node.request("GET", "/api/v1/namespaces/default/secrets/any")[0] == 403


MERGE = "application/merge-patch+json"


def test_a_stranger_with_a_valid_certificate_has_no_rights(layout: Layout, record: Record, tmp_path: Path) -> None:
    stranger = sign_in(layout, record, tmp_path, "somebody")
    assert stranger.request("GET", "/api/v1/namespaces")[0] == 403


def test_kwok_may_play_nodes_and_nothing_else(cluster: Cluster, layout: Layout) -> None:
    def may(*question: str) -> bool:
        kubeconfig = layout.config / "kwok.kubeconfig"
        return kubectl(cluster, "auth", "can-i", *question, kubeconfig=kubeconfig).stdout.strip() == "yes"

    assert may("patch", "pods", "--subresource=status", "-A")
    assert may("update", "leases", "-n", LEASES)
    for question in (("get", "secrets", "-A"), ("create", "pods", "-A"), ("delete", "nodes"), ("*", "*", "-A")):
        assert not may(*question), question
    assert not may("update", "leases", "-n", "kube-system")


def test_state_is_for_its_owner_only_and_nothing_skips_verification(layout: Layout) -> None:
    paths = [layout.root, *layout.root.rglob("*")]
    assert len(paths) > 50
    for path in paths:
        allowed = 0o700 if path.is_dir() else 0o600
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & ~allowed == 0, f"{path} is {mode:o}"
    kubeconfigs = [layout.kubeconfig, *layout.config.glob("*.kubeconfig")]
    assert len(kubeconfigs) == 4
    for kubeconfig in kubeconfigs:
        assert "insecure" not in kubeconfig.read_text()


def test_no_secret_is_on_a_command_line(layout: Layout, record: Record) -> None:
    lines = [" ".join(member.cmdline()) for _, member in running(layout, record)]
    assert len(lines) == len(NAMES)
    key = json.loads((layout.config / "encryption.json").read_text())["resources"][0]["providers"][0]["secretbox"]
    assert all(key["keys"][0]["secret"] not in line for line in lines)


def test_a_pod_becomes_ready_on_a_fake_node(cluster: Cluster) -> None:
    name = f"pod-{uuid4().hex[:8]}"
    assert kubectl(cluster, "run", name, "--image=registry.invalid/anything:1").returncode == 0
    waited = kubectl(cluster, "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=30s")
    assert waited.returncode == 0, waited.stderr
    assert kubectl(cluster, "get", "pod", name, "-o", "jsonpath={.spec.nodeName}").stdout in NODES
    began = time.monotonic()
    assert kubectl(cluster, "delete", "pod", name, "--timeout=30s").returncode == 0
    assert time.monotonic() - began < 20, "kwok lets go of a deleted pod"


def test_clients_read_the_real_version(cluster: Cluster) -> None:
    answer = json.loads(kubectl(cluster, "version", "-o", "json").stdout)
    assert answer["serverVersion"]["gitVersion"] == answer["clientVersion"]["gitVersion"] != "v0.0.0"
    assert answer["serverVersion"]["minor"]


def test_members_run_in_sessions_of_their_own(layout: Layout, record: Record) -> None:
    for name, member in running(layout, record):
        assert os.getsid(member.pid) == member.pid, name
    assert KWOK in dict(running(layout, record))
