"""The folders: what is out of place, claimed twice or empty."""

from __future__ import annotations

import os

import pytest

from gdcc.errors import GdccError
from gdcc.model import validate

from .conftest import REQUEST, TODAY, Project


def test_an_empty_folder_is_refused(project: Project) -> None:
    (project.root / "stacks/agencies/mof").mkdir()
    problem = project.problem()
    assert (problem.file, problem.message) == ("stacks/agencies/mof", "an empty folder")
    assert "remove it" in problem.suggestion


def test_a_tree_in_which_nobody_asks_for_anything_is_refused(project: Project) -> None:
    (project.root / "stacks/agencies/moph/ddc.yaml").unlink()
    (project.root / "stacks/agencies/moph").rmdir()
    assert "no agency asks for anything" in project.problems()[0].message


def test_a_folder_of_no_ministry_is_refused_once_for_all_its_files(project: Project) -> None:
    (project.root / "stacks/agencies/moph").rename(project.root / "stacks/agencies/mophh")
    problem = project.problem()
    assert problem.file == "stacks/agencies/mophh"
    assert "no ministry is named `mophh`" in problem.message
    assert problem.suggestion == "`moph`"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("DDC.yaml", "`ddc.yaml`"),
        ("d_d_c.yaml", "`d-d-c.yaml`"),
        ("-ddc.yaml", "`ddc.yaml`"),
        ("กรมควบคุมโรค.yaml", "a short English name"),
        ("d" * 41 + ".yaml", "`" + "d" * 40 + ".yaml`"),
    ],
)
def test_a_name_that_is_no_dns_label_is_refused(project: Project, name: str, suggestion: str) -> None:
    path = project.root / "stacks/agencies/moph/ddc.yaml"
    path.rename(path.with_name(name))
    problem = project.problem()
    assert problem.file == f"stacks/agencies/moph/{name}"
    assert "the file's name is no id" in problem.message
    assert suggestion in problem.suggestion


def test_a_name_that_is_not_even_text_is_told_without_harm_to_the_terminal(project: Project) -> None:
    folder = os.fsencode(project.root / "stacks/agencies/moph")
    os.rename(folder + b"/ddc.yaml", folder + b"/d\xff\x1b[31m.yaml")
    problem = project.problem()
    assert problem.file == "stacks/agencies/moph/d\\xff\\u001b[31m.yaml"
    str(problem).encode("utf-8")


@pytest.mark.parametrize(
    ("file", "message", "suggestion"),
    [
        ("stacks/agencies/moph/dms.yml", "not a .yaml file", "`dms.yaml`"),
        ("stacks/agencies/moph/notes.txt", "not a .yaml file", "elsewhere"),
        ("stacks/agencies/README.md", "not a ministry's folder", "a folder per ministry"),
        ("stacks/platform/services/notify.json", "not a .yaml file", "elsewhere"),
    ],
)
def test_a_file_out_of_place_is_refused(project: Project, file: str, message: str, suggestion: str) -> None:
    project.write(file, REQUEST)
    problem = project.problem()
    assert problem.file == file
    assert message in problem.message
    assert suggestion in problem.suggestion


def test_a_folder_inside_a_ministrys_folder_is_refused(project: Project) -> None:
    project.write("stacks/agencies/moph/centre/one.yaml", REQUEST)
    assert "a folder where only files belong" in project.problem().message


def test_two_files_that_claim_one_tenant_id_are_both_named_and_a_free_id_is_offered(project: Project) -> None:
    project.request(file="stacks/agencies/moph/dms.yaml")
    problem = project.problem()
    assert (problem.file, problem.line, problem.column) == ("stacks/agencies/moph/dms.yaml", 2, 9)
    assert "`t7k2m9qx` is claimed by stacks/agencies/moph/ddc.yaml too" in problem.message
    offered = problem.suggestion.split("`")[1]
    project.request(("t7k2m9qx", offered), file="stacks/agencies/moph/dms.yaml")
    assert project.problems() == [], "the id offered is free and well-formed"


def test_a_claim_is_seen_even_when_the_file_has_other_problems(project: Project) -> None:
    project.request(("zone: gin", "zone: nowhere"), file="stacks/agencies/moph/dms.yaml")
    assert [one.field for one in project.problems()] == ["tenant", "zone"]


def test_one_agency_id_in_two_ministries_is_refused(project: Project) -> None:
    project.request(("t7k2m9qx", "t0000000"), ("ministry: moph", "ministry: mof"), file="stacks/agencies/mof/ddc.yaml")
    problem = project.problem()
    assert "the agency id `ddc` is the name of stacks/agencies/mof/ddc.yaml too" in problem.message


def test_a_renamed_file_and_title_keep_the_tenant(project: Project) -> None:
    before = project.estate().tenants[0]
    (project.root / "stacks/agencies/moph/ddc.yaml").unlink()
    project.request(("en: Department of Disease Control", "en: Disease Agency"), file="stacks/agencies/moph/da.yaml")
    after = project.estate().tenants[0]
    assert (before.agency, after.agency) == ("ddc", "da")
    assert before.id == after.id


def test_only_the_paths_asked_for_are_reported_but_references_are_checked_everywhere(project: Project) -> None:
    project.request(("zone: gin", "zone: nowhere"), ("t7k2m9qx", "t0000000"), file="stacks/agencies/moph/dms.yaml")
    project.request(file="stacks/agencies/moph/hss.yaml")
    agencies = project.root / "stacks/agencies"

    def fields(*names: str) -> list[str]:
        return [one.field for one in validate(project.root, [agencies / name for name in names], TODAY).problems]

    assert fields("moph/ddc.yaml") == []
    assert fields("moph/dms.yaml") == ["zone"]
    assert fields("moph/hss.yaml") == ["tenant"], "the other claimant was not asked for, and still counts"
    assert fields("moph") == fields() == ["zone", "tenant"]


def test_a_platform_file_with_problems_is_reported_whatever_is_asked(project: Project) -> None:
    zones = project.root / "stacks/platform/zones.yaml"
    zones.write_text(zones.read_text().replace("tenants: true", "tenants: maybe", 1))
    problems = validate(project.root, [project.root / "stacks/agencies"], TODAY).problems
    assert [one.field for one in problems] == ["zones[0].tenants"], "and no file is blamed for naming a zone"


@pytest.mark.parametrize("path", ["stacks/agencies/moph/none.yaml", "Pulumi.yaml", "/etc/passwd"])
def test_a_path_that_is_no_stack_file_is_a_usage_error(project: Project, path: str) -> None:
    with pytest.raises(GdccError) as caught:
        validate(project.root, [project.root / path], TODAY)
    assert caught.value.exit_code == 2
    assert path.rsplit("/", 1)[-1] in caught.value.message
