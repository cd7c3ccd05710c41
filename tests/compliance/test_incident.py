"""`gdcc incident`: from whatever a report names to whoever answers for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster
from gdcc.compliance.commands_incident import incident
from gdcc.compliance.incident import duties, freezing, trace
from gdcc.engine.api import connect
from gdcc.errors import FindingError
from gdcc.model import Estate, StackSettings, load_estate
from gdcc.model.agency import Freeze
from gdcc.model.record import Context, decode
from gdcc.model.source import parse
from tests.checkout import REPOSITORY, Checkout

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(REPOSITORY, StackSettings())


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ddc", "agency"),
        ("moph/ddc", "agency"),
        ("กรมควบคุมโรค", "agency"),
        ("department of disease control", "agency"),
        ("t9sx3obp", "agency"),
        ("t9sx3obp-prod", "namespace, prod"),
        ("WWW.ddc.apps.gdcc.go.th.example.", "hostname in ddc.apps.gdcc.go.th.example, prod"),
        ("api.ddc.dev.gdcc.go.th.example", "hostname in ddc.dev.gdcc.go.th.example, dev"),
    ],
)
def test_whatever_a_report_names_leads_to_its_agency(estate: Estate, name: str, what: str) -> None:
    found = trace(estate, name)
    assert [one.what for one in found.traces] == [what]
    assert [tenant.agency for tenant in found.tenants] == ["ddc"]
    assert found.tenants[0].request.security_contact.email == "soc@ddc.go.th.example"


def test_a_hostname_that_only_ends_alike_is_nobodys(estate: Estate) -> None:
    with pytest.raises(FindingError, match="nothing is known"):
        trace(estate, "evilddc.apps.gdcc.go.th.example")


def test_both_sides_of_an_agreement_are_told_of_each_other(estate: Estate) -> None:
    receives = trace(estate, "rd").agreements["trsg2cwe"]
    assert {(party.other.agency, party.gives) for party in receives} == {("dopa", False), ("dbd", False)}
    gives = trace(estate, "dopa")
    assert ("rd", True) in {(party.other.agency, party.gives) for party in gives.agreements[gives.tenants[0].id]}


def test_an_address_outside_that_was_asked_for_leads_to_who_asked(estate: Estate) -> None:
    found = trace(estate, "203.0.113.20")
    assert "rd" in {tenant.agency for tenant in found.tenants}


def test_an_address_of_a_zone_or_of_the_cluster_names_no_agency(estate: Estate) -> None:
    assert [one.what for one in trace(estate, "10.65.1.1").traces] == ["address in zone gin"]
    assert [one.what for one in trace(estate, "10.244.7.7").traces] == ["address of the cluster itself"]
    assert not trace(estate, "10.244.7.7").tenants


def test_a_name_that_nobody_has_is_answered_with_the_nearest(estate: Estate) -> None:
    with pytest.raises(FindingError) as raised:
        trace(estate, "t9sx3obp-pord")
    assert raised.value.hint == "did you mean `t9sx3obp-prod`?"
    assert raised.value.exit_code == 1


def test_a_breach_of_personal_data_is_due_in_72_hours_and_the_reading_is_provisional(estate: Estate) -> None:
    holder = next(tenant for tenant in estate.tenants if tenant.request.personal_data)
    other = next(tenant for tenant in estate.tenants if not tenant.request.personal_data)
    told = list(duties(holder, NOW))
    assert [(duty.clause, duty.due) for duty in told if duty.due] == [("PD 72h", datetime(2026, 11, 24, 9, tzinfo=UTC))]
    assert all(duty.provisional for duty in told)
    assert "PD 72h" not in [duty.clause for duty in duties(other, NOW)]


def test_what_is_to_be_added_to_freeze_a_tenant_is_valid(estate: Estate) -> None:
    document = parse(freezing(estate.tenants[0], NOW).encode(), "freeze.yaml")
    assert isinstance(document.data, dict)
    read = decode(Freeze, document, Context(NOW.date()), data=document.data["frozen"])
    assert isinstance(read, Freeze), read
    assert read.holds_on(NOW.date())


def test_people_read_thai_and_english_and_machines_read_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    incident("rd", stack="local", live=False, as_json=False)
    told = capsys.readouterr().out
    for part in (
        "กรมสรรพากร / Revenue Department",
        "soc@rd.go.th.example",
        "csirt@dopa.go.th.example",
        "72",
        "frozen:",
    ):
        assert part in told
    incident("rd", stack="local", live=False, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["tenants"][0]["contacts"]["security_contact"]["email"] == "soc@rd.go.th.example"
    assert report["tenants"][0]["freeze"]["command"] == "gdcc up --stack local --target 'trsg2cwe-*'"
    assert {one["id"] for one in report["tenants"][0]["agreements"]} >= {"dopa-rd-population"}
    assert report["cluster_asked"] is False


@pytest.fixture(scope="module")
def served(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An agency whose workload runs on the real API server."""
    made = Checkout.make(tmp_path_factory.mktemp("incident"), "moph/ddc", project="incident")
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    made.gdcc("up", "--yes")
    api = connect(cluster.kubeconfig)
    path = "/api/v1/namespaces/t9sx3obp-dev/services"
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 443}]}}
    try:
        yield api.request("POST", path, body=body)[1]
    finally:
        api.request("DELETE", f"{path}/web")
        made.gdcc("destroy", "--yes")


@pytest.mark.cluster
def test_a_live_address_leads_to_the_agency_whose_service_it_is(
    cluster: Cluster, estate: Estate, served: dict[str, Any]
) -> None:
    found = trace(estate, served["spec"]["clusterIP"], connect(cluster.kubeconfig))
    assert ("live service", "Service t9sx3obp-dev/web") in {(one.what, one.where) for one in found.traces}
    assert [tenant.agency for tenant in found.tenants] == ["ddc"]


@pytest.mark.cluster
def test_a_cluster_that_cannot_be_reached_is_said_and_the_files_still_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    incident("ddc", stack="local", live=True, as_json=False)
    told = capsys.readouterr().out
    assert "the cluster was not asked" in told
    assert "soc@ddc.go.th.example" in told
