"""Small random worlds of namespaces, pods and policies that together use every feature of NetworkPolicy v1."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

from gdcc.reach.addresses import Address
from gdcc.reach.census import NAME_LABEL, Namespace
from gdcc.reach.matrix import Matrix, Pod
from gdcc.reach.policy import Policy

Json = dict[str, Any]

KEYS = {"app": ("web", "db", ""), "tier": ("a", "b"), "zone": ("gin", "net")}
NUMBERS = (53, 80, 443, 3868, 8080, 65535)
PROTOCOLS = ("TCP", "UDP", "SCTP")
NAMES = ("http", "dns", "api")
BLOCKS = (
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "10.1.2.3/32",
    "192.0.2.0/24",
    "0.0.0.0/0",
    "fd00::/8",
    "fd00:1::/32",
)
ADDRESSES = ("10.1.2.3", "10.1.2.200", "10.1.9.9", "10.9.9.9", "192.0.2.7", "203.0.113.1", "fd00:1::7", "fd00:2::7")
EVERY_ADDRESS = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(frozen=True)
class World:
    """One world in the oracle's words and in ours."""

    namespaces: dict[str, dict[str, str]]
    pods: list[Json]
    policies: list[Json]
    outside: tuple[str, ...]

    def question(self) -> Json:
        return {"namespaces": self.namespaces, "pods": self.pods, "policies": self.policies}

    def matrix(self) -> Matrix:
        known = [Namespace(name, labels) for name, labels in self.namespaces.items()]
        return Matrix(known, map(Policy.read, self.policies), EVERY_ADDRESS)

    def end(self, index: int, outside: str) -> Pod | Address:
        if index < 0:
            return ip_address(outside)
        pod = self.pods[index]
        ports = {port["name"]: (port["protocol"], port["number"]) for port in pod["ports"]}
        return Pod(pod["namespace"], pod["labels"], ip_address(pod["address"]), ports, f"pod-{index}")

    def traffic(self, random: Random, most: int) -> list[Json]:
        """Between every two ends, a sample of ports; never of a pod with itself, never between two outside."""
        ends = [(index, "") for index in range(len(self.pods))] + [(-1, address) for address in self.outside]
        asked = [
            {
                "source": source,
                "source_outside": source_outside,
                "target": target,
                "target_outside": target_outside,
                "protocol": protocol,
                "number": number,
            }
            for source, source_outside in ends
            for target, target_outside in ends
            if source != target
            for protocol in PROTOCOLS
            for number in NUMBERS
        ]
        return random.sample(asked, min(most, len(asked)))


def world(random: Random) -> World:
    """A world with up to five namespaces and ten policies."""
    namespaces = {
        name: labels(random) | {NAME_LABEL: name} for name in ("a", "b", "c", "d", "default")[: random.randint(2, 5)]
    }
    pods = [pod(random, name) for name in namespaces for _ in range(random.randint(1, 3))]
    policies = [policy(random, random.choice(list(namespaces)), f"p{index}") for index in range(random.randint(0, 10))]
    return World(namespaces, pods, policies, tuple(random.sample(ADDRESSES, 3)))


def labels(random: Random) -> dict[str, str]:
    return {key: random.choice(values) for key, values in KEYS.items() if random.random() < 0.6}


def pod(random: Random, namespace: str) -> Json:
    ports = [
        {"name": name, "protocol": random.choice(PROTOCOLS), "number": number}
        for name, number in zip(NAMES, random.sample(NUMBERS, len(NAMES)), strict=True)
        if random.random() < 0.7
    ]
    return {"namespace": namespace, "labels": labels(random), "address": random.choice(ADDRESSES), "ports": ports}


def policy(random: Random, namespace: str, name: str) -> Json:
    """Any policy that the API would take, with fields absent, null or empty where that is allowed."""
    spec: Json = {"podSelector": selector(random)}
    stated = random.choice([None, [], ["Ingress"], ["Egress"], ["Ingress", "Egress"], ["Egress", "Ingress"]])
    if stated is not None:
        spec["policyTypes"] = stated
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        match random.randrange(4):
            case 0:
                spec[direction] = random.choice([None, []])
            case 1 | 2:
                spec[direction] = [rule(random, peers) for _ in range(random.randint(1, 3))]
    metadata = {"name": name} if namespace == "default" else {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def rule(random: Random, peers: str) -> Json:
    made: Json = {}
    for field, make in ((peers, peer), ("ports", port)):
        match random.randrange(5):
            case 0:
                made[field] = random.choice([None, []])
            case 1 | 2 | 3:
                made[field] = [make(random) for _ in range(random.randint(1, 3))]
    return made


def peer(random: Random) -> Json:
    match random.randrange(4):
        case 0:
            cidr = random.choice(BLOCKS)
            holes = [one for one in BLOCKS if one != cidr and _inside(one, cidr) and random.random() < 0.5]
            return {"ipBlock": {"cidr": cidr} | ({"except": holes} if holes else {})}
        case 1:
            return {"podSelector": selector(random)} | random.choice([{}, {"namespaceSelector": None}])
        case 2:
            return {"namespaceSelector": namespace_selector(random)}
    return {"namespaceSelector": namespace_selector(random), "podSelector": selector(random)}


def _inside(inner: str, outer: str) -> bool:
    one, two = ip_network(inner), ip_network(outer)
    return one.version == two.version and one.subnet_of(two)  # type: ignore[arg-type]


def port(random: Random) -> Json:
    made: Json = {} if random.random() < 0.3 else {"protocol": random.choice(PROTOCOLS)}
    match random.randrange(5):
        case 0:
            pass
        case 1:
            made["port"] = random.choice(NAMES)
        case 2:
            first = random.choice(NUMBERS)
            made |= {"port": first, "endPort": random.randint(first, 65535)}
        case _:
            made["port"] = random.choice(NUMBERS)
    return made


def namespace_selector(random: Random) -> Json:
    if random.random() < 0.3:
        return {"matchLabels": {NAME_LABEL: random.choice("abcd")}}
    return selector(random)


def selector(random: Random) -> Json:
    made: Json = {}
    if random.random() < 0.4:
        key = random.choice(list(KEYS))
        made["matchLabels"] = {key: random.choice(KEYS[key])}
    if random.random() < 0.4:
        made["matchExpressions"] = [expression(random) for _ in range(random.randint(1, 2))]
    return made


def expression(random: Random) -> Json:
    key = random.choice(list(KEYS))
    operator = random.choice(["In", "NotIn", "Exists", "DoesNotExist"])
    made: Json = {"key": key, "operator": operator}
    if operator in ("In", "NotIn"):
        made["values"] = random.sample(KEYS[key], random.randint(1, len(KEYS[key])))
    return made
