"""What a binding is made of, recorded under Pulumi's mocks."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pulumi.runtime import mocks

from components.access import TenantRoles, TenantRolesArgs
from components.binding import ServiceGateway, ServiceGatewayArgs, credential_rules
from components.tenant import Tenant, TenantArgs
from gdcc.model import Estate, StackSettings, bindings, load_estate
from gdcc.network import GATEWAY, by_namespace

from ..components.test_tenant import Recorder, loop_of_its_own
from ..model.conftest import REPOSITORY, TODAY

SERVICE = "gdcc.go.th/service"
ESTATE = load_estate(REPOSITORY, StackSettings(agencies=("moph/ddc", "mof/rd", "mod/*")), TODAY)


def built(estate: Estate) -> list[mocks.MockResourceArgs]:
    recorder = Recorder()

    def program() -> None:
        gateway = ServiceGateway("services", ServiceGatewayArgs(GATEWAY, estate))
        roles = TenantRoles("tenant-roles", TenantRolesArgs(estate.admission))
        platform = (estate.container_defaults, estate.admission, roles.names, by_namespace(estate), {})
        for tenant in estate.tenants:
            Tenant(tenant.id, TenantArgs(tenant, *platform, gateway.bound_to(tenant)))

    with loop_of_its_own():
        mocks.set_mocks(recorder, project="gdcc", stack="test", preview=False)
        mocks.test(program)()
    return recorder.made


@pytest.fixture(scope="module")
def made() -> list[mocks.MockResourceArgs]:
    return built(ESTATE)


def of_kind(made: list[mocks.MockResourceArgs], kind: str) -> list[dict[str, Any]]:
    found = [args.inputs for args in made if args.inputs.get("kind") == kind]
    return [one for one in found if SERVICE in one["metadata"].get("labels", {})]


def places(objects: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((one["metadata"]["namespace"], one["metadata"]["name"]) for one in objects)


def test_every_binding_has_its_rule_and_its_connection_data_and_nothing_that_is_pending_has(
    made: list[mocks.MockResourceArgs],
) -> None:
    expected = Counter((one.namespace, f"service-{one.service}") for one in bindings(ESTATE))
    assert len(expected) >= 6
    tenants = [one for one in of_kind(made, "ConfigMap") if one["metadata"]["namespace"] != GATEWAY]
    rules = [one for one in of_kind(made, "NetworkPolicy") if one["metadata"]["namespace"] != GATEWAY]
    assert places(tenants) == places(rules) == expected


def test_the_right_to_write_a_credential_is_bound_to_one_account_where_there_is_a_credential(
    made: list[mocks.MockResourceArgs],
) -> None:
    granted = of_kind(made, "RoleBinding")
    expected = Counter(
        (one.namespace, f"service-{one.service}") for one in bindings(ESTATE) if one.about.credential != "none"
    )
    assert places(granted) == expected
    for one in granted:
        service = one["metadata"]["labels"][SERVICE]
        backend = {"identity": "svc-identity", "payment": "svc-payment", "e-saraban": "svc-esaraban"}[service]
        assert one["roleRef"]["name"] == f"gdcc:credential:{service}"
        (subject,) = one["subjects"]
        assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", backend)


def test_a_credential_role_names_one_secret_and_neither_lists_nor_deletes() -> None:
    for rule in credential_rules("identity"):
        assert rule.names == ("service-identity",)
        assert set(rule.verbs) <= {"get", "create", "patch"}
        assert set(rule.resources) <= {"secrets", "configmaps"}


def test_no_secret_passes_through_the_program(made: list[mocks.MockResourceArgs]) -> None:
    assert not [args for args in made if args.inputs.get("kind") == "Secret"]


def test_every_object_of_a_binding_says_whose_it_is_for_what_and_on_which_plan(
    made: list[mocks.MockResourceArgs],
) -> None:
    marks = {"gdcc.go.th/tenant", "gdcc.go.th/environment", SERVICE, "gdcc.go.th/plan"}
    for kind in ("ConfigMap", "NetworkPolicy", "RoleBinding"):
        found = [one for one in of_kind(made, kind) if one["metadata"]["namespace"] != GATEWAY]
        assert found
        assert all(marks <= one["metadata"]["labels"].keys() for one in found)


def test_the_gateway_is_told_who_is_bound_to_how_much_in_one_object_for_each_service(
    made: list[mocks.MockResourceArgs],
) -> None:
    tables = [one for one in of_kind(made, "ConfigMap") if one["metadata"]["namespace"] == GATEWAY]
    told = {one["metadata"]["name"]: json.loads(one["data"]["bindings.json"]) for one in tables}
    assert told.keys() == {f"bindings-{name}" for name in ("identity", "notify", "payment", "e-saraban")}
    entries = {(content["service"], namespace): entry for content in told.values()
               for namespace, entry in content["bindings"].items()}  # fmt: skip
    assert entries.keys() == {(one.service, one.namespace) for one in bindings(ESTATE)}
    live = entries["identity", "trsg2cwe-prod"]
    assert (live["plan"], live["requests_per_minute"], live["agency"]) == ("live", 3000, "rd")


def test_a_tenant_more_costs_its_own_objects_and_none_at_the_gateway() -> None:
    one, all_ = replace(ESTATE, tenants=ESTATE.tenants[:1]), ESTATE
    at_gateway = [
        [args.name for args in built(estate) if args.inputs.get("metadata", {}).get("namespace") == GATEWAY
         and args.inputs["kind"] == "ConfigMap"]
        for estate in (one, all_)
    ]  # fmt: skip
    assert sorted(at_gateway[0]) == sorted(at_gateway[1])
    assert len(at_gateway[0]) == 4
