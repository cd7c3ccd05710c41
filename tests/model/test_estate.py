"""The estate as the rest of the project sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from gdcc.model import DataClass, Environment, Level, StackError, StackSettings, load_estate

from .conftest import REPOSITORY, TODAY, Project


def test_a_tenant_is_its_request_with_every_reference_followed(project: Project) -> None:
    estate = project.estate()
    (tenant,) = estate.tenants
    assert (tenant.id, tenant.agency, tenant.ministry) == ("t7k2m9qx", "ddc", "moph")
    assert tenant.source == "stacks/agencies/moph/ddc.yaml"
    assert tenant.zone is estate.zones["gin"]
    assert tenant.pool is estate.pools["government"]
    assert list(tenant.quota) == [Environment.DEV, Environment.PROD], "only the environments asked for, in their order"
    assert tenant.quota[Environment.DEV] is estate.sizes["small"][Environment.DEV]
    assert tenant.request.impact.highest is Level.HIGH
    assert tenant.request.data_class.label == "confidential"
    assert not estate.zones["gin"].private_parties
    assert not estate.zones["dg-link"].private_parties


def test_a_quota_of_ones_own_counts_instead_of_a_size(project: Project) -> None:
    dev, prod = "cpu: 500m, memory: 1Gi, storage: 2Ti, pods: 3", "cpu: 3, memory: 1Gi, storage: 2Gi, pods: 4"
    project.request(("size: small", f"quota:\n  dev: {{{dev}}}\n  prod: {{{prod}}}"))
    quota = project.estate().tenants[0].quota
    assert (quota[Environment.DEV].cpu.value, str(quota[Environment.DEV].cpu)) == (500, "500m")
    assert (quota[Environment.PROD].cpu.value, str(quota[Environment.PROD].cpu)) == (3000, "3")
    assert quota[Environment.DEV].storage.value == 2 * 1024**4


CHANGES: dict[str, Callable[[Any], object]] = {
    "the estate": lambda estate: setattr(estate, "tenants", ()),
    "its zones": lambda estate: estate.zones.clear(),
    "its sizes": lambda estate: estate.sizes["small"].clear(),
    "its ministries": lambda estate: estate.ministries.clear(),
    "a tenant": lambda estate: setattr(estate.tenants[0], "id", "t0000000"),
    "a quota": lambda estate: estate.tenants[0].quota.clear(),
    "a request": lambda estate: setattr(estate.tenants[0].request, "zone", "internet"),
    "a list in a request": lambda estate: estate.tenants[0].request.services.append("payment"),
    "a contact": lambda estate: setattr(estate.tenants[0].request.owner, "email", "x@y.z"),
    "an amount": lambda estate: setattr(estate.tenants[0].quota[Environment.DEV].cpu, "value", 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_in_an_estate_can_be_changed(project: Project, change: Callable[[Any], object]) -> None:
    with pytest.raises((AttributeError, TypeError, ValidationError)):
        change(project.estate())


def test_an_error_stops_the_estate_and_tells_everything(project: Project) -> None:
    project.request(("zone: gin", "zone: gim"), ("size: small", "size: smal"))
    with pytest.raises(StackError) as caught:
        project.estate()
    assert [one.field for one in caught.value.problems] == ["zone", "size"]
    assert "stacks/agencies/moph/ddc.yaml:30:7: zone: no tenant zone is named `gim`; write `gin`" in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_stack_is_not_stopped_by_a_request_it_does_not_take(project: Project) -> None:
    project.request(("zone: gin", "zone: gim"), ("ministry: moph", "ministry: mof"), file="stacks/agencies/mof/rd.yaml")
    assert [tenant.agency for tenant in project.estate("moph").tenants] == ["ddc"]


def test_the_data_classes_are_in_the_order_of_their_secrecy() -> None:
    labels = ["open", "internal", "confidential", "secret", "top-secret"]
    assert [one.label for one in sorted(DataClass, reverse=True)] == labels[::-1]
    assert DataClass("ลับ") < DataClass("ลับมาก") <= DataClass("ลับที่สุด")


class TestTheAgenciesOfTheRepository:
    def test_all_of_them_resolve_and_fit(self) -> None:
        estate = load_estate(REPOSITORY, StackSettings(), TODAY)
        assert len(estate.tenants) >= 200
        assert len({tenant.id for tenant in estate.tenants}) == len(estate.tenants)
        assert len({tenant.ministry for tenant in estate.tenants}) == len(estate.ministries) >= 22
        assert len(estate.services) >= 14
        assert sum(pool.vcpu.cores for pool in estate.pools.values()) >= 100_000

    def test_their_choices_are_varied_enough_to_exercise_the_platform(self) -> None:
        tenants = load_estate(REPOSITORY, StackSettings(), TODAY).tenants
        requests = [tenant.request for tenant in tenants]
        assert {request.zone for request in requests} == {"gin", "dg-link", "internet"}
        assert {request.data_class for request in requests} == set(DataClass)
        assert {request.size for request in requests} == {"sandbox", "small", "medium", "large", "xlarge", None}
        assert {service for request in requests for service in request.services} >= {"identity", "payment", "e-saraban"}
        assert sum(request.expires is not None for request in requests) >= 10

    def test_nobody_real_is_named_or_can_be_written_to(self) -> None:
        for tenant in load_estate(REPOSITORY, StackSettings(), TODAY).tenants:
            request = tenant.request
            for contact in (request.owner, request.technical_lead, request.security_contact):
                assert contact.email.endswith(".example"), tenant.source

    def test_they_load_in_less_than_a_second(self) -> None:
        best = float("inf")
        for _ in range(3):  # other tests may have the cores meanwhile
            start = time.perf_counter()
            load_estate(REPOSITORY, StackSettings(), TODAY)
            best = min(best, time.perf_counter() - start)
        assert best < 1.0
