"""Names can always be resolved, by the cluster's own resolvers and by nobody else."""

from __future__ import annotations

from collections.abc import Iterable

from gdcc.network.policy import Json, namespace_named, spec

_NAMESPACE = "kube-system"
_PODS = {"k8s-app": "kube-dns"}
"""The cluster's own resolvers; CoreDNS carries this label too, for compatibility."""
_PORT = 53


def dns_spec() -> Json:
    """The spec of ``allow-dns``."""
    ports = [{"port": _PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return spec(egress=[{"to": [namespace_named(_NAMESPACE, _PODS)], "ports": ports}])


def cilium_lookups(hosts: Iterable[str]) -> Json:
    """The rule that has Cilium read the answers for these names; without it a rule by name matches nothing."""
    resolvers = {"k8s:io.kubernetes.pod.namespace": _NAMESPACE} | {f"k8s:{key}": value for key, value in _PODS.items()}
    names = [{"matchName": host} for host in hosts]
    return {
        "toEndpoints": [{"matchLabels": resolvers}],
        "toPorts": [{"ports": [{"port": str(_PORT), "protocol": "ANY"}], "rules": {"dns": names}}],
    }
