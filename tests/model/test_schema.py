"""The JSON Schemas that editors use: current, found from every file, and true of every file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gdcc.errors import GdccError
from gdcc.model import StackError
from gdcc.model import schema as schemas
from gdcc.model.source import read

from .conftest import REPOSITORY, Project

STACKS = REPOSITORY / "stacks"
FILES = [path for path in sorted(STACKS.rglob("*.yaml")) if schemas.modeline(path.relative_to(REPOSITORY).as_posix())]
SCHEMAS = sorted((STACKS / "schema").glob("*.schema.json"))


def schema_named_by(path: Path) -> Path:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    return (path.parent / first.partition("$schema=")[2]).resolve()


def test_the_committed_schemas_are_current() -> None:
    assert schemas.outdated(REPOSITORY) == [], "run `gdcc schema`"


def test_every_schema_is_a_schema() -> None:
    assert len(SCHEMAS) >= 6
    for path in SCHEMAS:
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_every_file_names_its_schema_in_its_first_line() -> None:
    assert len(FILES) >= 224
    for path in FILES:
        file = path.relative_to(REPOSITORY).as_posix()
        assert path.read_text(encoding="utf-8").split("\n", 1)[0] == schemas.modeline(file), file
        assert schema_named_by(path) in SCHEMAS, file


def test_every_file_satisfies_its_schema() -> None:
    validators: dict[Path, jsonschema.Draft202012Validator] = {}
    for path in FILES:
        named = schema_named_by(path)
        if named not in validators:
            validators[named] = jsonschema.Draft202012Validator(json.loads(named.read_text(encoding="utf-8")))
        validators[named].validate(read(path, REPOSITORY).data)
    assert len(validators) >= 6


@pytest.mark.parametrize(
    "change",
    [
        {"zone": "management"},
        {"zone": "gim"},
        {"size": "smal"},
        {"services": ["identity", "identity"]},
        {"services": ["identify"]},
        {"environments": []},
        {"data_class": "secret"},
        {"expires": "2027-01-31"},
        {"quota": {"dev": {"cpu": "4", "memory": "8Gi", "storage": "1Gi", "pods": 1}}},
        {"tenant": "ddc"},
        {"colour": "red"},
        {"size": "sandbox"},
        {"offers": [{"name": "Cases", "ports": [{"port": 8443}], "data_class": "ลับ"}]},
        {"offers": [{"name": "cases", "ports": [], "data_class": "ลับ"}]},
        {"egress": [{"ports": [{"port": 22}], "reason": {"th": "ก", "en": "a"}, "expires": "2027-06-30"}]},
        {"egress": [{"cidr": "203.0.113.0/28", "ports": [{"port": 0}], "expires": "2027-06-30"}]},
    ],
    ids=str,
)
def test_an_editor_sees_what_validate_refuses(change: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json.loads((STACKS / "schema/agency.schema.json").read_text("utf-8")))
    request = yaml.safe_load((STACKS / "agencies/moph/ddc.yaml").read_text("utf-8"))
    request["impact"]["reviewed"] = str(request["impact"]["reviewed"])
    assert validator.is_valid(request)
    assert not validator.is_valid(request | change)


@pytest.mark.parametrize(("kind", "fields"), [("agency", 18), ("agreement", 14)])
def test_the_fields_that_officials_fill_in_are_explained_in_thai_and_english(kind: str, fields: int) -> None:
    schema = json.loads((STACKS / f"schema/{kind}.schema.json").read_text("utf-8"))
    unexplained = []
    for name, field in schema["properties"].items():
        words = field.get("description") or schema["$defs"][field["$ref"].rsplit("/")[-1]]["description"]
        if " / " not in words or not any("ก" <= letter <= "๙" for letter in words):
            unexplained.append(name)
    assert len(schema["properties"]) >= fields
    assert unexplained == []


def test_a_name_added_to_the_platform_makes_the_schemas_outdated_until_they_are_written(project: Project) -> None:
    assert schemas.write(project.root), "a tree without schemas gets them"
    assert schemas.outdated(project.root) == []
    project.write("stacks/platform/services/maps.yaml", (STACKS / "platform/services/mail.yaml").read_bytes())
    assert schemas.outdated(project.root) == ["stacks/schema/agency.schema.json", "stacks/schema/identity.schema.json"]
    assert schemas.write(project.root) == ["stacks/schema/agency.schema.json", "stacks/schema/identity.schema.json"]
    assert schemas.write(project.root) == [], "a second run changes nothing"


def test_schemas_are_not_written_from_a_platform_that_has_problems(project: Project) -> None:
    (project.root / "stacks/platform/zones.yaml").write_text("zones: []\n")
    with pytest.raises(StackError):
        schemas.write(project.root)
    assert not (project.root / "stacks/schema").exists()


@pytest.mark.parametrize("first", ["", "# a comment\n", "# yaml-language-server: $schema=agency.schema.json\n"])
def test_a_file_that_does_not_name_its_schema_is_warned_about(project: Project, first: str) -> None:
    path = project.root / "stacks/agencies/moph/ddc.yaml"
    path.write_text(first + path.read_text().split("\n", 1)[1])
    problem = project.problem()
    assert (problem.severity, problem.line) == ("warning", 1)
    assert problem.suggestion == "`# yaml-language-server: $schema=../../schema/agency.schema.json`"


def test_a_full_disk_leaves_the_old_schemas_whole_and_no_debris(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas.write(project.root)
    folder = project.root / "stacks/schema"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    project.write("stacks/platform/services/maps.yaml", (STACKS / "platform/services/mail.yaml").read_bytes())

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(GdccError, match="No space left on device") as caught:
        schemas.write(project.root)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
