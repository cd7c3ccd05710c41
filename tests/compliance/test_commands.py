"""`gdcc comply`, `verify` and `approve` as a reviewer or a pipeline runs them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gdcc.compliance import commands, reports
from gdcc.compliance.check import Check
from gdcc.compliance.commands import comply
from gdcc.compliance.evidence import State
from gdcc.errors import GdccError
from gdcc.model.approval import FOLDER

from .examples import CHECKS, REPOSITORY, control, seen
from .test_loader import write

Run = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two agencies, a small catalogue and the checks of these tests; no cluster answers."""
    shutil.copytree(REPOSITORY / "stacks/platform", tmp_path / "stacks/platform")
    shutil.copytree(REPOSITORY / "stacks/schema", tmp_path / "stacks/schema")
    shutil.copy(REPOSITORY / "stacks/Pulumi.local.yaml", tmp_path / "stacks")
    for agency in ("mof/rd", "moph/ddc"):
        target = tmp_path / f"stacks/agencies/{agency}.yaml"
        target.parent.mkdir(parents=True)
        shutil.copy(REPOSITORY / f"stacks/agencies/{agency}.yaml", target)
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(REPOSITORY / name, tmp_path)
    write(tmp_path, control(1, "always"), control(2, "each-namespace"), control(3, "nobody", clauses=["CL 1", "PD 1"]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GDCC_STATE", str(tmp_path / "no-control-plane"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(commands, "CHECKS", CHECKS)
    return tmp_path


@pytest.fixture
def run(root: Path) -> Run:
    app = typer.Typer()
    app.add_typer(comply, name="comply")
    return lambda *arguments: CliRunner().invoke(app, ["comply", *arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.fixture
def good(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check passes."""
    del root  # only has to come first
    passing = [Check(one.id, lambda _: [seen(State.PASS, "local")]) for one in CHECKS]
    monkeypatch.setattr(commands, "CHECKS", passing)


def test_findings_are_told_and_the_exit_code_is_1(run: Run, root: Path) -> None:
    result = run("--out", "pack")
    assert result.exit_code == 1, result.output
    assert "GC-01    fail" in result.stdout
    assert "fail: GC-02 each-namespace: " in result.stdout
    assert sorted(path.name for path in (root / "pack").iterdir()) == sorted(["evidence.jsonl", *reports.REPORTS])


@pytest.mark.usefixtures("good")
def test_nothing_that_fails_is_exit_code_0_and_the_default_folder_is_evidence(run: Run, root: Path) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert (root / "evidence/report.html").is_file()
    assert "no cluster answers" in result.stdout


def test_json_is_one_object_with_every_count(run: Run) -> None:
    result = run("--json", "--control", "GC-02")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["filters"] == {"control": "GC-02"}
    assert sum(told["counts"].values()) == told["records"]
    assert [one["id"] for one in told["controls"]] == ["GC-02"]
    assert told["evidence"].startswith("sha256:")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--control", "GC-99"), "no control is `GC-99`"),
        (("--framework", "nothing"), "no framework is `nothing`"),
        (("--stack", "nowhere"), "no stack is named 'nowhere'"),
        (("--since", "nowhere"), "there is no evidence at nowhere"),
        (("--nodes", "nowhere.yaml"), "nowhere.yaml does not exist"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, GdccError)
    assert told in result.exception.message
    assert result.exception.exit_code == 2
    assert result.exception.hint


@pytest.mark.usefixtures("good")
def test_a_bad_waiver_makes_it_fail_though_every_check_passes(run: Run, root: Path) -> None:
    from .test_waivers import GOOD  # noqa: PLC0415

    (root / "stacks/waivers").mkdir()
    (root / "stacks/waivers/late.yaml").write_text(GOOD.replace("2026-12-31", "2026-10-02"))
    (root / "stacks/waivers/wide.yaml").write_text(GOOD.replace("mof/rd", "mof/*"))
    result = run()
    assert result.exit_code == 1
    assert "waiver: stacks/waivers/late.yaml:18:10: expires: expired " in result.stdout
    assert "waiver: stacks/waivers/wide.yaml:4:11: match.agency: `mof/*` is too wide" in result.stdout


def test_a_reviewer_approves_verifies_and_sees_the_difference(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--out", "first")
    who = ("--name", "CISO", "--email", "ciso@dga.or.th.example", "--evidence", "first")
    printed = run("approve", *who)
    assert printed.exit_code == 0, printed.output
    assert printed.stdout.startswith("# yaml-language-server: $schema=../schema/approval.schema.json\nstack: local\n")
    assert not (root / FOLDER).exists()
    assert "wrote stacks/approvals/0001.yaml" in run("approve", *who, "--write").stdout
    assert (root / FOLDER / "0001.yaml").read_text() == printed.stdout
    verified = run("verify", "--evidence", "first")
    assert verified.exit_code == 0, verified.output
    assert "approved by CISO" in verified.stdout
    assert "1 approvals: the chain is whole" in verified.stdout
    regressed = [one for one in CHECKS if one.id != "nobody"]
    regressed.append(Check("nobody", lambda _: [seen(State.FAIL, "local")]))
    monkeypatch.setattr(commands, "CHECKS", regressed)
    changed = run("--since", "first")
    assert "(approved by CISO on " in changed.stdout
    assert "- GC-03 nobody local: not-applicable → fail" in changed.stdout
    assert json.loads(run("--since", "first", "--json").stdout)["since"]["regressed"][0]["control"] == "GC-03"


def test_verify_names_a_record_that_was_changed(run: Run, root: Path) -> None:
    run("--out", "first")
    run("approve", "--name", "CISO", "--email", "ciso@dga.or.th.example", "--evidence", "first", "--write")
    path = root / "first/evidence.jsonl"
    path.write_text(path.read_text().replace('"state":"fail"', '"state":"pass"'))
    result = run("verify", "--evidence", "first")
    assert isinstance(result.exception, GdccError)
    assert result.exception.exit_code == 1
    assert "evidence.jsonl:2: changed after it was written (GC-01 always" in result.exception.message


def test_verify_without_approvals_says_that_there_are_none(run: Run) -> None:
    assert "0 approvals: the chain is whole" in run("verify").stdout


def test_the_help_shows_examples_and_every_option(run: Run) -> None:
    told = run("--help").stdout
    for word in ("--stack", "--control", "--framework", "--out", "--nodes", "--since", "--json", "Examples:", "verify"):
        assert word in told
    for verb in ("verify", "approve"):
        assert f"gdcc comply {verb}" in run(verb, "--help").stdout


def test_a_control_that_answers_nothing_of_a_framework_is_told_with_what_it_does_answer(run: Run) -> None:
    result = run("--control", "GC-01", "--framework", "pdpa")
    assert isinstance(result.exception, GdccError)
    assert "GC-01 answers nothing of `pdpa`" in result.exception.message


def test_a_run_of_what_only_people_can_look_at_still_makes_every_report(run: Run, root: Path) -> None:
    shutil.rmtree(root / "policies")
    write(root, control(1), control(2, "each-namespace", clauses=["PD 1"]))
    result = run("--out", "pack", "--control", "GC-01")
    assert result.exit_code == 0, (result.output, result.exception)
    assert {path.name for path in (root / "pack").iterdir()} >= {"evidence.jsonl", *reports.REPORTS}
