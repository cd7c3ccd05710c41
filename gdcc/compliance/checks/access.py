"""Checks of who is let in: anonymous requests, authorizers and plugins, profiling, and service-account tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gdcc.cluster.api import Endpoint, identified
from gdcc.cluster.config import HEALTH_PATHS
from gdcc.cluster.members import APISERVER, CONTROLLERS, SCHEDULER
from gdcc.cluster.pki import CLUSTER_CA
from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.parameters import parameters
from gdcc.compliance.checks.plane import Plane, on_plane
from gdcc.compliance.checks.see import Live, Stranger, cluster, few, on_cluster, verdict
from gdcc.compliance.evidence import State

CLOSED = ("/", "/api", "/api/v1/namespaces", "/apis", "/metrics", "/openapi/v2", "/version", "/debug/pprof/", "/logs/")
PLUGINS = ("NodeRestriction", "OwnerReferencesPermissionEnforcement")
DEFAULT_PLUGINS = (
    *("LimitRanger", "MutatingAdmissionPolicy", "NamespaceLifecycle", "PodSecurity", "ResourceQuota", "ServiceAccount"),
    "ValidatingAdmissionPolicy",
)
"""On by default, and the walls stand on them."""
_LEGACY = "kubernetes.io/service-account-token"
_SECONDS = 3600


@on_cluster("401 or 403 without credentials, but for health", "curl --cacert CA SERVER/version")
def anonymous_health_only(scene: Scene, live: Live) -> Iterator[Observation]:
    """Real requests without credentials."""
    nobody = Stranger(live.api)
    answers = {path: nobody.request("GET", path)[0] for path in (*HEALTH_PATHS, *CLOSED)}
    opened = [f"{path}: {answers[path]}" for path in CLOSED if answers[path] not in (401, 403)]
    yield verdict(
        not opened,
        cluster(scene, APISERVER),
        f"without credentials, 401 or 403 for {len(CLOSED)} paths; {', '.join(HEALTH_PATHS)} may answer",
        few(opened) or ", ".join(f"{path}: {status}" for path, status in answers.items()),
        f"curl --cacert CA {live.api.server}/version",
    )


@on_plane("Node and RBAC authorizers, and the plugins", "ps -o args -C kube-apiserver")
def authorizers_and_admission(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """The arguments of the running process."""
    modes = plane.flag("authorization-mode").split(",")
    structured = plane.file("authorization-config")
    if structured:
        modes = [each.get("type", "") for each in structured.get("authorizers") or ()]
    enabled = set(plane.flag("enable-admission-plugins").split(","))
    disabled = set(plane.flag("disable-admission-plugins").split(","))
    said = [f"no authorizer {mode}" for mode in ("Node", "RBAC") if mode not in modes]
    said += [f"the authorizer {mode} lets everybody in" for mode in ("AlwaysAllow", "ABAC") if mode in modes]
    said += [f"{plugin} is not enabled" for plugin in PLUGINS if plugin not in enabled or plugin in disabled]
    said += [f"{plugin} is disabled" for plugin in DEFAULT_PLUGINS if plugin in disabled]
    yield verdict(
        not said,
        cluster(scene, APISERVER),
        f"authorizers Node and RBAC; plugins {', '.join(PLUGINS)}; none disabled that the walls stand on",
        few(said) or f"authorizers {', '.join(modes)}; plugins {', '.join(sorted(enabled))}",
        "ps -o args -C kube-apiserver",
    )


@on_cluster("a node may not change another node", "kubectl label node OTHER a=b --dry-run=server --as system:node:NODE")
def node_restriction_effect(scene: Scene, live: Live) -> Iterator[Observation]:
    """A dry run in the name of one node on another; nothing is changed."""
    target = cluster(scene, APISERVER)
    nodes = sorted(each["metadata"]["name"] for each in live.every("v1", "Node"))
    expected = "403 for a node that changes another node, or reads a Secret that it does not use"
    command = "kubectl label node OTHER a=b --dry-run=server --as system:node:NODE --as-group system:nodes"
    if len(nodes) < 2:
        yield Observation(State.NOT_APPLICABLE, target, expected, f"{len(nodes)} nodes", command)
        return
    node = Stranger(live.api, f"system:node:{nodes[0]}", ("system:nodes", "system:authenticated"))
    body = json.dumps({"metadata": {"labels": {"gdcc-comply": "probe"}}}).encode()
    kind = "application/merge-patch+json"
    status, text = node.request("PATCH", f"/api/v1/nodes/{nodes[1]}?dryRun=All", body, kind)
    secret, _ = node.request("GET", "/api/v1/namespaces/kube-system/secrets/gdcc-comply-probe")
    if "impersonate" in text:
        yield Observation(State.NOT_RUN, target, expected, "these credentials may not ask as another user", command)
        return
    said = f"{nodes[0]} on {nodes[1]}: {status}; on a Secret: {secret}"
    yield verdict(status == 403 and secret == 403, target, expected, said, command)


@on_plane("profiling is off", "curl --cert admin.crt --key admin.key https://MEMBER/debug/pprof/")
def profiling_off(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """The answer to an administrator who asks for a profile."""
    known = identified(plane.layout.pki, CLUSTER_CA, "admin")
    for member in (APISERVER, CONTROLLERS, SCHEDULER):
        status, _ = Endpoint(plane.record.ports[member], known).request("GET", "/debug/pprof/")
        off = plane.flag("profiling", member) == "false"
        yield verdict(
            off and status in (403, 404),
            cluster(scene, member),
            "--profiling=false, and 404 for an administrator who asks for a profile",
            f"--profiling={plane.flag('profiling', member) or 'not set'}, answer {status}",
            f"curl --cacert ca.crt --cert admin.crt --key admin.key https://{member}/debug/pprof/",
        )


@on_cluster("no token without an end", f"kubectl get secrets -A --field-selector type={_LEGACY}")
def service_account_token_bounds(scene: Scene, live: Live) -> Iterator[Observation]:
    """No Secret holds a token that never ends, and the server bounds what it is asked for (by a dry run)."""
    hours = parameters(scene.root).service_account_token_hours
    served = live.api.request("GET", "/api/v1/secrets", {"fieldSelector": f"type={_LEGACY}", "limit": "50"})[1]
    lasting = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in served.get("items") or ()]
    yield verdict(
        not lasting,
        cluster(scene, "service-account-secrets"),
        "no Secret holds a service-account token that never ends",
        few(lasting) or "none",
        f"kubectl get secrets -A --field-selector type={_LEGACY}",
    )
    yield from _issued(scene, live, hours)


def _issued(scene: Scene, live: Live, hours: int) -> Iterator[Observation]:
    """What the server answers to a request for a token of ten years; a dry run issues none."""
    expected = f"a token of ten years that is asked for lasts {hours} hours at most"
    path = "/api/v1/namespaces/kube-system/serviceaccounts/default/token"
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": ["gdcc-comply"], "expirationSeconds": 10 * 365 * 24 * _SECONDS},
    }
    answer = live.api.request("POST", path, {"dryRun": "All"}, body)[1]
    seconds = int(answer["spec"]["expirationSeconds"])
    yield verdict(
        seconds <= hours * _SECONDS,
        cluster(scene, "service-account-tokens"),
        expected,
        f"{seconds / _SECONDS:.0f} hours",
        f"kubectl create --raw '{path}?dryRun=All' -f -",
    )


CHECKS = (
    Check("anonymous-health-only", anonymous_health_only),
    Check("authorizers-and-admission", authorizers_and_admission),
    Check("node-restriction-effect", node_restriction_effect),
    Check("profiling-off", profiling_off),
    Check("service-account-token-bounds", service_account_token_bounds),
)
