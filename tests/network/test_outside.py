"""What an agency offers to others and asks to reach outside: each mistake told at its place."""

from __future__ import annotations

import pytest

from gdcc.network import NetworkPolicy, render

from ..model.conftest import Project
from .conftest import CONSUMER, marked

ASKED = """\
egress:
  - cidr: 203.0.113.16/28
    ports: [{port: 22}]
    reason: {th: ส่งรายงาน, en: Send reports}
    expires: 2027-06-30
"""
OFFERED = """\
offers:
  - name: case-reports
    ports: [{port: 8443}]
    data_class: ลับ
"""
ZONES = "stacks/platform/zones.yaml"
CASES = {
    "a metadata address": (
        ("203.0.113.16/28", "§169.254.169.254/32"),
        "egress[0].cidr",
        "`169.254.169.254/32` overlaps 169.254.0.0/16, which no tenant reaches",
        "outside the cluster",
    ),
    "a link-local address of IPv6": (
        ("203.0.113.16/28", "§fe80::1/128"),
        "egress[0].cidr",
        "overlaps fe80::/10",
        "outside the cluster",
    ),
    "the API server's service": (("203.0.113.16/28", "§10.96.0.1/32"), "egress[0].cidr", "overlaps 10.96.0.0/16", ""),
    "a range around the nodes": (("203.0.113.16/28", "§10.124.0.0/16"), "egress[0].cidr", "overlaps 10.124.0.0/16", ""),
    "pods of other tenants": (("203.0.113.16/28", "§10.244.7.0/24"), "egress[0].cidr", "overlaps 10.244.0.0/16", ""),
    "addresses of another zone": (
        ("203.0.113.16/28", "§10.80.4.0/24"),
        "egress[0].cidr",
        "`10.80.4.0/24` overlaps 10.80.0.0/12 of the zone `dg-link`",
        "an agreement in stacks/agreements",
    ),
    "the operators' network": (("203.0.113.16/28", "§10.120.0.0/24"), "egress[0].cidr", "of the zone `management`", ""),
    "a private address of nobody": (
        ("203.0.113.16/28", "§192.168.1.0/24"),
        "egress[0].cidr",
        "`192.168.1.0/24` holds addresses of no zone",
        "public addresses alone",
    ),
    "half of the internet": (
        ("203.0.113.16/28", "§0.0.0.0/1"),
        "egress[0].cidr",
        "is 2,147,483,648 addresses",
        "/16 or narrower",
    ),
    "a range with host bits": (
        ("203.0.113.16/28", "§203.0.113.17/28"),
        "egress[0].cidr",
        "is no address range",
        "`10.20.0.0/16`",
    ),
    "neither a host nor a range": (
        ("  - cidr: 203.0.113.16/28\n    ports", "  - §ports"),
        "egress[0].cidr",
        "neither",
        "",
    ),
    "both a host and a range": (
        ("cidr: 203.0.113.16/28", "host: api.example.com\n    cidr: §203.0.113.16/28"),
        "egress[0].cidr",
        "both a host and a range",
        "one of the two",
    ),
    "a host name where no engine follows names": (
        ("cidr: 203.0.113.16/28", "host: §api.example.com"),
        "egress[0].host",
        "rules by host name need Cilium, and the network engine is `kubernetes`",
        "`cidr: 203.0.113.0/28`",
    ),
    "an address as a host name": (
        ("cidr: 203.0.113.16/28", "host: §203.0.113.17"),
        "egress[0].host",
        "is an address, not a name",
        "`cidr: 203.0.113.17/32`",
    ),
    "all hosts of a domain": (
        ("cidr: 203.0.113.16/28", 'host: §"*.example.com"'),
        "egress[0].host",
        "names that nobody has listed",
        "full name",
    ),
    "a name without a domain": (("cidr: 203.0.113.16/28", "host: §api"), "egress[0].host", "no full host name", ""),
    "a name inside the cluster": (
        ("cidr: 203.0.113.16/28", "host: §kubernetes.default.svc.cluster.local"),
        "egress[0].host",
        "is a name inside the cloud",
        "agreement",
    ),
    "a name in capitals": (
        ("cidr: 203.0.113.16/28", "host: §API.example.com"),
        "egress[0].host",
        "small letters",
        "`api.example.com`",
    ),
    "no reason": (
        (
            "  - cidr: 203.0.113.16/28\n    ports: [{port: 22}]\n    reason: {th: ส่งรายงาน, en: Send reports}",
            "  - §cidr: 203.0.113.16/28\n    ports: [{port: 22}]",
        ),
        "egress[0].reason",
        "required",
        "`reason:`",
    ),
    "no last day": (("  - cidr: 203.0.113.16/28", "  - §cidr: 203.0.113.16/28"), "egress[0].expires", "required", ""),
    "a last day of years ahead": (
        ("2027-06-30", "§2028-06-30"),
        "egress[0].expires",
        "more than a year ahead",
        "`2027-11-22` at the latest",
    ),
    "no port": (("[{port: 22}]", "§[]"), "egress[0].ports", "must not be empty", ""),
    "a port twice": (
        ("[{port: 22}]", "[{port: 22}, §{port: 22}]"),
        "egress[0].ports[1]",
        "`22/TCP` is listed twice",
        "",
    ),
    "an offer above what is held": (
        ("data_class: ลับ\n", "data_class: §ลับมาก\n"),
        "offers[0].data_class",
        "ลับมาก is offered, and the highest class held is ลับ",
        "`ลับ`",
    ),
    "an offer whose name is no label": (
        ("name: case-reports", "name: §Case Reports"),
        "offers[0].name",
        "not a DNS label",
        "`case-reports`",
    ),
    "two offers of one name": (
        ("data_class: ลับ\n", "data_class: ลับ\n  - name: §case-reports\n    ports: [{port: 1}]\n    data_class: ลับ\n"),
        "offers[1].name",
        "a second entry is named `case-reports`",
        "another name",
    ),
}


