"""A hardened host is a node: a real kubelet and containerd, pods that run, each naive setting that would break them.

One host for all of it, in this order: it joins, it runs workloads, a drain is refused, it is drained and hardened.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster
from gdcc.cluster.state import Layout as ClusterLayout
from gdcc.compliance.evidence import State
from gdcc.nodes import kubernetes
from gdcc.nodes import lab as labs
from gdcc.nodes.archive import NAME as IMAGE
from gdcc.nodes.checks import host_of, judged
from gdcc.nodes.kubernetes import Node
from gdcc.nodes.node_files import PODS, TAINT
from gdcc.nodes.system import obstacle
from tests.nodes.conftest import SIGNATURE
from tests.nodes.neighbour import Neighbour, beside
from tests.nodes.plays import Played, play

pytestmark = [pytest.mark.nodes, pytest.mark.cluster]

SPACE = "gdcc-try"
SECONDS = 90.0
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod_spec(script: str, **more: Any) -> dict[str, Any]:
    """A pod as Pod Security `restricted` admits it, which may run on the test host."""
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", script],
        "securityContext": RESTRICTED,
    }
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"key": TAINT, "operator": "Exists"}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        **more,
    }


@dataclass(frozen=True)
class Workplace:
    """A node, and what is asked of it by its cluster's administrator."""

    node: Node

    def kubectl(self, *arguments: str, manifest: dict[str, Any] | None = None) -> str:
        done = self.tried(*arguments, manifest=manifest)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(self, *arguments: str, manifest: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        cluster = self.node.cluster
        return subprocess.run(
            [cluster.bin_dir / "kubectl", f"--kubeconfig={cluster.kubeconfig}", *arguments],
            input=json.dumps(manifest) if manifest else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def apply(self, api: str, kind: str, name: str, spec: dict[str, Any], **labels: str) -> None:
        metadata = {"name": name, "namespace": SPACE, "labels": labels}
        self.kubectl("apply", "-f", "-", manifest={"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})

    def get(self, *arguments: str) -> dict[str, Any]:
        return dict(json.loads(self.kubectl("get", "-o", "json", *arguments)))

    def pods(self, app: str) -> list[dict[str, Any]]:
        listing = self.get("pods", "-n", SPACE, "-l", f"app={app}")["items"]
        return [one for one in listing if "deletionTimestamp" not in one["metadata"]]

    def run_here(self, name: str, spec: dict[str, Any]) -> None:
        self.apply("v1", "Pod", name, {**spec, "nodeSelector": {"kubernetes.io/hostname": self.node.name}})

    def phase(self, name: str) -> str:
        return str(self.get("pod", name, "-n", SPACE)["status"]["phase"])

    def play(self, tmp: Path, **variables: Any) -> Played:
        """`harden.yml` as an operator gives it: with the cluster, node by node."""
        node = self.node
        kubectl = tmp / "kubectl"
        if not kubectl.exists():
            kubectl.symlink_to(node.cluster.bin_dir / "kubectl")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(tmp), prepend=":")
            given = {
                "harden_kubeconfig": str(node.cluster.kubeconfig),
                "harden_serial": 1,
                "firewall_cluster_sources": ["198.18.0.0/15", "10.244.0.0/16"],
                **variables,
            }
            return play("harden.yml", node.lab.layout.inventory, variables=given)


def comes_true(condition: Callable[[], bool], why: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why
        time.sleep(0.3)


@pytest.fixture(scope="module")
def joined(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A fresh host that has joined, with a static pod and two pods of a deployment that may not be disrupted."""
    if reason := obstacle():
        pytest.skip(reason)
    state = tmp_path_factory.mktemp("kubelet")
    try:
        lab = labs.up(state, count=1, bound=True)
        with kubernetes.joined(lab, lab.hosts[0], cluster) as node:
            place = Workplace(node)
            try:
                _load(place)
                yield place
            finally:
                place.tried("delete", "namespace", SPACE, "--wait=false")
    finally:
        labs.down(state, purge=True)


def _load(place: Workplace) -> None:
    static = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "static", "namespace": "default"},
        "spec": pod_spec("echo static pod runs; exec sleep 654321"),
    }
    place.node.shell(f"cat > /etc/kubernetes/static.tmp <<'END'\n{json.dumps(static)}\nEND\n"
                     "mv /etc/kubernetes/static.tmp /etc/kubernetes/manifests/static.yaml")  # fmt: skip
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE, "labels": labels}}
    place.kubectl("apply", "-f", "-", manifest=namespace)
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [place.node.name]}]}
    here = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": term}]}
    template = {"metadata": {"labels": {"app": "moves"}}, "spec": pod_spec("exec sleep 654321")}
    template["spec"]["affinity"] = {"nodeAffinity": here}
    selector = {"matchLabels": {"app": "moves"}}
    place.apply("policy/v1", "PodDisruptionBudget", "moves", {"minAvailable": 2, "selector": selector})
    place.apply("apps/v1", "Deployment", "moves", {"replicas": 2, "selector": selector, "template": template})
    comes_true(
        lambda: (
            [(pod["spec"].get("nodeName"), pod["status"]["phase"]) for pod in place.pods("moves")]
            == [(place.node.name, "Running")] * 2
        ),
        "the deployment does not run on the test host",
    )


@pytest.fixture(scope="module")
def refused(joined: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """What the play did while the disruption budget allowed none of its pods to leave."""
    return joined.play(tmp_path_factory.mktemp("refused"), harden_drain_timeout="4s")


@dataclass(frozen=True)
class Hardened(Workplace):
    """The node after it was drained and hardened.

    Attributes:
        played: what the play did.
        moved: the deployment's pods before.
        pod: the address of the pod `web`, which runs on it.
    """

    played: Played
    moved: tuple[str, ...]
    pod: str


@pytest.fixture(scope="module")
def hardened(joined: Workplace, refused: Played, tmp_path_factory: pytest.TempPathFactory) -> Hardened:
    assert refused.code
    node = joined.node
    before = tuple(pod["metadata"]["name"] for pod in joined.pods("moves"))
    joined.kubectl("patch", "pdb", "moves", "-n", SPACE, "-p", '{"spec": {"minAvailable": 1}}')
    # For the role `certificates`: a key that others read, and a certificate that runs out.
    node.shell(
        "chmod 644 /var/lib/kubelet/pki/kubelet-client-2*.pem\n"
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -subj /CN=old"
        " -keyout /etc/kubernetes/pki/old.key -out /etc/kubernetes/pki/old.crt 2>/dev/null"
    )
    played = joined.play(tmp_path_factory.mktemp("hardened"), harden_drain_timeout="90s")
    assert played.code == 0, played.output[-4000:]
    node.shell(SIGNATURE)
    node.shell("rm /etc/kubernetes/pki/old.*")
    node.approve_serving()
    joined.run_here("web", pod_spec("cd /tmp; echo hello > index.html; echo web runs; exec httpd -f -p 8080"))
    comes_true(lambda: joined.phase("web") == "Running", "no pod runs on the hardened node")
    address = str(joined.get("pod", "web", "-n", SPACE)["status"]["podIP"])
    return Hardened(node, played, before, address)


def test_a_kubelet_joins_with_a_certificate_that_the_cluster_signed(joined: Workplace) -> None:
    found = joined.get("node", joined.node.name)
    assert found["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    assert "kwok.x-k8s.io/node" not in found["metadata"]["annotations"]
    requests = [one for one in joined.get("csr")["items"] if one["spec"]["username"].endswith(joined.node.name)]
    assert [one["spec"]["signerName"] for one in requests] == ["kubernetes.io/kube-apiserver-client-kubelet"]
    assert "certificate" in requests[0]["status"]


def test_a_static_pod_runs_as_a_process_of_the_host(joined: Workplace) -> None:
    name = f"static-{joined.node.name}"
    comes_true(
        lambda: joined.tried("get", "pod", name, "-o", "jsonpath={.status.phase}").stdout == "Running",
        "the static pod does not run",
    )
    assert joined.node.shell("pgrep --full --count 'sleep 654321'").strip() == "3"


def test_a_node_whose_pods_may_not_leave_is_told_and_left_as_it_was(joined: Workplace, refused: Played) -> None:
    assert refused.code
    assert "was not drained, and not hardened" in refused.output
    assert "disruption budget" in refused.output
    assert "unschedulable" not in joined.get("node", joined.node.name)["spec"]
    assert {pod["spec"]["nodeName"] for pod in joined.pods("moves")} == {joined.node.name}
    assert joined.node.shell("ls -d /etc/gdcc /etc/kubernetes/kubelet.conf.d 2>/dev/null || true") == ""


def test_the_play_moves_pods_by_eviction_hardens_and_lets_them_come_back(hardened: Hardened) -> None:
    name = hardened.node.name
    now = hardened.pods("moves")
    assert not {pod["metadata"]["name"] for pod in now} & set(hardened.moved)
    assert name not in {pod["spec"]["nodeName"] for pod in now}
    assert "unschedulable" not in hardened.get("node", name)["spec"]
    answers = [code for pod, code in _evictions(hardened) if pod in hardened.moved]
    assert answers.count(201) == 2
    assert answers.count(429) >= 2, "the budget has refused none"
    static = hardened.get("pod", f"static-{name}")["status"]["containerStatuses"][0]
    assert (static["restartCount"], static["ready"]) == (0, True), "hardening has restarted a pod that stayed"


def _evictions(place: Workplace) -> list[tuple[str, int]]:
    log = ClusterLayout.at(place.node.cluster.state).audit_log
    events = [json.loads(line) for line in log.read_text().splitlines() if f'"namespace":"{SPACE}"' in line]
    return [
        (event["objectRef"]["name"], event["responseStatus"]["code"])
        for event in events
        if event["objectRef"].get("subresource") == "eviction" and event["stage"] == "ResponseComplete"
    ]


def test_a_node_that_runs_kubernetes_fails_no_check(hardened: Hardened) -> None:
    seen = judged(host_of(hardened.node.lab.layout.inventory, hardened.node.name))
    assert {check: one.actual for check, one in seen.items() if one.state is State.FAIL} == {}


def test_the_certificates_role_mends_a_key_and_names_what_runs_out(hardened: Hardened) -> None:
    files = "/var/lib/kubelet/pki/*.pem /var/lib/kubelet/pki/*.key"
    modes = hardened.node.shell(f"stat -L -c '%a %U' {files}").splitlines()
    assert len(modes) >= 4
    assert all(mode.endswith("0 root") for mode in modes), modes
    assert "old.crt is valid for less than 30 days" in hardened.played.output
    assert "kubelet.crt is valid for less" not in hardened.played.output


def test_logs_and_commands_go_through_the_api_server_by_a_certificate_of_the_cluster(hardened: Hardened) -> None:
    assert hardened.kubectl("logs", "-n", SPACE, "web") == "web runs\n"
    assert hardened.kubectl("exec", "-n", SPACE, "web", "--", "wget", "-qO-", "http://127.0.0.1:8080") == "hello\n"
    assert hardened.kubectl("exec", "-n", SPACE, "web", "--", "cat", "/proc/1/status").count("Seccomp:\t2") == 1
    ask = "import ssl, urllib.request as r; r.urlopen('https://127.0.0.1:10250/pods', context={})"
    said = hardened.node.shell(f'python3 -c "{ask.format("ssl._create_unverified_context()")}" 2>&1 || true')
    assert "401" in said, "the kubelet lets in whoever has no name"


def test_a_node_reads_only_what_its_own_pods_need(hardened: Hardened) -> None:
    port = hardened.node.cluster.server.rsplit(":", 1)[1]
    script = (
        "import ssl, sys, urllib.error, urllib.request as r\n"
        "context = ssl.create_default_context(cafile='/etc/kubernetes/pki/ca.crt')\n"
        "context.load_cert_chain('/var/lib/kubelet/pki/kubelet-client-current.pem')\n"
        f"for path in ('nodes/{hardened.node.name}', 'nodes/gdcc-node-1', 'secrets'):\n"
        "    try:\n"
        f"        print(r.urlopen('https://kubernetes:{port}/api/v1/' + path, context=context).status)\n"
        "    except urllib.error.HTTPError as error:\n"
        "        print(error.code)\n"
    )
    assert hardened.node.shell(f"python3 - <<'END'\n{script}END").split() == ["200", "403", "403"]


@pytest.fixture(scope="module")
def neighbour(hardened: Hardened) -> Iterator[Neighbour]:
    with beside(hardened.node.host) as found:
        yield found


@pytest.fixture(scope="module")
def outside(hardened: Hardened) -> Iterator[int]:
    """The port of somebody outside the cluster, who tells callers their own address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"you are {self.client_address[0]}\n".encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Nothing is worth a line."""

    server = ThreadingHTTPServer((hardened.node.host.address.ours, 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Probes:
    """What works on a node whose pods run; each a new connection.

    Attributes:
        place: the node.
        neighbour: another node.
        port: of somebody outside.
    """

    place: Hardened
    neighbour: Neighbour
    port: int

    def to_the_outside(self) -> bool:
        ours = self.place.node.host.address.ours
        ask = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {ours} {self.port}"
        done = self.place.tried("exec", "-n", SPACE, "web", "--", "sh", "-c", ask)
        return f"you are {self.place.node.host.address.host}" in done.stdout

    def by_the_tunnel(self) -> bool:
        return "hello" in self.neighbour.hears(self.place.pod)

    def there_by_the_cable_and_back_by_the_tunnel(self) -> bool:
        with self.neighbour.sending_by_the_cable(self.place.pod):
            return "hello" in self.neighbour.hears(self.place.pod)

    def to_the_kubelet(self) -> bool:
        # Not by asking for logs: the API server keeps a connection open, and what is open goes on.
        try:
            with socket.create_connection((self.place.node.host.address.host, 10250), 2):
                return True
        except OSError:
            return False

    def a_program_in_a_volume(self) -> bool:
        name = f"run-{time.monotonic_ns()}"
        volume = {"volumes": [{"name": "work", "emptyDir": {}}], "restartPolicy": "Never"}
        spec = pod_spec("cp /bin/busybox /volume && exec /volume/busybox true", **volume)
        spec["containers"][0]["volumeMounts"] = [{"name": "work", "mountPath": "/volume"}]
        self.place.run_here(name, spec)
        comes_true(lambda: self.place.phase(name) in ("Succeeded", "Failed"), f"{name} does not end")
        phase = self.place.phase(name)
        self.place.kubectl("delete", "pod", name, "-n", SPACE, "--wait=false")
        return phase == "Succeeded"


@pytest.fixture(scope="module")
def probes(hardened: Hardened, neighbour: Neighbour, outside: int) -> Probes:
    return Probes(hardened, neighbour, outside)


RULES = "/etc/gdcc/firewall.nft"
NAIVE: dict[str, tuple[str, str, Callable[[Probes], bool]]] = {
    "forwarding off (CIS 3.3.1)": (
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.ip_forward=1",
        Probes.to_the_outside,
    ),
    "strict reverse paths everywhere (CIS 3.3.7)": (
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
        "sysctl -qw net.ipv4.conf.all.rp_filter=0",
        Probes.there_by_the_cable_and_back_by_the_tunnel,
    ),
    "a firewall without the CNI's port": (
        f"sed 's/8472/8473/' {RULES} | nft -f -",
        f"nft -f {RULES}",
        Probes.by_the_tunnel,
    ),
    "a firewall without the kubelet's port": (
        f"sed 's/10250/10251/' {RULES} | nft -f -",
        f"nft -f {RULES}",
        Probes.to_the_kubelet,
    ),
    "a firewall that drops what is forwarded": (
        "nft 'table inet naive { chain forward { type filter hook forward priority 0; policy drop; }; }'",
        "nft delete table inet naive",
        Probes.to_the_outside,
    ),
    "iptables flushed before rules of one's own": (
        "iptables-save > /run/rules; iptables -F; iptables -t nat -F",
        "iptables-restore < /run/rules",
        Probes.to_the_outside,
    ),
    "nftables.service of Debian, stopped": (
        "iptables-save > /run/rules; nft flush ruleset",
        f"iptables-restore < /run/rules; nft -f {RULES}",
        Probes.to_the_outside,
    ),
    "noexec on /var/lib/kubelet": (
        "mount -o remount,bind,noexec /var/lib/kubelet",
        "mount -o remount,bind,exec /var/lib/kubelet",
        Probes.a_program_in_a_volume,
    ),
}
"""What breaks a node: how it is set by hand, how it is mended, and what of a workload shows it."""


@pytest.mark.parametrize("name", NAIVE)
def test_a_naive_setting_breaks_a_workload_that_the_baseline_leaves_alone(probes: Probes, name: str) -> None:
    undo, mend, works = NAIVE[name]
    comes_true(lambda: works(probes), "it does not work on the hardened node")
    probes.place.node.shell(undo)
    try:
        assert not works(probes), "it still works"
    finally:
        probes.place.node.shell(mend)
    comes_true(lambda: works(probes), "it is not mended")


def test_a_restart_of_the_firewall_breaks_nothing(probes: Probes) -> None:
    probes.place.node.shell("systemctl restart gdcc-firewall.service")
    assert probes.to_the_outside()
    assert probes.by_the_tunnel()
    assert probes.to_the_kubelet()


def test_the_kubelet_dies_of_its_protected_kernel_values_unless_they_are_set_before(hardened: Hardened) -> None:
    node, value = hardened.node, "/proc/sys/vm/overcommit_memory"
    since = node.shell("date +%s").strip()
    node.shell("echo 0 > /run/gdcc-kernel/vm.overcommit_memory; systemctl restart kubelet")
    try:
        journal = f"journalctl --unit kubelet --since @{since} --no-pager --output cat"
        comes_true(lambda: "invalid kernel flag: vm/overcommit_memory" in node.shell(journal), "the kubelet goes on")
        assert node.shell(f"cat {value}").strip() == "0", "the kubelet has set what it may only look at"
        comes_true(lambda: node.shell("systemctl show kubelet -P NRestarts").strip() != "0", "it has not died")
    finally:
        node.shell("echo 1 > /run/gdcc-kernel/vm.overcommit_memory; systemctl restart kubelet")
    renewed = _lease(hardened)
    comes_true(lambda: _lease(hardened) != renewed, "the kubelet does not report again")


def _lease(place: Workplace) -> str:
    return str(place.get("lease", place.node.name, "-n", "kube-node-lease")["spec"]["renewTime"])


def test_after_a_reboot_the_hardened_node_runs_its_pods_again(hardened: Hardened) -> None:
    node, name = hardened.node, f"static-{hardened.node.name}"

    def container() -> str:
        status = hardened.get("pod", name)["status"]["containerStatuses"][0]
        return str(status["containerID"]) if "running" in status["state"] else ""

    before, renewed = container(), _lease(hardened)
    node.lab.reboot(node.host)
    comes_true(lambda: _lease(hardened) != renewed and node.ready(), "the node does not come back")
    comes_true(lambda: container() not in ("", before), "the static pod does not come back")
    assert hardened.kubectl("logs", name) == "static pod runs\n"


def test_pods_of_the_node_have_addresses_of_its_range(hardened: Hardened) -> None:
    assert hardened.pod.rsplit(".", 1)[0] == PODS.rsplit(".", 1)[0]
