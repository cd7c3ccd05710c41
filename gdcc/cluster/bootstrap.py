"""The first objects of a cluster: who may do what, and the nodes that exist only on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gdcc.cluster import pki
from gdcc.cluster.api import Endpoint

NODES = ("gdcc-node-1", "gdcc-node-2", "gdcc-node-3")
NODE_ANNOTATION = "kwok.x-k8s.io/node"
CAPACITY = {"cpu": "256", "memory": "1Ti", "ephemeral-storage": "4Ti", "pods": "5k"}
"""Of each node; what a whole country's tenants ask for in one test should find room."""

REGION = "th-bangkok-1"
"""An example, as all of these nodes are."""

CANARY = "gdcc-encryption-canary"
"""A Secret of `kube-system` without a secret in it: what etcd holds of it shows whether Secrets are sealed."""

_RBAC = "rbac.authorization.k8s.io"

LEASES = "kube-node-lease"
LEASE_SECONDS = 40
"""As a kubelet's; kwok renews after a quarter of it."""

_LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{LEASES}/leases"

# What kwok was seen to ask for in the audit log, and no more.
_KWOK_CLUSTER_RULES = (
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "delete"]},
    {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["patch"]},
)
_KWOK_LEASE_RULES = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "list", "watch", "update"]},
)


def grant(api: Endpoint) -> None:
    """Give administrators, kwok and who calls kubelets their rights; make the Secret that shows encryption at rest.

    Args:
        api: as a member of `system:masters`; nobody else may grant before this has run.
    """
    # The server makes this namespace too, but moments after it says it is ready.
    api.apply(f"/api/v1/namespaces/{LEASES}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LEASES}})
    kwok = {"kind": "User", "name": pki.KWOK_USER}
    _rule(api, "ClusterRole", pki.KWOK_USER, _KWOK_CLUSTER_RULES)
    _rule(api, "Role", pki.KWOK_USER, _KWOK_LEASE_RULES, LEASES)
    _bind(api, "ClusterRole", pki.KWOK_USER, kwok)
    _bind(api, "Role", pki.KWOK_USER, kwok, LEASES)
    _bind(api, "ClusterRole", "cluster-admin", {"kind": "Group", "name": pki.ADMIN_GROUP})
    _bind(api, "ClusterRole", "system:kubelet-api-admin", {"kind": "User", "name": pki.KUBELET_CLIENT_USER})
    system = "kube-system"
    api.apply(f"/api/v1/namespaces/{system}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": system}})
    canary = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": CANARY}, "stringData": {"canary": "nothing"}}
    api.apply(f"/api/v1/namespaces/{system}/secrets/{CANARY}", canary)


def create_nodes(api: Endpoint) -> None:
    """Register the nodes; they become Ready once kwok plays their kubelets.

    Args:
        api: as an administrator.
    """
    for number, name in enumerate(NODES, start=1):
        path = f"/api/v1/nodes/{name}"
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/region": REGION,
            "topology.kubernetes.io/zone": f"gdcc-zone-{number}",
        }
        metadata = {"name": name, "annotations": {NODE_ANNOTATION: "fake"}, "labels": labels}
        api.apply(path, _node(name, {"metadata": metadata}))
        api.apply(f"{path}/status", _node(name, {"status": {"capacity": CAPACITY, "allocatable": CAPACITY}}))


def release_nodes(api: Endpoint) -> None:
    """Drop the leases of a kwok that is gone; the next one would wait for each to run out before it plays the node.

    Args:
        api: as an administrator.
    """
    api.request("DELETE", _LEASE_PATH)


def beating(api: Endpoint) -> bool:
    """Whether kwok renews the leases it holds, if any yet; the only sign of life it gives."""
    beats = _heartbeats(api)
    return beats is not None and all(beats.values())


def ready_nodes(api: Endpoint) -> int:
    """How many of the nodes are Ready, and played by a kwok that lives."""
    listing = api.get("/api/v1/nodes") or {"items": []}
    beats = _heartbeats(api) or {}
    ready = {
        node["metadata"]["name"]
        for node in listing["items"]
        if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in _conditions(node))
    }
    return sum(name in ready and beats.get(name, False) for name in NODES)


def _heartbeats(api: Endpoint) -> dict[str, bool] | None:
    """By node of kwok's, whether its lease still runs; None when the API server does not say."""
    listing = api.get(_LEASE_PATH)
    if listing is None:
        return None
    oldest = datetime.now(UTC) - timedelta(seconds=LEASE_SECONDS)
    return {
        lease["metadata"]["name"]: datetime.fromisoformat(lease["spec"]["renewTime"]) > oldest
        for lease in listing["items"]
        if lease["metadata"]["name"] in NODES
    }


def _conditions(node: Mapping[str, Any]) -> list[dict[str, str]]:
    conditions: list[dict[str, str]] = node.get("status", {}).get("conditions", [])
    return conditions


def _node(name: str, contents: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, **contents}


def _rule(api: Endpoint, kind: str, name: str, rules: Sequence[Mapping[str, Any]], namespace: str = "") -> None:
    _apply_rbac(api, kind, {"name": name}, {"rules": list(rules)}, namespace)


def _bind(api: Endpoint, kind: str, role: str, subject: Mapping[str, str], namespace: str = "") -> None:
    reference = {"apiGroup": _RBAC, "kind": kind, "name": role}
    contents = {"roleRef": reference, "subjects": [{"apiGroup": _RBAC, **subject}]}
    _apply_rbac(api, f"{kind}Binding", {"name": subject["name"]}, contents, namespace)


def _apply_rbac(
    api: Endpoint, kind: str, metadata: Mapping[str, str], contents: Mapping[str, Any], namespace: str
) -> None:
    place = f"namespaces/{namespace}/" if namespace else ""
    path = f"/apis/{_RBAC}/v1/{place}{kind.lower()}s/{metadata['name']}"
    api.apply(path, {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": metadata, **contents})
