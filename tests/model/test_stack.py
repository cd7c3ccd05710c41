"""A stack's file and what Pulumi makes of it."""

from __future__ import annotations

import json

import pytest

from gdcc.errors import GdccError
from gdcc.model import StackError, StackSettings, load_settings, read_stack_file
from gdcc.model.problems import Problem

from .conftest import Project

LOCAL = "stacks/Pulumi.local.yaml"
MODELINE = "# yaml-language-server: $schema=schema/stack.schema.json\n"


def test_the_local_stack_takes_everything(project: Project) -> None:
    whole = StackSettings(agencies=("*",), layers=("tenancy", "services"), images="stand-in")
    assert load_settings(project.root, "local") == whole
    assert StackSettings().images == "by-digest"


def test_the_settings_arrive_the_same_through_pulumis_configuration(project: Project) -> None:
    content = read_stack_file(project.root, "local")["config"]
    assert isinstance(content, dict)
    as_pulumi_gives_it = {key: value if isinstance(value, str) else json.dumps(value) for key, value in content.items()}
    assert StackSettings.from_config(as_pulumi_gives_it) == load_settings(project.root, "local")
    assert StackSettings.from_config({"agencies": '["moph"]'}).agencies == ("moph",)


def test_configuration_of_other_namespaces_is_passed_over() -> None:
    assert StackSettings.from_config({"kubernetes:context": "x", "gdcc:agencies": '["mof"]'}).agencies == ("mof",)


@pytest.mark.parametrize(
    ("config", "field", "message"),
    [
        ({"gdcc:agency": '["*"]'}, "gdcc:agency", "no such field"),
        ({"gdcc:agencies": "*"}, "gdcc:agencies", "must be a list"),
        ({"gdcc:agencies": "[]"}, "gdcc:agencies", "must not be empty"),
        ({"gdcc:agencies": '["../.."]'}, "gdcc:agencies[0]", "chooses no agencies"),
        ({"gdcc:layers": '["tenacy"]'}, "gdcc:layers[0]", "not one of"),
    ],
)
def test_configuration_that_is_wrong_is_refused(config: dict[str, str], field: str, message: str) -> None:
    with pytest.raises(StackError) as caught:
        StackSettings.from_config(config)
    (problem,) = caught.value.problems
    assert (problem.field, problem.line) == (field, 0)
    assert message in problem.message


def test_the_whole_file_is_kept_for_the_engine(project: Project) -> None:
    project.write(
        LOCAL,
        MODELINE + "secretsprovider: passphrase\nencryptionsalt: v1:abc\nconfig:\n  kubernetes:context: c\n"
        '  gdcc:agencies: ["*"]\n  other:token:\n    secure: v1:xyz\n  other:port: 6443\n',
    )
    assert read_stack_file(project.root, "local") == {
        "secretsprovider": "passphrase",
        "encryptionsalt": "v1:abc",
        "config": {
            "kubernetes:context": "c",
            "gdcc:agencies": ["*"],
            "other:token": {"secure": "v1:xyz"},
            "other:port": 6443,
        },
    }
    assert project.problems() == []


@pytest.mark.parametrize(
    ("text", "line", "column", "field", "message", "suggestion"),
    [
        ("config:\n  gdcc:agencys: [x]\n", 3, 3, "config.gdcc:agencys", "no such field", "`gdcc:agencies`"),
        ("config:\n  gdcc:agencies: moph\n", 3, 18, "config.gdcc:agencies", "must be a list", "`- `"),
        ("config:\n  gdcc:agencies: [mof/x/y]\n", 3, 19, "config.gdcc:agencies[0]", "chooses no agencies", "`moph`"),
        ("config:\n  gdcc:agencies: [mopj]\n", 3, 19, "config.gdcc:agencies[0]", "the folder is empty", "`moph`"),
        ("config:\n  context: x\n", 3, 12, "config.context", "without a namespace", "`kubernetes:context`"),
        ("confg: {}\n", 2, 1, "confg", "no such field", "`config`"),
        ("backend: file://x\n", 2, 10, "backend", "must be a group", "indented"),
    ],
)
def test_a_stack_file_that_is_wrong_is_refused(
    project: Project, text: str, line: int, column: int, field: str, message: str, suggestion: str
) -> None:
    project.write(LOCAL, MODELINE + text)
    problem = project.problem()
    assert (problem.file, problem.line, problem.column, problem.field) == (LOCAL, line, column, field), str(problem)
    assert message in problem.message
    assert suggestion in problem.suggestion


@pytest.mark.parametrize("name", ["prod", "../local", "", "local.yaml"])
def test_a_stack_that_does_not_exist_is_a_usage_error_that_lists_those_that_do(project: Project, name: str) -> None:
    with pytest.raises(GdccError) as caught:
        load_settings(project.root, name)
    assert caught.value.exit_code == 2
    assert caught.value.hint == "stacks: local"


@pytest.mark.parametrize(
    ("patterns", "agencies"),
    [
        (("*",), ["bb", "ddc", "dms"]),
        (("moph",), ["ddc", "dms"]),
        (("moph/*",), ["ddc", "dms"]),
        (("moph/ddc",), ["ddc"]),
        (("mo*/dd?",), ["ddc"]),
        (("moph/dms", "opm", "moph/d*"), ["bb", "ddc", "dms"]),
    ],
)
def test_a_stack_takes_the_agencies_its_patterns_choose(
    project: Project, patterns: tuple[str, ...], agencies: list[str]
) -> None:
    project.request(("t7k2m9qx", "t0000001"), file="stacks/agencies/moph/dms.yaml")
    project.request(("t7k2m9qx", "t0000002"), ("ministry: moph", "ministry: opm"), file="stacks/agencies/opm/bb.yaml")
    assert sorted(tenant.agency for tenant in project.estate(*patterns).tenants) == agencies


def test_a_pattern_that_chooses_nothing_is_refused_when_the_estate_is_loaded(project: Project) -> None:
    with pytest.raises(StackError) as caught:
        project.estate("mof", "moph")
    assert caught.value.problems == (
        Problem(
            "stacks/agencies",
            0,
            0,
            "gdcc:agencies",
            "`mof` chooses no agency: the folder is empty or does not exist",
            "`moph`",
        ),
    )
    assert caught.value.exit_code == 1
