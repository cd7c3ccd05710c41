"""What tenants asked to reach outside the cloud: ranges in a NetworkPolicy, host names where Cilium follows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gdcc.model import Estate
from gdcc.model.traffic import Destination
from gdcc.network.blocks import ip_blocks
from gdcc.network.dns import cilium_lookups
from gdcc.network.namespaces import Namespace, identity
from gdcc.network.policy import Json, NetworkPolicy, ports, spec


def outside(namespace: Namespace, estate: Estate) -> Iterator[NetworkPolicy]:
    """``allow-outside`` for ranges and ``allow-outside-hosts`` for names, each of what has not expired."""
    tenant = namespace.tenant
    asked = [one for one in tenant.request.egress if one.open_on(estate.today)]
    labels, source = identity(tenant, namespace.environment), f"{tenant.source}: egress"
    if ranges := range_rules(asked, estate):
        yield NetworkPolicy("allow-outside", namespace.name, labels, spec(egress=ranges), source)
    hosts = [one for one in asked if one.host is not None]
    if hosts and estate.network_engine == "cilium":
        rules = host_rules(hosts, estate)
        yield NetworkPolicy("allow-outside-hosts", namespace.name, labels, rules, source, "CiliumNetworkPolicy")


def range_rules(asked: Iterable[Destination], estate: Estate) -> list[Json]:
    """The rules for those that are ranges, without what no rule may open."""
    ranges = [(one, list(ip_blocks([one.cidr], estate.protected))) for one in asked if one.cidr is not None]
    return [{"to": peers, "ports": ports(one.ports)} for one, peers in ranges if peers]


def host_rules(asked: Sequence[Destination], estate: Estate, pods: Mapping[str, str] | None = None) -> Json:
    """Rules by name (https://docs.cilium.io/en/stable/security/policy/language/#dns-based).

    Whoever owns a name decides what it resolves to, so the cluster itself is denied here as well: in Cilium a denial
    wins over every permission.

    Args:
        asked: those that are hosts.
        estate: says what is protected.
        pods: labels of the pods that it is about; every pod of the namespace by default.
    """
    lookups = cilium_lookups([one.host for one in asked if one.host])
    opened = [
        {
            "toFQDNs": [{"matchName": one.host}],
            "toPorts": [{"ports": [{"port": str(port.port), "protocol": port.protocol} for port in one.ports]}],
        }
        for one in asked
    ]
    denied = [{"toEntities": ["kube-apiserver", "host", "remote-node"]}, {"toCIDR": list(estate.protected)}]
    selector = {"matchLabels": dict(pods)} if pods else {}
    return {"endpointSelector": selector, "egress": [lookups, *opened], "egressDeny": denied}
