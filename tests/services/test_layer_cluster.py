"""The layer `services` on the real API server: refused, admitted, seen by the live checks, applied by a deployer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.platform import group_of
from gdcc.cluster import Cluster
from gdcc.compliance.check import Observation, Scene
from gdcc.compliance.evidence import State
from gdcc.compliance.scene import scene_of
from gdcc.engine.api import connect
from policies.live import CHECKS
from tests.checkout import Checkout
from tests.escape.attack import MERGE, Request
from tests.escape.identities import Actor, with_certificate
from tests.waiting import until

pytestmark = pytest.mark.cluster
SPACES = ("svc-gateway", "svc-identity", "svc-notify", "svc-payment", "svc-esaraban")
PATIENCE = 90
"""Seconds for the controllers to make every pod."""
CHECKS_OF_SERVICES = {
    *("pod-security-restricted", "host-isolation", "non-root", "seccomp", "read-only-root", "resource-limits"),
    *("image-sources", "default-deny", "token-mounts", "protected-labels"),
}
_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


@pytest.fixture(scope="module")
def administrator(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Actor:
    return with_certificate(cluster, tmp_path_factory.mktemp("identities"), "layers", "gdcc:cluster-admin")


@pytest.fixture(scope="module")
def layer(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """One agency and the common services, applied by an administrator, who installs the platform's roles with them."""
    root = tmp_path_factory.mktemp("layer")
    made = Checkout.make(root, "moph/ddc", project="layer", services=True)
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    made.gdcc("up", "--yes")
    yield made
    made.destroy()


def look(layer: Checkout, cluster: Cluster, *names: str) -> dict[str, list[Observation]]:
    made = scene_of(layer.root, "local")
    scene = Scene(made.root, made.stack, made.estate, made.render, connect(cluster.kubeconfig))
    return {check.id: list(check.look(scene)) for check in CHECKS if not names or check.id in names}


def of_services(seen: list[Observation], state: State) -> set[str]:
    return {one.target.name for one in seen if one.state is state and "svc-" in one.target.name}


@contextlib.contextmanager
def without(administrator: Actor, path: str) -> Iterator[None]:
    kept = administrator.call(Request("GET", path))
    for field in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
        kept["metadata"].pop(field, None)
    administrator.call(Request("DELETE", path))
    try:
        yield
    finally:
        administrator.call(Request("POST", path.rpartition("/")[0], kept))


@contextlib.contextmanager
def labelled(administrator: Actor, namespace: str, label: str, value: str) -> Iterator[None]:
    path = f"/api/v1/namespaces/{namespace}"
    before = administrator.call(Request("GET", path))["metadata"]["labels"].get(label)
    administrator.call(Request("PATCH", path, {"metadata": {"labels": {label: value}}}, MERGE))
    try:
        yield
    finally:
        administrator.call(Request("PATCH", path, {"metadata": {"labels": {label: before}}}, MERGE))


@contextlib.contextmanager
def added(administrator: Actor, path: str, body: dict[str, Any]) -> Iterator[None]:
    administrator.call(Request("POST", path, body))
    try:
        yield
    finally:
        administrator.call(Request("DELETE", f"{path}/{body['metadata']['name']}", {"gracePeriodSeconds": 0}))


def _credential_in_kube_system() -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "strange"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "gdcc:credential:identity"},
        "subjects": [{"kind": "ServiceAccount", "name": "identity-sync", "namespace": "svc-identity"}],
    }


def _by_tag() -> dict[str, Any]:
    amount = {"cpu": "10m", "memory": "16Mi"}
    container = {
        "name": "app",
        "image": "docker.io/library/busybox:latest",
        "resources": {"limits": amount, "requests": amount},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"securityContext": security, "containers": [container], "automountServiceAccountToken": False}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "strange"}, "spec": spec}


Break = Callable[[Actor], contextlib.AbstractContextManager[None]]
BROKEN: dict[str, tuple[Break, dict[str, str]]] = {
    "a gateway that a zone would open": (
        lambda one: labelled(one, "svc-gateway", "gdcc.go.th/gateway", "true"),
        {"protected-labels": "svc-gateway"},
    ),
    "Pod Security let go": (
        lambda one: labelled(one, "svc-payment", "pod-security.kubernetes.io/enforce", "baseline"),
        {"protected-labels": "svc-payment"},
    ),
    "no default deny": (
        lambda one: without(one, "/apis/networking.k8s.io/v1/namespaces/svc-payment/networkpolicies/default-deny"),
        {"default-deny": "Namespace svc-payment"},
    ),
    "an image from elsewhere by its tag, which may write to its files": (
        lambda one: added(one, "/api/v1/namespaces/svc-notify/pods", _by_tag()),
        {"image-sources": "Pod svc-notify/strange", "read-only-root": "Pod svc-notify/strange"},
    ),
    "a role for credentials in kube-system": (
        lambda one: added(one, f"{_RBAC}/kube-system/rolebindings", _credential_in_kube_system()),
        {"no-wildcard": "RoleBinding kube-system/strange"},
    ),
}


def items(administrator: Actor, kind: str, space: str, group: str = "") -> list[dict[str, Any]]:
    root = f"/apis/{group}/v1" if group else "/api/v1"
    found: list[dict[str, Any]] = administrator.call(Request("GET", f"{root}/namespaces/{space}/{kind}"))["items"]
    return found


