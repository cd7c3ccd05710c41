"""Templates of messages as stack files: what is wrong in them, whose they are, and what the notify service gets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.services import notify
from gdcc.model import StackSettings, load_estate
from gdcc.model.templates import MOST, mounted
from gdcc.notify.templates import Library

from ..network.conftest import marked
from .conftest import REPOSITORY, TODAY, Project

FILE = "stacks/notify/ddc.yaml"
ID = "6f0c2b9e-3d64-4e0b-8a55-1c7f5e2d9a0"
CASES = {
    "no such agency": (
        "agency: moph/ddc",
        "agency: §moph/dcd",
        "agency",
        "no agency is named `moph/dcd`",
        "`moph/ddc`",
    ),
    "the ministry of another": ("agency: moph/ddc", "agency: §mod/ddc", "agency", "no agency is named", "`moph/ddc`"),
    "a placeholder that one language lacks": (
        "            body: Your code is ((code)), valid for ((minutes)) minutes. Tell it to nobody.",
        "            §body: Your code is ((code)). Tell it to nobody.",
        "templates[1].versions[0].texts.en",
        "has no `((minutes))`, which the other language has",
        "the same placeholders in both",
    ),
    "an e-mail without a subject": (
        "            subject: Vaccination appointment on ((day))\n            body: |\n              Dear",
        "            §body: |\n              Dear",
        "templates[0].versions[0].texts.en",
        "an e-mail has a subject",
        "",
    ),
    "no address": ("tester@ddc.go.th.example", "§tester", "allowed[0]", "`tester` is no recipient", "e-mail address"),
    "no mobile": ("081-234-5678", "§02-590-1234", "allowed[1]", "`02-590-1234` is no recipient", "`081-234-5678`"),
    "an id twice": (f"id: {ID}2", f"id: §{ID}1", "templates[1].id", f"the id `{ID}1` is that of", "a new UUID"),
    "an id that is none": (f"id: {ID}2", "id: §code", "templates[1].id", "", ""),
    "a channel that is none": ("type: sms", "type: §fax", "templates[1].type", "not one of the values", "`sms`"),
}


@pytest.fixture
def written(project: Project) -> Path:
    return project.write(FILE, (REPOSITORY / FILE).read_bytes())


def test_the_example_is_right_and_in_two_languages(project: Project, written: Path) -> None:
    assert project.problems() == []
    (file,) = project.estate().templates.values()
    assert {one.type for one in file.templates} == {"email", "sms", "line"}
    assert all(set(one.newest.texts) == {"th", "en"} for one in file.templates)


@pytest.mark.parametrize(("old", "new", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused(
    project: Project, written: Path, old: str, new: str, field: str, message: str, remedy: str
) -> None:
    text = written.read_text()
    assert text.count(old) == 1
    written.write_text(text.replace(old, new))
    problem = marked(project, written)
    assert (problem.field, problem.severity) == (field, "error"), str(problem)
    assert message in problem.message
    assert remedy in problem.suggestion


def test_a_file_by_another_name_says_whose_it_is(project: Project, written: Path) -> None:
    project.request(("t7k2m9qx", "t0dms000"), file="stacks/agencies/moph/dms.yaml")
    written.rename(written.with_name("dms.yaml"))
    problem = project.problem()
    assert problem.message == "the templates of `ddc` in the file of `dms`"
    assert problem.suggestion.startswith("the file as `ddc.yaml`")


def test_templates_of_an_agency_that_does_not_bind_notify_are_a_warning_and_reach_no_pod(
    project: Project, written: Path
) -> None:
    project.request(("  - notify\n", ""))
    problem = project.problem()
    assert (problem.file, problem.severity, problem.field) == (FILE, "warning", "agency")
    assert "`moph/ddc` does not bind `notify`" in problem.message
    assert "stacks/agencies/moph/ddc.yaml" in problem.suggestion
    assert notify.templates(project.estate()) == {}


def test_an_agency_of_another_stack_is_no_mistake(project: Project, written: Path) -> None:
    project.request(("t7k2m9qx", "t0dms000"), file="stacks/agencies/moph/dms.yaml")
    assert project.estate("moph/dms").templates == {}


def test_what_is_mounted_is_what_the_notify_service_reads(tmp_path: Path) -> None:
    estate = load_estate(REPOSITORY, StackSettings(), TODAY)
    files = notify.templates(estate)
    assert files.keys() == {"ddc.yaml"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    shelf = Library.read(tmp_path).of("moph/ddc")
    assert sorted(one.name for one in shelf) == sorted(one.name for one in estate.templates["ddc"].templates)
    assert {one.newest.language for one in shelf} == {"th"}
    assert all("กรมควบคุมโรค" in text for text in files.values()), "Thai as it is written, not in escapes"


def wordy(size: int) -> dict[str, Any]:
    """Templates of about so many bytes."""
    text = {"th": {"body": "ก" * 19_000}}  # three bytes each
    stamped = {"version": 1, "created": "2026-11-02T09:00:00+07:00", "texts": text}
    return {
        "agency": "",
        "templates": [{"id": "", "name": "ยาว", "type": "sms", "versions": [stamped]} for _ in range(size // 57_000)],
    }


def test_more_than_a_configmap_holds_is_told_in_words_before_anything_is_applied(project: Project) -> None:
    count = 0
    for number in range(6):
        agency = f"a{number}"
        project.request(("t7k2m9qx", f"t000000{number}"), file=f"stacks/agencies/moph/{agency}.yaml")
        file = wordy(4 * 57_000) | {"agency": f"moph/{agency}"}
        for one in file["templates"]:
            count += 1
            one["id"] = f"6f0c2b9e-3d64-4e0b-8a55-{count:012d}"
        first = "# yaml-language-server: $schema=../schema/templates.schema.json\n"
        text = json.dumps(file, ensure_ascii=False)
        project.write(f"stacks/notify/{agency}.yaml", first + text)
    problem = project.problem()
    assert (problem.file, problem.severity) == ("stacks/notify", "error")
    assert "all templates together are 1,3" in problem.message
    assert "takes 1,024.0 KiB" in problem.message
    assert "the largest is stacks/notify/a0.yaml" in problem.suggestion
    (project.root / "stacks/notify/a5.yaml").unlink()
    (project.root / "stacks/notify/a4.yaml").unlink()
    held = mounted(project.estate().templates)
    assert MOST * 0.8 < sum(len(text.encode()) for text in held.values()) <= MOST


def test_the_program_reads_templates_without_what_the_service_runs_on() -> None:
    code = (
        "import sys, json, components.services.notify, gdcc.model.templates\n"
        "print(json.dumps([one for one in ('starlette', 'apprise', 'psycopg', 'uvicorn', 'jwt', 'gdcc.notify.api')"
        " if one in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert json.loads(done.stdout) == []