def asking(project: Project, *changes: tuple[str, str]) -> list[NetworkPolicy]:
    """The policies of a tenant that asks for these."""
    path = project.request()
    text = ASKED
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(path.read_text() + text)
    return [policy for policy in render(project.estate()) if policy.name.startswith("allow-outside")]


@pytest.mark.parametrize(("change", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused(project: Project, change: tuple[str, str], field: str, message: str, remedy: str) -> None:
    path = project.root / CONSUMER
    text = OFFERED + ASKED
    if field == "egress[0].expires" and "required" in message:
        text = text.replace("    expires: 2027-06-30\n", "")
    assert text.count(change[0]) == 1, f"{change[0]!r} must be once"
    path.write_text(path.read_text() + text.replace(*change))
    problem = marked(project, path)
    assert (problem.field, problem.severity) == (field, "error"), str(problem)
    assert message in problem.message, str(problem)
    assert remedy in problem.suggestion, str(problem)


def test_an_outside_range_is_opened_on_its_ports_in_every_environment(project: Project) -> None:
    policies = asking(project)
    assert [(policy.namespace, policy.name) for policy in policies] == [
        ("t7k2m9qx-dev", "allow-outside"),
        ("t7k2m9qx-prod", "allow-outside"),
    ]
    for policy in policies:
        assert policy.spec == {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [
                {"to": [{"ipBlock": {"cidr": "203.0.113.16/28"}}], "ports": [{"port": 22, "protocol": "TCP"}]},
            ],
        }
        assert policy.source == f"{CONSUMER}: egress"


def test_a_zones_own_addresses_may_be_asked_for_on_other_ports(project: Project) -> None:
    policies = asking(project, ("203.0.113.16/28", "10.70.0.0/24"))
    assert project.problems() == []
    assert policies[0].spec["egress"][0]["to"] == [{"ipBlock": {"cidr": "10.70.0.0/24"}}]


@pytest.mark.parametrize(("day", "opened"), [("2026-11-20", 0), ("2026-11-21", 2)])
def test_it_is_open_until_its_last_day_and_then_closed_with_a_warning(project: Project, day: str, opened: int) -> None:
    assert len(asking(project, ("2027-06-30", day))) == opened
    if not opened:
        problem = project.problem()
        assert (problem.severity, problem.field) == ("warning", "egress[0].expires")
        assert problem.message == "expired on 2026-11-20: the way to 203.0.113.16/28 is closed"


def test_an_expired_host_name_stops_nothing(project: Project) -> None:
    assert asking(project, ("cidr: 203.0.113.16/28", "host: api.example.com"), ("2027-06-30", "2026-11-20")) == []
    assert project.problem().severity == "warning"


def test_where_cilium_is_the_engine_a_host_name_is_followed_and_the_cluster_stays_denied(project: Project) -> None:
    zones = project.root / ZONES
    zones.write_text(zones.read_text().replace("network_engine: kubernetes", "network_engine: cilium"))
    policies = asking(project, ("cidr: 203.0.113.16/28", "host: api.example.com"))
    assert project.problems() == []
    assert [policy.kind for policy in policies] == ["CiliumNetworkPolicy"] * 2
    assert {policy.api_version for policy in policies} == {"cilium.io/v2"}
    assert policies[0].name == "allow-outside-hosts"
    spec = policies[0].spec
    lookups, opened = spec["egress"]
    assert lookups["toPorts"][0]["rules"] == {"dns": [{"matchName": "api.example.com"}]}
    assert lookups["toEndpoints"][0]["matchLabels"]["k8s:io.kubernetes.pod.namespace"] == "kube-system"
    assert opened == {
        "toFQDNs": [{"matchName": "api.example.com"}],
        "toPorts": [{"ports": [{"port": "22", "protocol": "TCP"}]}],
    }
    entities, addresses = spec["egressDeny"]
    assert "kube-apiserver" in entities["toEntities"]
    assert {"169.254.0.0/16", "10.124.0.0/16"} <= set(addresses["toCIDR"])


def test_an_agency_without_wishes_has_no_policy_for_them(project: Project) -> None:
    assert not [policy for policy in render(project.estate()) if policy.name.startswith("allow-outside")]
