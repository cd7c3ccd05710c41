"""The next hops of the notify service: what is wrong in notify.yaml, and the one way out that they are."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from gdcc.model import Estate, Problem
from gdcc.model.source import parse
from gdcc.network import NetworkPolicy
from gdcc.network.services import of_services
from gdcc.reach import Pod, check, survey

from ..model.conftest import Project
from .conftest import marked

FILE = "stacks/platform/notify.yaml"
WORKER = {"app.kubernetes.io/name": "notify-worker"}
CASES = {
    "an address that is none": ("cidr: 203.0.113.25/32", "cidr: §203.0.113.256/32", "is no address range", "10.20."),
    "the API server's": ("cidr: 203.0.113.25/32", "cidr: §10.124.0.7/32", "overlaps 10.124.0.0/16", "outside the cl"),
    "pods": ("cidr: 203.0.113.25/32", "cidr: §10.244.3.0/28", "the cluster's own or link-local", "outside the cl"),
    "a machine's keys": (
        "cidr: 203.0.113.25/32",
        "cidr: §169.254.169.254/32",
        "overlaps 169.254",
        "outside the cluster",
    ),
    "a whole network": (
        "cidr: 203.0.113.25/32",
        "cidr: §203.0.113.0/24",
        "256 addresses, and a relay is",
        "/28 or narrow",
    ),
    "no port": ("ports: [{port: 587}]", "ports: §[]", "must not be empty", "at least one"),
    "a port that is none": ("ports: [{port: 587}]", "ports: [{port: §65536}]", "65535", ""),
    "a channel that is none": ("channels: [email]", "channels: [§fax]", "not one of the values", "`email`"),
    "the same name": ("name: sms", "name: §mail", "a second entry is named `mail`", "another name"),
    "a host where rules know addresses": (
        "cidr: 203.0.113.25/32",
        "host: §smtp.example.com",
        "need Cilium",
        "cidr: 203",
    ),
    "no reason": ("    reason:\n      th: ส่งต่ออีเมล", "    because:\n      th: ส่งต่ออีเมล", "", ""),
}


@pytest.mark.parametrize(("old", "new", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused(project: Project, old: str, new: str, message: str, remedy: str) -> None:
    path = project.root / FILE
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    if "§" not in new:
        told = project.problems()
        assert {(one.field, one.severity) for one in told} == {
            ("relays[0].because", "error"),
            ("relays[0].reason", "error"),
        }
        return
    problem = marked(project, path)
    assert problem.severity == "error"
    assert message in problem.message
    assert remedy in problem.suggestion


def test_everything_wrong_is_told_at_once_with_its_line(project: Project) -> None:
    path = project.root / FILE
    text = path.read_text().replace("203.0.113.25/32", "10.124.0.7/32").replace("203.0.113.40/30", "169.254.1.0/30")
    path.write_text(text.replace("cidr: 198.51.100.16/28", "host: api.line.example.com"))
    lines = {
        number for number, line in enumerate(path.read_text().split("\n"), 1) if "cidr:" in line or "host:" in line
    }
    told: list[Problem] = project.problems()
    assert {(one.file, one.line) for one in told} == {(FILE, line) for line in lines}
    assert len(told) == 3


def ways_out(estate: Estate) -> list[NetworkPolicy]:
    return [one for each in of_services(estate).values() for one in each if one.source == FILE]


def test_only_notifys_workers_get_out_and_only_to_the_relays(project: Project) -> None:
    estate = project.estate()
    (way,) = ways_out(estate)
    assert (way.namespace, way.spec["podSelector"]) == ("svc-notify", {"matchLabels": WORKER})
    assert way.spec["policyTypes"] == ["Egress"]
    written = parse((project.root / FILE).read_bytes(), FILE).data
    assert isinstance(written, dict)
    opened = {rule["to"][0]["ipBlock"]["cidr"]: [port["port"] for port in rule["ports"]] for rule in way.spec["egress"]}
    assert opened == {one["cidr"]: [port["port"] for port in one["ports"]] for one in written["relays"]}
    landscape = survey(estate)
    outside = [flow for flow in landscape.matrix.flows
               if not flow.target.namespaces and flow.source.names & landscape.services]  # fmt: skip
    beyond = {str(flow.source.pods) for flow in outside if str(flow.target.addresses).startswith(("203.", "198."))}
    assert beyond == {"app.kubernetes.io/name=notify-worker"}
    of_payment = landscape.matrix.between("svc-payment", "")
    assert {str(flow.target.addresses) for flow in of_payment} == set(estate.control_plane)
    assert check(estate) == []


def test_without_relays_nothing_leaves(project: Project) -> None:
    (project.root / FILE).write_text("# yaml-language-server: $schema=../schema/notify.schema.json\nrelays: []\n")
    estate = project.estate()
    assert ways_out(estate) == []
    assert check(estate) == []


def test_a_relay_by_name_is_a_rule_of_cilium_for_the_workers(project: Project) -> None:
    zones, path = project.root / "stacks/platform/zones.yaml", project.root / FILE
    zones.write_text(zones.read_text().replace("network_engine: kubernetes", "network_engine: cilium"))
    path.write_text(path.read_text().replace("cidr: 198.51.100.16/28", "host: api.line.example.com"))
    estate = project.estate()
    by_address, by_name = ways_out(estate)
    assert len(by_address.spec["egress"]) == 2
    assert by_name.kind == "CiliumNetworkPolicy"
    assert by_name.spec["endpointSelector"] == {"matchLabels": WORKER}
    lookups, opened = by_name.spec["egress"]
    assert lookups["toPorts"][0]["rules"]["dns"] == [{"matchName": "api.line.example.com"}]
    assert opened["toFQDNs"] == [{"matchName": "api.line.example.com"}]
    assert by_name.spec["egressDeny"], "a name that resolves to the cluster leads nowhere"


def test_a_way_out_that_no_relay_declares_stops_the_program(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    estate = project.estate()
    wider = replace(estate, relays=tuple(one.model_copy(update={"cidr": "198.51.0.0/16"}) for one in estate.relays))
    rules = of_services(wider)
    monkeypatch.setattr("gdcc.reach.landscape.of_services", lambda *_: rules)
    assert survey(estate).matrix.allows(Pod("svc-notify", WORKER), ip_address("198.51.7.7"), "TCP", 443)
    told = list(map(str, check(estate)))
    assert told
    assert all("svc-notify → outside 198.51.0.0/16" in one and "nothing declares it" in one for one in told)
