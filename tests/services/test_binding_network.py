"""A bound tenant reaches that service's gateway and nothing else of it; nobody else does."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gdcc.model import Estate, StackSettings, bindings, load_estate
from gdcc.network import GATEWAY, gateway_labels, inward, render
from gdcc.network.gateway import backend, sync_account
from gdcc.reach import Pod, check, survey

from ..model.conftest import REPOSITORY, TODAY
from .conftest import Asking

DEV, PROD = "t7k2m9qx-dev", "t7k2m9qx-prod"
PORT = [{"port": 8443, "protocol": "TCP"}]


def rules(estate: Estate) -> dict[tuple[str, str], dict[str, Any]]:
    everything = (*render(estate), *inward(estate))
    return {(one.namespace, one.name): one.spec for one in everything if one.name.startswith(("service-", "bound-"))}


def test_a_binding_is_egress_at_the_tenant_and_ingress_at_the_gateway_for_one_service(asking: Asking) -> None:
    asking.ask("  - identity\n")
    found = rules(asking.estate())
    assert found.keys() == {(DEV, "service-identity"), (GATEWAY, "bound-identity")}, "prod waits for its approvals"
    service = {"matchLabels": {"app.kubernetes.io/name": "identity"}}
    assert found[DEV, "service-identity"] == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [
            {
                "to": [
                    {
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "svc-gateway"}},
                        "podSelector": service,
                    }
                ],
                "ports": PORT,
            }
        ],
    }
    named = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [DEV]}
    assert found[GATEWAY, "bound-identity"] == {
        "podSelector": service,
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"namespaceSelector": {"matchExpressions": [named]}}], "ports": PORT}],
    }


def test_who_is_bound_reaches_that_service_at_that_port_and_no_other_service_and_no_other_namespace(
    asking: Asking,
) -> None:
    asking.ask("  - identity\n")
    estate = asking.estate()
    matrix = survey(estate).matrix

    def reaches(namespace: str, service: str, port: int = 8443) -> bool:
        labels = {"app.kubernetes.io/name": service}
        return matrix.allows(Pod(namespace, {"app": "any"}), Pod(GATEWAY, labels), "TCP", port)

    assert reaches(DEV, "identity")
    assert not reaches(DEV, "identity", 8080)
    assert not reaches(DEV, "notify")
    assert not reaches(PROD, "identity")
    assert check(estate) == []


def test_browsers_come_through_the_gateways_of_zones_to_where_people_log_in_and_nowhere_else(asking: Asking) -> None:
    asking.ask("  - notify\n")
    estate = asking.estate()
    matrix = survey(estate).matrix

    def reaches(zone: str, service: str, port: int = 8443) -> bool:
        labels = {"app.kubernetes.io/name": service}
        return matrix.allows(Pod(f"gateway:{zone}", {}), Pod(GATEWAY, labels), "TCP", port)

    for zone in estate.services["identity"].browsers:
        assert reaches(zone, "identity"), "whether or not anybody is bound"
        assert not reaches(zone, "identity", 9901)
        assert not any(reaches(zone, name) for name in ("notify", "payment", "e-saraban", ""))
        for space in ("svc-identity", "svc-notify"):
            assert not matrix.between(f"gateway:{zone}", space), "and past the gateway nobody comes"
    assert not any(reaches(zone, "identity") for zone in ("shared-services", "gdx", "management"))
    (rule,) = (one for one in inward(estate) if one.name.startswith("browsers-"))
    (peers,) = rule.spec["ingress"]
    assert peers["from"] == [{"namespaceSelector": {"matchLabels": gateway_labels(zone)}}
                             for zone in ("gin", "dg-link", "internet")]  # fmt: skip
    outside = {part for flow in matrix.flows if not flow.source.namespaces for part in flow.target.names}
    assert GATEWAY not in outside, "an address outside reaches a zone's gateway first"


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "remedy"),
    [
        ("identity", "browsers: [gin, ", "browsers: [gdx, ", "no tenant zone is named `gdx`", "`gin`"),
        (
            "identity",
            "\nzones: [gin, dg-link, ",
            "\nzones: [gin, ",
            "`dg-link` is not among `zones`",
            "one of gin, int",
        ),
        ("payment", "depends_on", "browsers: [gin]\ndepends_on", "nobody logs in here", "leave it out"),
    ],
)
def test_browsers_of_a_zone_that_cannot_or_to_a_service_without_a_login_are_refused(
    asking: Asking, file: str, old: str, new: str, message: str, remedy: str
) -> None:
    asking.ask("")
    asking.edit(f"stacks/platform/services/{file}.yaml", lambda text: text.replace(old, new, 1))
    (problem,) = (one for one in asking.project.problems() if one.field.startswith("browsers"))
    assert message in problem.message
    assert remedy in problem.suggestion
    assert problem.line > 20


def test_a_rule_that_no_binding_declares_stops_the_program(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    asking.ask("  - identity\n")
    estate = asking.estate()
    assert check(estate) == []
    right, entrance = list(render(estate)), list(inward(estate))
    wide = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    monkeypatch.setattr(
        "gdcc.reach.landscape.inward",
        lambda _: [replace(one, spec=wide) for one in entrance if one.name == "bound-identity"],
    )
    opened = list(map(str, check(estate)))
    assert any(one.startswith("gateway:") and "→ svc-gateway on every port" in one for one in opened)
    assert not any(one.startswith("ddc ") for one in opened), "the tenant's own side still holds"
    (out,) = (one.spec for one in right if one.name == "service-identity")
    every_port = {**out, "egress": [{"to": out["egress"][0]["to"]}]}
    changed = [replace(one, spec=every_port) if one.name == "service-identity" else one for one in right]
    monkeypatch.setattr("gdcc.reach.landscape.render", lambda _: changed)
    (told,) = (one for one in map(str, check(estate)) if one.startswith("ddc "))
    assert "svc-gateway (pods app.kubernetes.io/name=identity)" in told
    assert "nothing declares it" in told


def test_the_gateway_is_not_among_those_that_a_zone_opens_to_everybody() -> None:
    estate = load_estate(REPOSITORY, StackSettings(), TODAY)
    party = survey(estate).parties[GATEWAY]
    for zone in estate.zones:
        assert not set(gateway_labels(zone).items()) <= set(party.namespace.labels.items())


def test_the_real_stack_is_declared_and_its_rules_are_as_many_as_its_bindings() -> None:
    estate = load_estate(REPOSITORY, StackSettings(), TODAY)
    assert check(estate) == []
    counted = Counter(one.namespace == GATEWAY for one in (*render(estate), *inward(estate))
                      if one.name.startswith(("service-", "bound-")))  # fmt: skip
    assert counted[False] == len(list(bindings(estate))) > 500
    assert counted[True] == 4, "one for each service, however many tenants"


def test_rendering_costs_a_tenant_the_same_however_many_there_are() -> None:
    estate = load_estate(REPOSITORY, StackSettings(), TODAY)
    few, many = estate.tenants, estate.tenants * 8

    def cost(tenants: tuple[Any, ...]) -> float:
        asked = replace(estate, tenants=tenants, agreements=())
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            assert sum(1 for _ in inward(asked)) == 6
            best = min(best, time.perf_counter() - start)
        return best / len(tenants)

    assert cost(many) < 3 * cost(few)


def test_names_of_backends_are_names_of_namespaces() -> None:
    assert backend("e-saraban") == "svc-esaraban"
    assert sync_account("identity") == ("svc-identity", "identity-sync")
