"""What tenants asked to reach outside the cloud: ranges in a NetworkPolicy, host names where Cilium follows them."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.model import Estate
from gdcc.model.traffic import Egress
from gdcc.network.blocks import ip_blocks
from gdcc.network.dns import cilium_lookups
from gdcc.network.namespaces import Namespace, identity
from gdcc.network.policy import Json, NetworkPolicy, ports, spec


def outside(namespace: Namespace, estate: Estate) -> Iterator[NetworkPolicy]:
    """``allow-outside`` for ranges and ``allow-outside-hosts`` for names, each of what has not expired."""
    tenant = namespace.tenant
    asked = [one for one in tenant.request.egress if one.open_on(estate.today)]
    labels, source = identity(tenant, namespace.environment), f"{tenant.source}: egress"
    ranges = [rule for one in asked if one.cidr is not None and (rule := _range_rule(one, one.cidr, estate))]
    if ranges:
        yield NetworkPolicy("allow-outside", namespace.name, labels, spec(egress=ranges), source)
    hosts = [one for one in asked if one.host is not None]
    if hosts and estate.network_engine == "cilium":
        rules = _host_rules(hosts, estate)
        yield NetworkPolicy("allow-outside-hosts", namespace.name, labels, rules, source, "CiliumNetworkPolicy")


def _range_rule(asked: Egress, cidr: str, estate: Estate) -> Json | None:
    peers = list(ip_blocks([cidr], estate.protected))
    return {"to": peers, "ports": ports(asked.ports)} if peers else None


def _host_rules(asked: list[Egress], estate: Estate) -> Json:
    """Rules by name (https://docs.cilium.io/en/stable/security/policy/language/#dns-based).

    Whoever owns a name decides what it resolves to, so the cluster itself is denied here as well: in Cilium a denial
    wins over every permission.
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
    return {"endpointSelector": {}, "egress": [lookups, *opened], "egressDeny": denied}
