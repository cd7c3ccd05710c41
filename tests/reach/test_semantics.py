"""NetworkPolicy v1 as the API reference has it, one sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gdcc.errors import FindingError
from gdcc.reach import Matrix, Namespace, Pod, Policy

Json = dict[str, Any]

A = Pod("a", {"app": "web"}, ip_address("10.0.0.1"), name="a")
B = Pod("b", {"app": "db"}, ip_address("10.0.0.2"), {"sql": ("TCP", 5432)}, "b")
B2 = Pod("b", {}, ip_address("10.0.0.3"), {"sql": ("TCP", 15432)}, "b2")
OUTSIDE = ip_address("203.0.113.9")
OPEN: Json = {}


def made(namespace: str, **spec: Any) -> Policy:
    return Policy.read({"metadata": {"name": "p", "namespace": namespace}, "spec": {"podSelector": {}} | spec})


def matrix(*policies: Policy) -> Matrix:
    namespaces = [Namespace("a", {"zone": "gin"}), Namespace("b", {"zone": "net"}), Namespace("c")]
    return Matrix(namespaces, policies, [ip_network("10.0.0.0/8")])


def reaches(*policies: Policy, source: Any = A, target: Any = B, protocol: str = "TCP", number: int = 5432) -> bool:
    return matrix(*policies).allows(source, target, protocol, number)


def into_b(*rules: Json, **more: Any) -> Policy:
    return made("b", ingress=list(rules), **more)


def test_pods_that_no_policy_selects_are_open_both_ways() -> None:
    assert reaches()
    assert reaches(target=OUTSIDE)
    assert reaches(source=OUTSIDE, target=A)
    assert reaches(into_b(podSelector={"matchLabels": {"app": "web"}}))


def test_a_policy_isolates_only_the_pods_that_it_selects() -> None:
    policy = into_b(podSelector={"matchLabels": {"app": "db"}})
    assert not reaches(policy)
    assert reaches(policy, target=B2)


def test_no_rules_deny_and_an_empty_rule_opens_to_everybody() -> None:
    assert not reaches(into_b())
    assert not reaches(made("b", ingress=None))
    everybodies: list[Json] = [OPEN, {"from": []}, {"from": None, "ports": []}]
    for everybody in everybodies:
        assert reaches(into_b(everybody))
        assert reaches(into_b(everybody), source=OUTSIDE)


def test_types_that_are_not_stated_are_ingress_and_egress_if_it_has_rules() -> None:
    assert not reaches(made("b"))
    assert reaches(made("b"), source=B, target=A)
    assert reaches(made("b", egress=[]), source=B, target=A), "an empty list is no egress rule"
    assert not reaches(made("b", egress=[{"ports": [{"port": 1}]}]), source=B, target=A)
    assert not reaches(made("b", policyTypes=["Egress"]), source=B, target=A)
    assert reaches(made("b", policyTypes=["Egress"]))


def test_rules_of_a_direction_that_is_not_among_the_types_do_nothing() -> None:
    policy = made("b", policyTypes=["Ingress"], ingress=[OPEN], egress=[{"ports": [{"port": 1}]}])
    assert reaches(policy, source=B, target=A)


def test_a_pod_selector_alone_means_pods_of_the_policys_own_namespace() -> None:
    rule: Json = {"from": [{"podSelector": {}}]}
    assert not reaches(into_b(rule))
    assert reaches(into_b(rule), source=B2)


def test_a_namespace_selector_alone_means_every_pod_there() -> None:
    rule = {"from": [{"namespaceSelector": {"matchLabels": {"zone": "gin"}}}]}
    assert reaches(into_b(rule))
    assert not reaches(into_b(rule), source=B2)


def test_both_selectors_in_one_peer_must_match_and_two_peers_add_up() -> None:
    gin, db = {"namespaceSelector": {"matchLabels": {"zone": "gin"}}}, {"podSelector": {"matchLabels": {"app": "db"}}}
    assert not reaches(into_b({"from": [gin | db]}))
    assert reaches(into_b({"from": [gin, db]}))


def test_a_namespace_is_selected_by_the_name_that_the_api_server_puts_on_it() -> None:
    name = {"matchLabels": {"kubernetes.io/metadata.name": "a"}}
    assert reaches(into_b({"from": [{"namespaceSelector": name}]}))
    assert not reaches(into_b({"from": [{"namespaceSelector": name}]}), source=Pod("c"))


@pytest.mark.parametrize(
    ("operator", "values", "labels", "expected"),
    [
        ("In", ["web", "db"], {"app": "web"}, True),
        ("In", ["db"], {"app": "web"}, False),
        ("In", ["db"], {}, False),
        ("NotIn", ["db"], {"app": "web"}, True),
        ("NotIn", ["web"], {"app": "web"}, False),
        ("NotIn", ["web"], {}, True),
        ("Exists", [], {"app": ""}, True),
        ("Exists", [], {}, False),
        ("DoesNotExist", [], {}, True),
        ("DoesNotExist", [], {"app": "web"}, False),
    ],
)
def test_an_expression_matches_as_in_the_api(
    operator: str, values: list[str], labels: Mapping[str, str], expected: bool
) -> None:
    expression = {"key": "app", "operator": operator} | ({"values": values} if values else {})
    rule = {"from": [{"namespaceSelector": {}, "podSelector": {"matchExpressions": [expression]}}]}
    assert reaches(into_b(rule), source=Pod("a", labels)) is expected


def test_an_ip_block_leaves_out_its_exceptions_and_holds_pods_by_their_address() -> None:
    rule = {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.1/32"]}}]}
    assert not reaches(into_b(rule))
    assert reaches(into_b(rule), source=Pod("a", {}, ip_address("10.9.9.9")))
    assert not reaches(into_b(rule), source=OUTSIDE)
    assert not reaches(into_b({"from": [{"namespaceSelector": {}}]}), source=OUTSIDE)


def test_exceptions_that_together_hold_the_whole_block_leave_nothing() -> None:
    halves = {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/9", "10.128.0.0/9"]}}
    assert not matrix(into_b({"from": [halves]})).between("", "b")
    assert matrix(into_b({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]})).between("", "b")


def test_a_named_port_is_the_number_that_the_receiving_pod_gives_it() -> None:
    rule = {"ports": [{"port": "sql"}]}
    assert reaches(into_b(rule))
    assert not reaches(into_b(rule), target=B2)
    assert reaches(into_b(rule), target=B2, number=15432)
    outgoing = made("a", policyTypes=["Egress"], egress=[rule])
    assert reaches(outgoing, into_b({"ports": [{"port": 5000, "endPort": 6000}]}))
    assert not reaches(outgoing, target=OUTSIDE), "outside, nobody knows names"


def test_a_range_of_ports_holds_both_ends() -> None:
    policy = into_b({"ports": [{"port": 5432, "endPort": 5434}]})
    assert [reaches(policy, number=number) for number in (5431, 5432, 5434, 5435)] == [False, True, True, False]


def test_the_protocol_is_tcp_unless_stated_and_no_port_means_all_of_the_protocol() -> None:
    assert reaches(into_b({"ports": [{"port": 5432}]}))
    assert not reaches(into_b({"ports": [{"port": 5432}]}), protocol="UDP")
    assert reaches(into_b({"ports": [{"protocol": "SCTP"}]}), protocol="SCTP", number=1)
    assert not reaches(into_b({"ports": [{"protocol": "SCTP"}]}))


def test_both_sides_must_open_and_policies_add_up() -> None:
    out = made("a", policyTypes=["Egress"], egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": 5432}]}])
    closed = made("a", policyTypes=["Egress"])
    assert not reaches(closed)
    assert reaches(closed, out)
    assert not reaches(closed, out, into_b())
    assert reaches(closed, out, into_b(), into_b(OPEN))
    assert not reaches(closed, out, into_b(OPEN), number=80)


def test_a_pod_reaches_itself_whatever_the_policies_say_but_not_another_of_its_kind() -> None:
    deny = made("b", policyTypes=["Ingress", "Egress"])
    assert reaches(deny, source=B, target=B)
    assert not reaches(deny, source=B, target=Pod(B.namespace, B.labels, B.address, B.ports, "another"))


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"ingres": []}, "spec.ingres: unknown field"),
        ({"policyTypes": ["ingress"]}, "spec.policyTypes: `ingress` is neither"),
        ({"ingress": [{"from": [{}]}]}, "spec.ingress[0].from[0].podSelector: a peer needs"),
        ({"ingress": [{"to": []}]}, "spec.ingress[0].to: unknown field"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]}, "from[0].ipBlock: stands"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/40"}}]}]}, "from[0].ipBlock.cidr"),
        ({"ingress": [{"ports": [{"endPort": 90}]}]}, "ports[0].endPort: needs a port"),
        ({"ingress": [{"ports": [{"port": "sql", "endPort": 90}]}]}, "ports[0].endPort: needs a port number"),
        ({"ingress": [{"ports": [{"port": 90, "endPort": 80}]}]}, "ports[0].port: `90-80`"),
        ({"ingress": [{"ports": [{"port": 1, "protocol": "ICMP"}]}]}, "ports[0].protocol: `ICMP`"),
        (
            {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}},
            "[0].operator: `Gt`",
        ),
        ({"podSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}, "[0].operator: `In`"),
        ({"podSelector": {"matchLabels": {"a": 1}}}, "spec.podSelector.matchLabels: labels are strings"),
    ],
)
def test_what_the_api_would_refuse_is_refused_with_its_place(spec: Json, place: str) -> None:
    with pytest.raises(FindingError) as refused:
        made("b", **spec)
    assert refused.value.message.startswith("network policy b/p: ")
    assert place in refused.value.message


def test_a_policy_in_a_namespace_that_nobody_declared_is_refused() -> None:
    with pytest.raises(FindingError, match="network policy elsewhere/p is in a namespace that is not part"):
        matrix(made("elsewhere"))
