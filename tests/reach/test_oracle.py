"""Held against cyclonus, pair by pair: at least 100,000 verdicts, all the same.

Where cyclonus 0.5.6 itself differs from Kubernetes, tools/cyclonus says the same thing in words that it reads
correctly; the last tests here show both differences, and hold our selectors against apimachinery's own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import chain
from random import Random, SystemRandom
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdcc.network import NetworkPolicy, inward, render
from gdcc.network.services import of_services, wires
from gdcc.reach.landscape import Landscape
from gdcc.reach.manifest import Node
from gdcc.reach.matrix import Pod
from gdcc.reach.selector import Selector

from .oracle import Oracle
from .worlds import World, labels, selector, world

SEED = int(os.environ.get("GDCC_TEST_SEED") or SystemRandom().randrange(2**32))
AT_LEAST = 100_000
OF_EACH_WORLD = 150


def disagreements(oracle: Oracle, world: World, traffic: list[dict[str, Any]]) -> tuple[Counter[bool], list[Any]]:
    """How often each verdict was given, and where the two differ."""
    matrix = world.matrix()
    told, differing = Counter[bool](), []
    for one, verdict in zip(traffic, oracle.allowed(world.question(), traffic), strict=True):
        source = world.end(one["source"], one["source_outside"])
        target = world.end(one["target"], one["target_outside"])
        ours = matrix.allows(source, target, one["protocol"], one["number"])
        told[ours] += 1
        if ours is not (verdict == "1"):
            differing.append(f"ours {ours}, cyclonus {verdict}: {source} -> {target} {one}")
    return told, differing


def test_cyclonus_agrees_on_100_000_pairs_of_random_worlds(oracle: Oracle) -> None:
    print(f"\nGDCC_TEST_SEED={SEED}")
    random, told, worlds = Random(SEED), Counter[bool](), 0
    while told.total() < AT_LEAST:
        made = world(random)
        counted, differing = disagreements(oracle, made, made.traffic(random, OF_EACH_WORLD))
        assert not differing, f"GDCC_TEST_SEED={SEED}, world {worlds}: {differing[0]}\n{made}"
        told, worlds = told + counted, worlds + 1
    print(f"cyclonus agrees on {told.total():,} pairs of {worlds} worlds: {told[True]:,} allowed, {told[False]:,} not")
    assert min(told.values()) > AT_LEAST / 5, f"one verdict is hardly ever given: {told}"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_cyclonus_agrees_on_worlds_that_hypothesis_looks_for(oracle: Oracle, random: Random) -> None:
    made = world(random)
    _, differing = disagreements(oracle, made, made.traffic(random, 60))
    assert not differing, differing[0]


def test_cyclonus_agrees_on_random_pairs_of_the_real_stacks(oracle: Oracle, landscape: Landscape) -> None:
    random, offered = Random(SEED), [*_services(landscape), "web"]
    namespaces = {name: dict(each.labels) for name, each in landscape.matrix.census.namespaces.items()}
    namespaces = {name: each | {"kubernetes.io/metadata.name": name} for name, each in namespaces.items()}
    policies = [
        {"metadata": {"name": one.name, "namespace": one.namespace}, "spec": one.spec}
        for one in _rendered(landscape)
        if one.kind == "NetworkPolicy"
    ]
    pods = [
        {"namespace": name, "labels": each, "address": "10.244.1.1", "ports": []}
        for name in namespaces
        for each in (
            {},
            {"k8s-app": "kube-dns"},
            *({"app.kubernetes.io/name": one} for one in (offered if name[:4] == "svc-" else [random.choice(offered)])),
        )
    ]
    outside = (
        "10.64.3.3",
        "10.80.1.1",
        "10.112.0.5",
        "10.113.0.9",
        "10.120.0.1",
        "8.8.8.8",
        "10.96.0.1",
        "169.254.169.254",
    )
    real = World(namespaces, pods, policies, outside)
    asked = _likely(real, landscape, random, 15_000)
    told, differing = disagreements(oracle, real, asked)
    print(f"\ncyclonus agrees on {told.total():,} pairs of the real stacks: {told[True]:,} allowed")
    assert not differing, differing[0]
    assert min(told.values()) > 1_000, f"one verdict is hardly ever given: {told}"


def _rendered(landscape: Landscape) -> Iterator[NetworkPolicy]:
    """Everything that was looked at: of tenants, at the gateway of the common services, and inside those."""
    estate = landscape.estate
    return chain(render(estate), inward(estate), *of_services(estate).values())


def _services(landscape: Landscape) -> list[str]:
    """Names that pods carry which some rule is about."""
    ends = {end.name for wire in wires([]) for end in (wire.start, wire.target)}
    return sorted(ends | {offer.name for tenant in landscape.estate.tenants for offer in tenant.request.offers})


def _likely(real: World, landscape: Landscape, random: Random, count: int) -> list[dict[str, Any]]:
    """Half of it between ends that some flow connects: of all pairs, hardly any two are connected."""
    by_namespace: dict[str, list[int]] = {"": [-1]}
    for index, pod in enumerate(real.pods):
        by_namespace.setdefault(pod["namespace"], []).append(index)
    asked = []
    for number in range(count):
        if number % 2:
            flow = random.choice(landscape.matrix.flows)
            source, target = (random.choice(sorted(side.names)) for side in (flow.source, flow.target))
        else:
            source, target = random.choice(list(by_namespace)), random.choice(list(by_namespace))
        one = {
            "source": random.choice(by_namespace[source]),
            "target": random.choice(by_namespace[target]),
            "source_outside": random.choice(real.outside),
            "target_outside": random.choice(real.outside),
            "protocol": random.choice(["TCP", "TCP", "UDP"]),
            "number": random.choice([53, 443, 8080, 8443, 5432]),
        }
        if one["source"] != one["target"]:
            asked.append(one)
    return asked


def test_a_pod_always_reaches_itself_which_cyclonus_leaves_to_the_policies(oracle: Oracle) -> None:
    deny = {"metadata": {"name": "deny", "namespace": "a"}, "spec": {"policyTypes": ["Ingress", "Egress"]}}
    pod = {"namespace": "a", "labels": {}, "address": "10.0.0.1", "ports": []}
    closed = World({"a": {}}, [pod], [deny], ())
    asked = {"source": 0, "target": 0, "protocol": "TCP", "number": 80}
    assert oracle.allowed(closed.question(), [asked]) == "0"
    alone = Pod("a", {}, ip_address("10.0.0.1"), name="pod-0")
    assert closed.matrix().allows(alone, alone, "TCP", 80)


def test_our_selectors_match_what_those_of_apimachinery_match(oracle: Oracle) -> None:
    random = Random(SEED)
    selectors, sets = [selector(random) for _ in range(500)], [labels(random) for _ in range(60)]
    answer = oracle.ask(selectors=selectors, labels=sets)["selected"]
    for one, row in zip(selectors, answer, strict=True):
        ours = Selector.read(Node(one, "selector: "))
        assert row == "".join(str(int(ours.matches(each))) for each in sets), f"GDCC_TEST_SEED={SEED}: {one}"


def test_cyclonus_alone_differs_where_a_label_is_absent(oracle: Oracle) -> None:
    """If this fails, cyclonus has been corrected and `desugar` in tools/cyclonus can go."""
    for wanted, cyclonus in (
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]}, "0"),
        ({"matchLabels": {"app": ""}}, "1"),
    ):
        rule = {"from": [{"podSelector": wanted}]}
        policy = {"metadata": {"name": "p", "namespace": "a"}, "spec": {"podSelector": {}, "ingress": [rule]}}
        addresses = ("10.0.0.1", "10.0.0.2")
        pods: list[Any] = [{"namespace": "a", "labels": {}, "address": one, "ports": []} for one in addresses]
        made = World({"a": {}}, pods, [policy], ())
        asked = [{"source": 0, "target": 1, "protocol": "TCP", "number": 80}]
        apimachinery = oracle.ask(selectors=[wanted], labels=[{}])["selected"][0]
        assert oracle.allowed(made.question(), asked, raw=True) == cyclonus != apimachinery
        assert oracle.allowed(made.question(), asked) == apimachinery
        assert not disagreements(oracle, made, [one | {"source_outside": "", "target_outside": ""} for one in asked])[1]
