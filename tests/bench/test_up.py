"""How fast an update is, beside `kubectl` doing the same work in the same run on the same machine."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from gdcc.cluster import Cluster, down, up
from gdcc.engine.api import Api
from gdcc.engine.operations import Operation
from gdcc.engine.program import Program

pytestmark = [pytest.mark.cluster, pytest.mark.bench]

TENANTS = 250


@pytest.fixture
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Cluster]]:
    """Makes control planes with nothing in them, so that neither side finds what the other left."""
    states: list[Path] = []

    def fresh() -> Cluster:
        states.append(tmp_path_factory.mktemp("bench"))
        return up(states[-1])

    yield fresh
    for state in states:
        down(state, purge=True)


def manifests(tenant: int) -> list[dict[str, Any]]:
    """Four objects of a tenant."""
    name = f"bench-{tenant}"
    rbac = "rbac.authorization.k8s.io"
    inside = {"namespace": name}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"gdcc.go.th/tenant": name}}},
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota", **inside},
            "spec": {"hard": {"requests.cpu": "4", "limits.memory": "8Gi", "pods": "20"}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "default-deny", **inside},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "viewer", **inside},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "view"},
            "subjects": [{"apiGroup": rbac, "kind": "Group", "name": f"gdcc:{name}:viewer"}],
        },
    ]


def program(tenants: int) -> Callable[[], None]:
    def run() -> None:
        for tenant in range(tenants):
            namespace, quota, policy, binding = manifests(tenant)
            home = k8s.core.v1.Namespace(f"ns-{tenant}", metadata=namespace["metadata"])
            inside = home.metadata.name
            k8s.core.v1.ResourceQuota(
                f"quota-{tenant}", metadata={"name": "quota", "namespace": inside}, spec=quota["spec"]
            )
            k8s.networking.v1.NetworkPolicy(
                f"deny-{tenant}", metadata={"name": "default-deny", "namespace": inside}, spec=policy["spec"]
            )
            k8s.rbac.v1.RoleBinding(
                f"viewer-{tenant}",
                metadata={"name": "viewer", "namespace": inside},
                role_ref=binding["roleRef"],
                subjects=binding["subjects"],
            )

    return run


def by_gdcc(cluster: Cluster, tenants: int, directory: Path) -> float:
    """Seconds that `up` takes in-process: plan and apply; the command's own start is not in it."""
    began = time.monotonic()
    config = {"kubernetes:context": cluster.context}
    operation = Operation(Program(directory, "bench", "test", config), None, cluster.kubeconfig, program(tenants))
    plan = operation.plan()
    if plan.changing:
        operation.carry_out(plan, operation.plan)
    return time.monotonic() - began


def by_kubectl(cluster: Cluster, tenants: int, directory: Path) -> float:
    """Seconds that `kubectl apply --server-side` takes for the same manifests."""
    items = [manifest for tenant in range(tenants) for manifest in manifests(tenant)]
    file = directory / "manifests.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    began = time.monotonic()
    kubectl = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    subprocess.run([*kubectl, "apply", "--server-side", "-f", str(file)], check=True, capture_output=True)
    return time.monotonic() - began


def test_an_update_from_empty_is_at_least_half_as_fast_as_kubectl_and_an_unchanged_one_writes_nothing(
    own_cluster: Callable[[], Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = own_cluster()
    objects = TENANTS * 4
    ours = by_gdcc(cluster, TENANTS, tmp_path)
    methods: list[str] = []
    request = Api.request

    def counted(self: Api, method: str, path: str, *more: Any, **options: Any) -> Any:
        methods.append(method)
        return request(self, method, path, *more, **options)

    monkeypatch.setattr(Api, "request", counted)
    unchanged = by_gdcc(cluster, TENANTS, tmp_path)
    assert set(methods) == {"GET"}
    theirs = by_kubectl(own_cluster(), TENANTS, tmp_path)
    print(
        f"\n{objects} objects from empty: gdcc up {ours:.1f} s ({objects / ours:.0f}/s), "
        f"kubectl apply --server-side {theirs:.1f} s ({objects / theirs:.0f}/s), ratio {theirs / ours:.2f}; "
        f"unchanged {unchanged:.1f} s"
    )
    assert theirs / ours >= 0.5


def test_the_cost_of_a_tenant_stays_flat_as_tenants_grow(own_cluster: Callable[[], Cluster], tmp_path: Path) -> None:
    few = by_gdcc(own_cluster(), TENANTS // 2, tmp_path)
    many = by_gdcc(own_cluster(), TENANTS * 2, tmp_path)
    print(f"\nfour times the tenants: {many / few:.2f} times the seconds ({few:.1f} s, {many:.1f} s)")
    assert many / few < 5.5
