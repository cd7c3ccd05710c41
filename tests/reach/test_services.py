"""The common services among each other, and to everybody else: proven, and a mistake in their rules is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gdcc.model import Estate
from gdcc.network import GATEWAY, NetworkPolicy
from gdcc.network.services import OPERATOR_NAMESPACE, of_services, wires
from gdcc.reach import Pod, check, survey
from gdcc.reach.landscape import Landscape

SPACES = ("svc-gateway", "svc-identity", "svc-notify", "svc-payment", "svc-esaraban")
Rules = dict[str, tuple[NetworkPolicy, ...]]


@pytest.fixture
def mistaken(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Rules], None]], list[str]]:
    """What is found once the rules of the common services are changed."""

    def found(change: Callable[[Rules], None]) -> list[str]:
        rules = of_services(estate)
        change(rules)
        monkeypatch.setattr("gdcc.reach.landscape.of_services", lambda *_: rules)
        return list(map(str, check(estate)))

    return found


def pod(namespace: str, name: str) -> Pod:
    return Pod(namespace, {"app.kubernetes.io/name": name})


def test_every_namespace_of_the_services_is_looked_at_and_every_pod_in_it_isolated(landscape: Landscape) -> None:
    assert landscape.services == set(SPACES)
    for name in SPACES:
        reached = {
            source for flow in landscape.matrix.flows if name in flow.target.names for source in flow.source.names
        }
        assert reached, name
        assert not reached & landscape.tenants or name == GATEWAY, "tenants come as far as the gateway"
        assert not landscape.matrix.between("", name), "nothing comes from outside the cluster"


def test_exactly_what_is_wired_is_open_between_pods_of_the_services(landscape: Landscape) -> None:
    """From the wires, without looking at a policy: every pair of pods, on every port that anything listens on."""
    wired = {(one.start, one.target, one.port) for one in wires([])}
    ends = {end for start, target, _ in wired for end in (start, target)}
    listening = {port for _, _, port in wired}
    asked, open_ = 0, 0
    for start in ends:
        for target in ends:
            for port in listening:
                allowed = landscape.matrix.allows(
                    pod(start.namespace, start.name), pod(target.namespace, target.name), "TCP", port
                )
                if start != target:
                    assert allowed is ((start, target, port) in wired), (start, target, port)
                    asked, open_ = asked + 1, open_ + allowed
    assert asked > 2_000
    assert open_ > 30


def test_one_service_reaches_another_only_where_its_file_says_that_it_depends_on_it(
    estate: Estate, landscape: Landscape
) -> None:
    spaces = {f"svc-{name.replace('-', '')}": name for name in ("identity", "notify", "payment", "e-saraban")}
    pairs = {
        (spaces[source], spaces[target])
        for source in spaces
        for target in spaces
        if source != target and landscape.matrix.between(source, target)
    }
    assert pairs == {("notify", "identity")}
    assert all(target in estate.services[source].depends_on for source, target in pairs)


def mend(rules: Rules, namespace: str, name: str, change: Callable[[Any], Any]) -> None:
    assert any(one.name == name for one in rules[namespace])
    rules[namespace] = tuple(
        replace(one, spec=change(one.spec)) if one.name == name else one for one in rules[namespace]
    )


def test_a_service_without_its_default_deny_is_found(mistaken: Callable[[Callable[[Rules], None]], list[str]]) -> None:
    def bare(rules: Rules) -> None:
        rules["svc-payment"] = ()

    told = mistaken(bare)
    assert any(one.startswith("no policy isolates ingress of pods in 1 namespaces of svc-payment") for one in told)
    assert any("nothing declares it" in one for one in told)


def test_a_rule_from_one_service_to_another_that_its_file_does_not_name_is_found(
    mistaken: Callable[[Callable[[Rules], None]], list[str]],
) -> None:
    """Both ends, as a wire that somebody adds: from payment into e-Saraban."""

    def wire(rules: Rules) -> None:
        out, into = rules["svc-payment"][2], rules["svc-esaraban"][2]
        for namespace, other, like, direction, peers in (
            ("svc-payment", "svc-esaraban", out, "egress", "to"),
            ("svc-esaraban", "svc-payment", into, "ingress", "from"),
        ):
            peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": other}}}
            rule = {peers: [peer], "ports": [{"port": 5432, "protocol": "TCP"}]}
            spec = {"podSelector": {}, "policyTypes": [direction.capitalize()], direction: [rule]}
            rules[namespace] = (*rules[namespace], replace(like, name="mistake", spec=spec, source="mistake.py"))

    (told,) = mistaken(wire)
    assert told.startswith("svc-payment → svc-esaraban on TCP 5432 is reachable, and nothing declares it")


def test_a_gateway_that_reaches_past_the_front_of_its_service_is_found(
    mistaken: Callable[[Callable[[Rules], None]], list[str]],
) -> None:
    def every_pod(rules: Rules) -> None:
        def any_peer(spec: Any) -> Any:
            (rule,) = spec["egress"]
            narrow = [{"namespaceSelector": peer["namespaceSelector"]} for peer in rule["to"]]
            return {**spec, "egress": [{"to": narrow}]}

        mend(rules, GATEWAY, "payment-to-payment-adapter-8080-out", any_peer)
        mend(rules, "svc-payment", "payment-to-payment-adapter-8080-in", lambda spec: {**spec, "podSelector": {}})

    told = mistaken(every_pod)
    assert told
    assert all(one.startswith("svc-gateway → svc-payment on TCP 8080") for one in told)


def test_the_way_to_the_kubernetes_api_leads_to_no_pod_of_a_tenant_or_service(landscape: Landscape) -> None:
    asking = pod("svc-identity", "credentials")
    flows = [flow for name in landscape.proven for flow in landscape.matrix.between("svc-identity", name)
             if flow.source.pods.matches(asking.labels) and name != "svc-identity"]  # fmt: skip
    assert not flows
    assert landscape.matrix.between("svc-identity", "")


def test_the_operator_of_databases_reaches_them_where_the_stack_has_it_and_only_them(estate: Estate) -> None:
    operated = replace(estate, operators=("cloudnative-pg",))
    assert check(operated) == []
    matrix = survey(operated).matrix
    for space in SPACES[1:]:
        (found,) = {str(flow.target.pods) for flow in matrix.between(OPERATOR_NAMESPACE, space)}
        assert found == "app.kubernetes.io/name=postgres"
    assert OPERATOR_NAMESPACE not in survey(estate).parties
