"""A second opinion on what policies open, written without the renderer's code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from gdcc.network import NetworkPolicy

Labels = Mapping[str, str]


def carries(labels: Labels, selector: Mapping[str, Any]) -> bool:
    assert selector.keys() <= {"matchLabels"}, "this opinion knows no expressions"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def openings(
    policies: Iterable[NetworkPolicy], places: Mapping[str, Labels], direction: str
) -> Iterator[tuple[str, str, NetworkPolicy]]:
    """Each (namespace of the policy, namespace of the peer) that a rule of a direction opens."""
    key = {"egress": "to", "ingress": "from"}[direction]
    for policy in policies:
        for rule in policy.spec.get(direction, ()):
            assert rule[key], "a rule without a peer opens everything"
            for peer in rule[key]:
                assert peer, "an empty peer opens everything"
                if "namespaceSelector" in peer:
                    assert peer["namespaceSelector"].get("matchLabels"), "every namespace"
                    for name, labels in places.items():
                        if carries(labels, peer["namespaceSelector"]):
                            yield policy.namespace, name, policy
                elif "podSelector" in peer:
                    yield policy.namespace, policy.namespace, policy
                else:
                    assert peer.keys() == {"ipBlock"}


def blocks(policies: Iterable[NetworkPolicy]) -> Iterator[tuple[NetworkPolicy, Mapping[str, Any]]]:
    for policy in policies:
        for direction, key in (("egress", "to"), ("ingress", "from")):
            for rule in policy.spec.get(direction, ()):
                yield from ((policy, peer["ipBlock"]) for peer in rule[key] if "ipBlock" in peer)


def lets_through(block: Mapping[str, Any], address: str) -> bool:
    point = ip_address(address)
    return point in ip_network(block["cidr"]) and not any(point in ip_network(one) for one in block.get("except", ()))