def test_without_digests_the_layer_is_refused_in_words_before_anything_is_made(
    cluster: Cluster, administrator: Actor, tmp_path: Path
) -> None:
    made = Checkout.make(tmp_path, "moph/ddc", project="refused", services=True)
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    settings = tmp_path / "stacks/Pulumi.local.yaml"
    settings.write_text(settings.read_text().replace("  gdcc:images: stand-in\n", ""))
    done = made.gdcc("up", "--yes", status=1)
    told = done.stdout + done.stderr
    assert "stacks/platform/images.yaml: no digest yet for `gdcc`, `envoy`" in told
    assert "take `services` out of gdcc:layers" in " ".join(told.split())
    records = items(administrator, "configmaps", "default")
    assert not [one for one in records if one["metadata"]["name"].startswith("refused.")]


def test_every_pod_of_the_common_services_is_admitted(layer: Checkout, administrator: Actor) -> None:
    wanted = {}
    for space in SPACES:
        labels = administrator.call(Request("GET", f"/api/v1/namespaces/{space}"))["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        for kind in ("deployments", "statefulsets"):
            wanted |= {(space, one["metadata"]["name"]): one["spec"]["replicas"]
                       for one in items(administrator, kind, space, "apps")}  # fmt: skip
    assert len(wanted) >= 15
    # A StatefulSet's next pod waits until the one before is ready, which one without a volume never is here.
    deadline, missing = time.monotonic() + PATIENCE, set(wanted)
    while missing and time.monotonic() < deadline:
        pods = [one["metadata"] for space in SPACES for one in items(administrator, "pods", space)]
        there = {(one["namespace"], one["labels"]["app.kubernetes.io/name"]) for one in pods}
        missing = set(wanted) - there
        time.sleep(0.5)
    refused = [one["message"] for space in SPACES for one in items(administrator, "events", space)
               if one["reason"] == "FailedCreate"]  # fmt: skip
    assert not missing, f"{missing}: {refused[:3]}"
    assert not refused
    assert not [one for space in SPACES for one in items(administrator, "secrets", space)]


def test_a_second_run_changes_nothing(layer: Checkout) -> None:
    done = layer.gdcc("preview", "--expect-no-changes")
    assert "would violate PodSecurity" not in done.stdout + done.stderr


def test_the_live_checks_look_into_every_namespace_of_the_services_and_find_nothing(
    layer: Checkout, cluster: Cluster
) -> None:
    seen = look(layer, cluster)
    failed = {f"{name}: {one}" for name, each in seen.items() for one in of_services(each, State.FAIL)}
    assert not failed
    for name in CHECKS_OF_SERVICES:
        assert of_services(seen[name], State.PASS) >= set(SPACES) - {"svc-gateway"}, name
    told = of_services(seen["no-wildcard"], State.PASS)
    assert {f"RoleBinding {space}/credentials" for space in SPACES[1:]} <= told


@pytest.mark.parametrize(("breaks", "red"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_in_a_service_turns_its_checks_red(
    layer: Checkout, cluster: Cluster, administrator: Actor, breaks: Break, red: dict[str, str]
) -> None:
    with breaks(administrator):
        seen = look(layer, cluster, *red)
    for name, target in red.items():
        assert [one.target.name for one in seen[name] if one.state is State.FAIL] == [target], name


def test_a_deployer_builds_the_whole_layer_anew_changes_it_and_takes_a_binding_away(
    layer: Checkout, cluster: Cluster, administrator: Actor, tmp_path: Path
) -> None:
    """With the roles that the administrator installed and no more: the real RBAC and every wall are asked."""
    for space in SPACES:
        administrator.call(Request("DELETE", f"/api/v1/namespaces/{space}"))
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/gdcc:credential:identity"
    administrator.call(Request("DELETE", role))
    left = [Request("GET", f"/api/v1/namespaces/{space}") for space in SPACES]
    until(lambda: not any(administrator.send(one).done for one in left), 120, "the end of the namespaces")
    deployer = _as_deployer(cluster, layer, tmp_path)
    deployer.gdcc("up", "--yes")
    assert administrator.send(Request("GET", role)).done
    for space in SPACES:
        assert administrator.send(Request("GET", f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies")).done
    file = layer.root / "stacks/agencies/moph/ddc.yaml"
    text = file.read_text()
    file.write_text(text.replace("  - notify\n", ""))
    assert file.read_text() != text
    deployer.gdcc("up", "--yes")
    bound = administrator.call(Request("GET", "/api/v1/namespaces/svc-gateway/configmaps/bindings-notify"))
    assert '"bindings":{}' in bound["data"]["bindings.json"]
    deployer.gdcc("preview", "--expect-no-changes")


def _as_deployer(cluster: Cluster, layer: Checkout, folder: Path) -> Checkout:
    with_certificate(cluster, folder, "deployer", group_of("deployer"))
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    pem = str(folder / "deployer-1.pem")
    config["users"][0]["user"] = {"client-certificate": pem, "client-key": pem}
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    return Checkout(layer.root, {"KUBECONFIG": str(folder / "kubeconfig")})
