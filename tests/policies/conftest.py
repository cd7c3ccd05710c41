"""The real program with two agencies on the real API server, and those who write there."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from gdcc.cluster import Cluster
from policies.rules import RULES
from tests.checkout import REPOSITORY, Checkout
from tests.escape.attack import MERGE, STRATEGIC, Request
from tests.escape.identities import Actor, with_certificate
from tests.policies.examples import (
    EPHEMERAL,
    NAME,
    Example,
    container,
    examples,
    parameters,
    pod_spec,
    where,
    workload,
)

PODS = "/api/v1/namespaces/{}/pods"
_RBAC = "rbac.authorization.k8s.io"
_PATHS: Mapping[str, str] = {
    "Pod": PODS,
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Service": "/api/v1/namespaces/{}/services",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "Role": f"/apis/{_RBAC}/v1/namespaces/{{}}/roles",
    "RoleBinding": f"/apis/{_RBAC}/v1/namespaces/{{}}/rolebindings",
    "ClusterRole": f"/apis/{_RBAC}/v1/clusterroles",
    "Namespace": "/api/v1/namespaces",
}
_BY = {
    **dict.fromkeys(("Secret", "ServiceAccount", "Ingress"), "tenant-admin"),
    **dict.fromkeys(("ClusterRole", "DaemonSet", "Role", "RoleBinding", "Namespace"), "deployer"),
}
"""Who writes a kind; all others a developer. What no tenant may write, a deployer does who may do everything."""


@dataclass(frozen=True)
class Told:
    """What the API server said of an object, tried by a dry run.

    Attributes:
        stored: the object with its defaults; None when it is refused.
        warnings: what it warned of.
    """

    stored: dict[str, Any] | None
    message: str
    warnings: str


class Ground:
    """Where examples are tried."""

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self.actors = actors

    def tries(self, kind: str) -> bool:
        return kind in _PATHS

    def try_out(self, manifest: Mapping[str, Any]) -> Told:
        """Create an object by a dry run, or bring a container for debugging to a pod that runs."""
        kind, namespace = manifest["kind"], manifest["metadata"].get("namespace", "")
        actor, path = self.actors[_BY.get(kind, "developer")], _PATHS[kind].format(namespace)
        if kind == "Pod" and EPHEMERAL in manifest["spec"]:
            body = {"spec": {EPHEMERAL: manifest["spec"][EPHEMERAL]}}
            return self._send(actor, "PATCH", f"{path}/{NAME}-runs/ephemeralcontainers", body, STRATEGIC)
        return self._send(actor, "POST", path, manifest, "application/json")

    def _send(self, actor: Actor, method: str, path: str, body: Mapping[str, Any], content_type: str) -> Told:
        answer = actor.pool.request(
            method,
            f"{actor.server}{path}?dryRun=All",
            body=json.dumps(body),
            headers={"Content-Type": content_type, **actor.headers},
            retries=False,
        )
        told = json.loads(answer.data)
        warnings = "\n".join(answer.headers.getlist("Warning")).encode("latin-1").decode("utf-8")
        if answer.status < 300:
            return Told(told, "", warnings)
        return Told(None, str(told.get("message", "")), warnings)

    @contextlib.contextmanager
    def binding(self, wall: str, actions: list[str]) -> Iterator[None]:
        """Inside, a wall does something else."""
        path = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/gdcc-{wall}"
        administrator = self.actors["administrator"]
        before = administrator.call(Request("GET", path))["spec"]["validationActions"]
        administrator.call(Request("PATCH", path, {"spec": {"validationActions": actions}}, MERGE))
        try:
            yield
        finally:
            administrator.call(Request("PATCH", path, {"spec": {"validationActions": before}}, MERGE))

    def until_refused(self, example: Example) -> None:
        """Walls hold about a second after they come."""
        deadline = time.monotonic() + 20
        while self.try_out(example.manifest).stored is not None:
            assert time.monotonic() < deadline, f"{example.id} is never refused"
            time.sleep(0.2)


@pytest.fixture(scope="package")
def program(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The program with its policy pack, applied; destroyed at the end."""
    made = Checkout.make(tmp_path_factory.mktemp("policies"), "moph/ddc", "moph/dms", project="policies")
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    (made.root / "policies").symlink_to(REPOSITORY / "policies")
    made.gdcc("up", "--yes")
    yield made
    made.gdcc("destroy", "--yes")


@pytest.fixture(scope="package")
def ground(cluster: Cluster, program: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Who writes there, and a pod that runs in each environment."""
    folder = tmp_path_factory.mktemp("identities")
    actors = {
        "developer": with_certificate(cluster, folder, "malee", "gdcc:ddc:developer"),
        "tenant-admin": with_certificate(cluster, folder, "somchai", "gdcc:ddc:tenant-admin"),
        # RBAC lets the group of masters do anything; no wall knows it.
        "deployer": with_certificate(cluster, folder, "policies", "gdcc:platform:deployer", "system:masters"),
        "administrator": with_certificate(cluster, folder, "policies", "gdcc:cluster-admin"),
    }
    administrator = actors["administrator"]
    running = workload("Pod", {**pod_spec(), "containers": [container("app")]}, where("dev"))
    running["metadata"]["name"] = f"{NAME}-runs"
    pods = PODS.format(where("dev"))
    actors["developer"].call(Request("POST", pods, running))
    made = Ground(actors)
    for example in _one_for_each_wall():
        made.until_refused(example)
    yield made
    administrator.call(Request("DELETE", f"{pods}/{NAME}-runs", {"gracePeriodSeconds": 0}))


def _one_for_each_wall() -> Iterator[Example]:
    rules = {rule.id: rule for rule in RULES if rule.walls and not rule.only_stored and rule.denies(parameters())}
    for name in rules:
        yield next(each for each in examples() if each.rule == name and each.path and not each.stored)
