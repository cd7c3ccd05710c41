"""What may reach what inside the common services: each rule from one named pod to another, both ends written.

A connection needs a way out on one side and a way in on the other; `Wire` makes both, so that neither is forgotten.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from gdcc.model import Estate
from gdcc.model.traffic import Port
from gdcc.network import GATEWAY, NetworkPolicy
from gdcc.network.dns import dns_spec
from gdcc.network.policy import SERVICE_LABEL, Json, namespace_named, ports, spec

_API_PORTS = (Port(port=443), Port(port=6443))


@dataclass(frozen=True)
class End:
    """Pods of one name in one namespace."""

    namespace: str
    name: str

    @property
    def labels(self) -> dict[str, str]:
        """By which rules select them."""
        return {SERVICE_LABEL: self.name}


@dataclass(frozen=True)
class Wire:
    """A connection that is allowed."""

    start: End
    target: End
    port: int

    def policies(self) -> tuple[NetworkPolicy, NetworkPolicy]:
        """The way out, and the way in."""
        opened = ports([Port(port=self.port)])
        to, source = namespace_named(self.target.namespace, self.target.labels), "components/services"
        origin = namespace_named(self.start.namespace, self.start.labels)
        name = f"{self.start.name}-to-{self.target.name}-{self.port}"
        outward = spec(self.start.labels, egress=[{"to": [to], "ports": opened}])
        inward = spec(self.target.labels, ingress=[{"from": [origin], "ports": opened}])
        return (
            NetworkPolicy(f"{name}-out", self.start.namespace, {}, outward, source),
            NetworkPolicy(f"{name}-in", self.target.namespace, {}, inward, source),
        )


def policies(namespace: str, wires: Iterable[Wire], callers: Iterable[str], estate: Estate) -> list[NetworkPolicy]:
    """Those of one namespace: deny everything, resolve names, and what is wired.

    Args:
        namespace: whose.
        wires: of all services; those that neither begin nor end here are passed over.
        callers: names of pods here that ask the Kubernetes API.
        estate: says where that is.
    """
    source = "components/services"
    deny: Json = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    # In the gateway's namespace `gdcc.network.inward` denies what comes in; this one is about what goes out too.
    name = "default-deny-all" if namespace == GATEWAY else "default-deny"
    found = [
        NetworkPolicy(name, namespace, {}, deny, source),
        NetworkPolicy("allow-dns", namespace, {}, dns_spec(), source),
    ]
    found += [one for wire in wires for one in wire.policies() if one.namespace == namespace]
    return found + [_to_the_api(End(namespace, name), estate) for name in callers]


def _to_the_api(end: End, estate: Estate) -> NetworkPolicy:
    """Cilium knows the API server by itself; elsewhere its address is one of the cluster's own ranges."""
    name, source = f"{end.name}-to-kubernetes", "stacks/platform/zones.yaml: protected"
    if estate.network_engine == "cilium":
        rules: Json = {"endpointSelector": {"matchLabels": end.labels}, "egress": [{"toEntities": ["kube-apiserver"]}]}
        return NetworkPolicy(name, end.namespace, {}, rules, source, "CiliumNetworkPolicy")
    ranges = [one for one in estate.protected if not ipaddress.ip_network(one).is_link_local]
    peers = [{"ipBlock": {"cidr": one}} for one in ranges]
    rules = spec(end.labels, egress=[{"to": peers, "ports": ports(_API_PORTS)}])
    return NetworkPolicy(name, end.namespace, {}, rules, source)
