"""`gdcc validate` and `gdcc schema` as a person or a pipeline runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gdcc.errors import GdccError
from gdcc.model.commands import schema, validate

from .conftest import Project

Run = Callable[..., Result]
FILE = "stacks/agencies/moph/ddc.yaml"


@pytest.fixture
def run(project: Project, monkeypatch: pytest.MonkeyPatch) -> Run:
    app = typer.Typer()
    app.command()(validate)
    app.command()(schema)
    monkeypatch.chdir(project.root)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_good_tree_gives_one_line_with_the_totals(run: Run) -> None:
    result = run("validate")
    assert result.exit_code == 0
    assert result.stdout == "1 agency, 2 namespaces, 24 vCPU asked of 198,000: no problems\n"


def test_each_error_is_one_line_that_an_editor_can_open(project: Project, run: Run) -> None:
    project.request(("zone: gin", "zone: gim"), ("data_class: ลับ", "data_class: ลัป"))
    result = run("validate")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{FILE}:29:13: error: data_class: `ลัป` is no data class; write `ลับ`",
        f"{FILE}:30:7: error: zone: no tenant zone is named `gim`; write `gin`",
        "23 files: 2 errors, 0 warnings",
    ]


def test_json_carries_the_same_problems_and_the_totals(project: Project, run: Run) -> None:
    project.request(("zone: gin", "zone: gim"))
    result = run("validate", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["problems"] == [
        {
            "file": FILE,
            "line": 30,
            "column": 7,
            "field": "zone",
            "message": "no tenant zone is named `gim`",
            "suggestion": "`gin`",
            "severity": "error",
        }
    ]
    assert report["summary"] == {"files": 23, "tenants": None, "errors": 1, "warnings": 0}


def test_json_of_a_good_tree_counts_its_tenants(run: Run) -> None:
    result = run("validate", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "problems": [],
        "summary": {"files": 23, "tenants": 1, "errors": 0, "warnings": 0},
    }


def test_warnings_alone_are_a_success(project: Project, run: Run) -> None:
    project.request(("2026-01-15", "2020-01-15"))
    result = run("validate")
    assert result.exit_code == 0
    assert ": warning: impact.reviewed: " in result.stdout
    assert result.stdout.endswith("0 errors, 1 warning\n")


def test_a_path_can_be_given_from_any_folder(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    project.request(("zone: gin", "zone: gim"))
    project.request(("t7k2m9qx", "t0000000"), file="stacks/agencies/moph/dms.yaml")
    monkeypatch.chdir(project.root / "stacks/agencies")
    assert run("validate", "moph/ddc.yaml").exit_code == 1
    good = run("validate", "moph/dms.yaml")
    assert good.exit_code == 0
    assert "no problems in the files asked for, and errors in others" in good.stdout


def test_a_path_that_does_not_exist_is_a_usage_error(run: Run) -> None:
    result = run("validate", "stacks/agencies/none")
    assert isinstance(result.exception, GdccError)
    assert result.exception.exit_code == 2
    assert "does not exist" in result.exception.message


def test_validating_changes_nothing(project: Project, run: Run) -> None:
    project.request(("zone: gin", "zone: gim"))
    before = contents(project.root)
    run("validate")
    run("validate", "--json")
    run("schema", "--check")
    assert contents(project.root) == before


def test_markup_in_a_value_is_shown_as_it_was_written(project: Project, run: Run) -> None:
    project.request(("zone: gin", 'zone: "[red]x[/]"'))
    assert "`[red]x[/]`" in run("validate").stdout


def test_schemas_are_written_once_and_then_checked(run: Run) -> None:
    refused = run("schema", "--check")
    assert isinstance(refused.exception, GdccError)
    assert refused.exception.exit_code == 1
    assert "wrote stacks/schema/agency.schema.json" in run("schema").stdout
    assert run("schema").stdout == run("schema", "--check").stdout == "the schemas are up to date\n"


def test_the_help_shows_examples(run: Run) -> None:
    for verb in ("validate", "schema"):
        assert f"gdcc {verb}" in run(verb, "--help").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_behind_the_output_is_one_clear_error(project: Project) -> None:
    program = (
        "import sys, typer\nfrom gdcc.errors import GdccError\nfrom gdcc.model.commands import validate\n"
        "try:\n    typer.run(validate)\nexcept GdccError as error:\n"
        "    print(error.message, file=sys.stderr)\n    sys.exit(error.exit_code)\n"
    )
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            cwd=project.root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_full_disk_behind_the_schemas_is_an_environment_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    result = run("schema")
    assert isinstance(result.exception, GdccError)
    assert result.exception.exit_code == 2
