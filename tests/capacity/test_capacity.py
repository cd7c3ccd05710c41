from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType

import pytest
from typer.testing import CliRunner

from gdcc.capacity.ledger import RESOURCES, ledger_of
from gdcc.capacity.picture import page
from gdcc.cli import app
from gdcc.cluster import Cluster
from gdcc.model import Estate, StackSettings, load_estate
from tests.checkout import REPOSITORY, Checkout


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(REPOSITORY, StackSettings())


def test_what_is_asked_adds_up_over_pools_zones_and_tenants(estate: Estate) -> None:
    ledger = ledger_of(estate)
    for resource in RESOURCES:
        by_tenant = sum(getattr(quota, resource).value for each in estate.tenants for quota in each.quota.values())
        assert sum(pool.asked[resource] for pool in ledger.pools) == by_tenant > 0
        for pool in ledger.pools:
            assert sum(zone.asked[resource] for zone in ledger.zones[pool.name]) == pool.asked[resource]
            assert pool.free[resource] == pool.promised[resource] - pool.asked[resource] >= 0
    assert sum(pool.tenants for pool in ledger.pools) == len(estate.tenants)


def test_a_tenant_less_leaves_its_quota_free(estate: Estate) -> None:
    gone = estate.tenants[0]
    before = {pool.name: pool for pool in ledger_of(estate).pools}[gone.pool.name]
    after = {pool.name: pool for pool in ledger_of(replace(estate, tenants=estate.tenants[1:])).pools}[gone.pool.name]
    for resource in RESOURCES:
        quota = sum(getattr(each, resource).value for each in gone.quota.values())
        assert after.free[resource] - before.free[resource] == quota


def test_the_command_answers_people_and_machines() -> None:
    said = CliRunner().invoke(app, ["capacity"]).stdout
    assert "of 100,000 vCPU" in said
    answer = json.loads(CliRunner().invoke(app, ["capacity", "--json"]).stdout)
    assert answer["goal"]["there_is"] >= answer["goal"]["vcpu"] == 100_000
    assert {zone["name"] for pool in answer["pools"] for zone in pool["zones"]} >= {"gin", "dg-link", "internet"}


class Tags(HTMLParser):
    """Notes what a page loads and whether its tags are in balance."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(estate: Estate) -> None:
    tags = Tags()
    tags.feed(page(ledger_of(replace(estate, pools=MappingProxyType(dict(estate.pools))))))
    assert tags.open == []
    assert tags.loads == []


@pytest.mark.cluster
def test_what_a_cluster_has_granted_is_what_was_asked_once_it_is_applied(cluster: Cluster, tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    checkout = Checkout.make(root, "moph/ddc", project="capacity")
    checkout.environment["KUBECONFIG"] = str(cluster.kubeconfig)

    def totals() -> tuple[dict[str, int], dict[str, int]]:
        pools = json.loads(checkout.gdcc("capacity", "--live", "--json").stdout)["pools"]
        (pool,) = [each for each in pools if each["tenants"]]
        return pool["asked"], pool["granted"]

    asked, granted = totals()
    assert set(granted.values()) == {0}
    checkout.gdcc("up", "--yes")
    try:
        asked, granted = totals()
        assert granted == asked
    finally:
        checkout.gdcc("destroy", "--yes")
