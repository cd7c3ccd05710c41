"""`pytest -m compliance`: the whole of `gdcc comply` on a local cloud, and a test for each control of the catalogue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gdcc.cluster import Cluster
from gdcc.compliance import pack as packs
from gdcc.compliance import reports
from gdcc.compliance.catalogue import load_catalogue
from gdcc.compliance.commands import comply
from gdcc.compliance.evidence import State
from gdcc.compliance.groups import groups_of, verdict
from gdcc.compliance.pack import Pack
from tests.checkout import Checkout

from .examples import REPOSITORY

pytestmark = [pytest.mark.compliance, pytest.mark.cluster]

CATALOGUE = load_catalogue(REPOSITORY)


@dataclass(frozen=True)
class Ran:
    """What `gdcc comply` did."""

    exit_code: int
    told: str
    folder: Path
    pack: Pack


@pytest.fixture(scope="module")
def ran(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The real program with four agencies, applied and looked at as anybody would."""
    root = tmp_path_factory.mktemp("comply")
    stack = Checkout.make(root, "moph/ddc", "moph/dms", "mof/rd", "mod/rta", project="comply")
    shutil.copytree(REPOSITORY / "policies", root / "policies", ignore=shutil.ignore_patterns("__pycache__"))
    stack.environment["GDCC_STATE"] = str(cluster.state)
    stack.gdcc("up", "--yes")
    app = typer.Typer()
    app.add_typer(comply, name="comply")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("GDCC_STATE", str(cluster.state))
        patch.delenv("KUBECONFIG", raising=False)
        result = CliRunner().invoke(app, ["comply", "--out", "evidence"], env={"COLUMNS": "200"})
    try:
        yield Ran(result.exit_code, result.output, root / "evidence", packs.read(root / "evidence"))
    finally:
        stack.gdcc("destroy", "--yes")


@pytest.mark.parametrize("control", [control.id for control in CATALOGUE.controls])
def test_a_control_holds_on_the_local_cloud(ran: Ran, control: str) -> None:
    records = ran.pack.by_control.get(control, ())
    assert records, "every control has a record, whatever it says"
    worst = verdict(records)
    told = "; ".join(f"{one.check}: {one.answers[0]}" for one in groups_of(records) if one.state is worst)
    assert worst is not State.FAIL, told
    if worst in (State.MANUAL, State.NOT_RUN):
        pytest.skip(f"{worst.value}: {told}")


def test_most_controls_are_answered_without_a_person(ran: Ran) -> None:
    """All but those of nodes and services, which have suites of their own, and what needs an exercise."""
    answered = {record.control for record in ran.pack.records if record.state in (State.PASS, State.FAIL)}
    assert len(answered) >= 39, sorted({control.id for control in CATALOGUE.controls} - answered)


def test_every_record_is_of_a_control_and_a_check_that_the_catalogue_names(ran: Ran) -> None:
    checks = {control.id: {*control.checks} or {"manual"} for control in CATALOGUE.controls}
    assert {record.control for record in ran.pack.records} == checks.keys()
    assert all(record.check in checks[record.control] for record in ran.pack.records)


def test_the_exit_code_says_whether_something_fails(ran: Ran) -> None:
    assert ran.exit_code == (1 if ran.pack.counts[State.FAIL] else 0), ran.told


def test_it_looked_at_the_cluster_and_noted_reach_and_privileges(ran: Ran) -> None:
    assert ran.pack.run.cluster.startswith("https://")
    assert ran.pack.run.tools["kubernetes"].startswith("v1.")
    assert ran.pack.run.facts["reach"]
    assert ran.pack.run.facts["privileges"]["bindings"]


def test_all_reports_are_there_and_count_the_same(ran: Ran) -> None:
    from .test_reports import COUNTERS  # noqa: PLC0415

    expected = {state.value: number for state, number in ran.pack.counts.items() if number}
    for name in reports.REPORTS:
        content = (ran.folder / name).read_bytes()
        assert content == reports.REPORTS[name](ran.pack), f"{name} is made from the evidence alone"
        if name in COUNTERS:
            assert {state: number for state, number in COUNTERS[name](content).items() if number} == expected


def test_no_secret_is_in_the_evidence(ran: Ran) -> None:
    text = (ran.folder / packs.FILE).read_text()
    assert "BEGIN PRIVATE KEY" not in text
    assert "BEGIN RSA PRIVATE KEY" not in text
    for line in text.splitlines():
        assert json.loads(line)["record"] in ("run", "evidence")
