"""A network policy as a value, and the few phrases that every rule is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gdcc.model.traffic import Port
from gdcc.network.namespaces import NAME_LABEL

Kind = Literal["NetworkPolicy", "CiliumNetworkPolicy"]
Json = dict[str, Any]

API_VERSIONS: Mapping[Kind, str] = {"NetworkPolicy": "networking.k8s.io/v1", "CiliumNetworkPolicy": "cilium.io/v2"}
SERVICE_LABEL = "app.kubernetes.io/name"
"""What the pods of an offered service carry; its value is the service's name."""


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """One object of the cluster, before anything is applied."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    spec: Json
    """As the Kubernetes API writes it. Policies that say the same share one: read it, never change it."""
    source: str
    """The file, and the part of it, that this follows from."""
    kind: Kind = "NetworkPolicy"

    @property
    def api_version(self) -> str:
        """Group and version of its kind."""
        return API_VERSIONS[self.kind]


def spec(pods: Json | None = None, *, ingress: Sequence[Json] = (), egress: Sequence[Json] = ()) -> Json:
    """The spec of a policy that opens these rules; a direction without a rule is left to ``default-deny``.

    Args:
        pods: labels of the pods that it is about; every pod of the namespace by default.
        ingress: rules with ``from``.
        egress: rules with ``to``.
    """
    rules: Json = {}
    if ingress:
        rules["ingress"] = list(ingress)
    if egress:
        rules["egress"] = list(egress)
    selector = {"matchLabels": pods} if pods else {}
    return {"podSelector": selector, "policyTypes": [name.capitalize() for name in rules], **rules}


def ports(opened: Iterable[Port]) -> list[Json]:
    """The ports of a rule."""
    return [{"port": one.port, "protocol": one.protocol} for one in opened]


def namespaces_with(labels: Mapping[str, str], pods: Mapping[str, str] | None = None) -> Json:
    """A peer: the pods of the namespaces that carry all these labels, or those of them with labels of their own."""
    peer: Json = {"namespaceSelector": {"matchLabels": dict(labels)}}
    return peer | {"podSelector": {"matchLabels": dict(pods)}} if pods else peer


def namespace_named(name: str, pods: Mapping[str, str] | None = None) -> Json:
    """A peer: the pods of one namespace."""
    return namespaces_with({NAME_LABEL: name}, pods)
