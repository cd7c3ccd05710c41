"""Zones: what is wrong in zones.yaml, and what a zone's tenants get from it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gdcc.model import StackSettings, load_estate
from gdcc.network import gateway_labels, namespaces, render

from ..model.conftest import REPOSITORY, TODAY, Project
from .conftest import marked

FILE = "stacks/platform/zones.yaml"
CASES = {
    "a zone that nobody declared": (
        "reaches: [gin, shared-services, gdx]",
        "reaches: [gin, §shared-service, gdx]",
        "zones[0].reaches[1]",
        "no zone is named `shared-service`",
        "`shared-services`",
    ),
    "a zone reached twice": (
        "reaches: [gin, shared-services, gdx]",
        "reaches: [gin, gdx, §gdx]",
        "zones[0].reaches[2]",
        "listed twice",
        "once",
    ),
    "private parties let into GIN": (
        "reaches: [internet, shared-services, gdx]",
        "reaches: [internet, §gin, shared-services, gdx]",
        "zones[2].reaches[1]",
        "zone `internet` has private parties, and zone `gin` refuses them",
        "in `egress` of its request",
    ),
    "DG-Link led to private parties": (
        "reaches: [dg-link, shared-services, gdx]",
        "reaches: [dg-link, §internet]",
        "zones[1].reaches[1]",
        "zone `internet` has private parties, and zone `dg-link` refuses them",
        "the zone without it",
    ),
    "a zone whose addresses are the machines'": (
        "cidrs: [10.64.0.0/12]",
        "cidrs: [10.64.0.0/12, §10.124.8.0/24]",
        "zones[0].cidrs[1]",
        "`10.124.8.0/24` is protected",
        "outside the cluster",
    ),
    "a zone of link-local addresses": (
        "cidrs: [10.113.0.0/16]",
        "cidrs: [§169.254.169.254/32]",
        "zones[4].cidrs[0]",
        "`169.254.169.254/32` is protected",
        "outside the cluster",
    ),
    "tenants that no gateway could reach": (
        "  - name: gin\n",
        "  - §name: gin\n",
        "zones[0]",
        "a zone of tenants needs `workload_ports`",
        "`[{port: 8443}]`",
    ),
    "a zone without a port": (
        "private_parties: false\n    reaches: []\n    ports: [{port: 443}]",
        "private_parties: false\n    reaches: []\n    ports: §[]",
        "zones[5].ports",
        "must not be empty",
        "at least one",
    ),
    "an engine that nobody knows": (
        "network_engine: kubernetes",
        "network_engine: §celium",
        "network_engine",
        "not one of the values allowed",
        "`cilium`",
    ),
    "a cluster without protected pods": (
        "protected:\n  nodes: [10.124.0.0/16]\n  pods: [10.244.0.0/16]",
        "§protected:\n  nodes: [10.124.0.0/16]",
        "protected.pods",
        "required",
        "`pods:`",
    ),
    "protected addresses that are none": (
        "nodes: [10.124.0.0/16]",
        "nodes: [§10.124.0.0/33]",
        "protected.nodes[0]",
        "is no address range",
        "`10.20.0.0/16`",
    ),
}


@pytest.mark.parametrize(("old", "new", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused(project: Project, old: str, new: str, field: str, message: str, remedy: str) -> None:
    path = project.root / FILE
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} must be once in {FILE}"
    text = text.replace(old, new)
    if "workload_ports" in message:
        text = text.replace("    workload_ports: [{port: 8080}, {port: 8443}]\n", "", 1)
    path.write_text(text)
    problem = marked(project, path)
    assert (problem.field, problem.severity) == (field, "error"), str(problem)
    assert message in problem.message, str(problem)
    assert remedy in problem.suggestion, str(problem)


def zone_rules(project: Project, zone: str) -> dict[str, Any]:
    project.request(("zone: gin", f"zone: {zone}"))
    policies = [policy for policy in render(project.estate()) if policy.name == "allow-zone"]
    assert len(policies) == 2, "one for each environment"
    assert {policy.source for policy in policies} == {f"{FILE}: zone {zone}"}
    return policies[0].spec


def peers(spec: dict[str, Any], direction: str) -> list[dict[str, Any]]:
    key = "to" if direction == "egress" else "from"
    return [peer for rule in spec[direction] for peer in rule[key]]


def gateway(zone: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": gateway_labels(zone)}}


def test_gin_reaches_its_own_addresses_and_the_gateways_of_shared_services_and_gdx(project: Project) -> None:
    spec = zone_rules(project, "gin")
    own, shared, gdx = spec["egress"]
    assert own == {"to": [{"ipBlock": {"cidr": "10.64.0.0/12"}}], "ports": [{"port": 443, "protocol": "TCP"}]}
    assert shared["to"] == [gateway("shared-services"), {"ipBlock": {"cidr": "10.112.0.0/16"}}]
    assert gdx["to"] == [gateway("gdx"), {"ipBlock": {"cidr": "10.113.0.0/16"}}]


@pytest.mark.parametrize("zone", ["gin", "dg-link", "internet"])
def test_only_gateways_enter_and_only_of_zones_that_reach_this_one(project: Project, zone: str) -> None:
    (rule,) = zone_rules(project, zone)["ingress"]
    assert rule["from"] == [gateway(name) for name in (zone, "shared-services", "gdx")]
    assert [port["port"] for port in rule["ports"]] == [8080, 8443]


@pytest.mark.parametrize("zone", ["gin", "dg-link"])
def test_no_private_party_enters_a_closed_zone_and_none_is_reached_from_it(project: Project, zone: str) -> None:
    spec = zone_rules(project, zone)
    assert gateway("internet") not in peers(spec, "ingress") + peers(spec, "egress")
    blocks = [ip_network(peer["ipBlock"]["cidr"]) for peer in peers(spec, "egress") if "ipBlock" in peer]
    assert blocks
    assert all(block.is_private for block in blocks)


def test_the_internet_is_443_without_private_and_link_local_addresses(project: Project) -> None:
    rule = zone_rules(project, "internet")["egress"][0]
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}]
    (peer,) = rule["to"]
    left_out = [ip_network(text) for text in peer["ipBlock"]["except"]]
    assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    for address in ("10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "10.96.0.1"):
        assert any(ip_address(address) in network for network in left_out), address


def test_what_is_protected_is_left_out_of_a_zone_that_it_lies_in(project: Project) -> None:
    path = project.root / FILE
    path.write_text(path.read_text().replace("pods: [10.244.0.0/16]", "pods: [10.70.0.0/16, 10.71.0.0/16]"))
    (block,) = zone_rules(project, "gin")["egress"][0]["to"]
    assert block == {"ipBlock": {"cidr": "10.64.0.0/12", "except": ["10.70.0.0/15"]}}, "in the fewest ranges"


def test_a_zone_of_protected_pieces_alone_gives_no_way_there(project: Project) -> None:
    path = project.root / FILE
    text = path.read_text().replace("pods: [10.244.0.0/16]", "pods: [10.64.0.0/13, 10.72.0.0/13]")
    path.write_text(text.replace("reaches: [gin, shared-services, gdx]", "reaches: [gin]"))
    assert "egress" not in zone_rules(project, "gin")


def test_a_zone_that_reaches_nothing_and_is_reached_by_none_gets_no_policy(project: Project) -> None:
    path = project.root / FILE
    text = path.read_text().replace("reaches: [gin, shared-services, gdx]", "reaches: []")
    path.write_text(text.replace("reaches: [gin, dg-link, internet]", "reaches: [dg-link, internet]"))
    names = [policy.name for policy in render(project.estate()) if not policy.name.startswith("service-")]
    assert names == ["default-deny", "allow-dns", "allow-same-namespace"] * 2


def test_no_tenants_namespace_passes_for_a_gateway() -> None:
    for namespace in namespaces(load_estate(REPOSITORY, StackSettings(), TODAY)):
        assert "gdcc.go.th/gateway" not in namespace.labels
