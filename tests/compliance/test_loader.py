"""The catalogue's files: every mistake is told with file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gdcc.compliance.catalogue import load_catalogue
from gdcc.errors import GdccError
from gdcc.model import StackError

from .examples import CONTROLS, SOURCES, control, named


def write(root: Path, *controls: dict[str, object], sources: object = SOURCES) -> Path:
    folder = root / "policies/catalogue/controls"
    folder.mkdir(parents=True)
    for one in controls or CONTROLS:
        (folder / f"{one['id']}.yaml").write_text(yaml.safe_dump(one, allow_unicode=True, sort_keys=False))
    (folder.parent / "sources.yaml").write_text(yaml.safe_dump(sources, allow_unicode=True, sort_keys=False))
    return root


def told(root: Path) -> str:
    with pytest.raises(StackError) as error:
        load_catalogue(root)
    return error.value.message


def test_a_good_catalogue_is_read_in_the_order_of_its_ids(tmp_path: Path) -> None:
    found = load_catalogue(write(tmp_path))
    assert [one.id for one in found.controls] == [one["id"] for one in CONTROLS]
    assert found.clauses["CL 1"].provisional


def test_no_catalogue_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(GdccError, match=r"there is no policies/catalogue/sources\.yaml"):
        load_catalogue(tmp_path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"severity": "hgh"}, "GC-01.yaml:10:11: severity: `hgh` is not one of the values allowed; write `high`"),
        ({"sevrity": "high"}, "sevrity: there is no such field; write `severity`"),
        ({"clauses": ["CL 1", "CL 9"]}, "clauses[1]: no clause is `CL 9`; write `CL 1`"),
        ({"manual": {"th": "คน", "en": "a person"}}, "manual: checks that answer it and a reason why none does"),
        ({"checks": []}, "manual: neither checks nor a reason; write `checks`"),
        ({"title": {"th": "ไทย"}}, "title.en: this field is required"),
    ],
)
def test_a_mistake_in_a_control_is_told(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    one = control(1, "always", clauses=["CL 1", "PD 1"]) | changes
    message = told(write(tmp_path, one, control(2, "x", clauses=["CL 1", "PD 1"])))
    assert f"policies/catalogue/controls/GC-01.yaml:{''}" in message
    assert expected in message


def test_a_file_named_otherwise_than_its_control_is_told(tmp_path: Path) -> None:
    root = write(tmp_path)
    (root / "policies/catalogue/controls/GC-06.yaml").rename(root / "policies/catalogue/controls/GC-07.yaml")
    assert "id: the file is named `GC-07`; write `GC-07`" in told(root)


def test_a_clause_without_a_control_must_say_why(tmp_path: Path) -> None:
    message = told(write(tmp_path, control(1, "always")))
    assert "clauses.PD 1: no control answers this clause; write `uncovered:` with the reason" in message


def test_a_clause_that_is_answered_cannot_be_uncovered(tmp_path: Path) -> None:
    message = told(write(tmp_path, control(1, "always", clauses=["CL 1", "PD 1", "PD 2"])))
    assert "clauses.PD 2.uncovered: a control answers this clause" in message


def test_a_clause_of_an_unknown_source_is_told(tmp_path: Path) -> None:
    alone = {"summary": named("Unknown"), "provisional": True, "uncovered": named("None")}
    clauses: dict[str, object] = {**SOURCES["clauses"], "XX 1": alone}  # type: ignore[dict-item]
    assert "clauses.XX 1: no source is `XX`" in told(write(tmp_path, sources={**SOURCES, "clauses": clauses}))
