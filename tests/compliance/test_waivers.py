"""Waivers: every bad one is told with file, line and field, and what covers nothing stops `gdcc comply`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from gdcc.compliance.evidence import State, Target
from gdcc.compliance.waiving import covers
from gdcc.model import Problem, load_estate, validate
from gdcc.model.stack import StackSettings
from gdcc.model.waiver import LONGEST_TERM, Match

from .examples import REPOSITORY, Terms, estate, looked, seen, with_check

TODAY = date(2026, 11, 21)
FILE = "stacks/waivers/rd-seccomp.yaml"
GOOD = """\
# yaml-language-server: $schema=../schema/waiver.schema.json
control: GC-02
match:
  agency: mof/rd
reason:
  th: ระบบเดิมยังปรับไม่เสร็จ
  en: The old system is being changed
compensating:
  th: เฝ้าระวังตลอดเวลา
  en: It is watched around the clock
author:
  name: หัวหน้ากลุ่มพัฒนาระบบ
  email: lead@rd.go.th.example
approver:
  name: ผู้อำนวยการด้านความมั่นคงปลอดภัย
  email: ciso@dga.or.th.example
created: 2026-10-01
expires: 2026-12-31
"""
CONTROL = "id: GC-{:02d}\nobligation: {}\n"

Tree = Callable[[str], list[Problem]]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Looks at a project with two agencies, two controls, and a waiver."""
    shutil.copytree(REPOSITORY / "stacks/platform", tmp_path / "stacks/platform")
    for agency in ("mof/rd", "moph/ddc"):
        target = tmp_path / f"stacks/agencies/{agency}.yaml"
        target.parent.mkdir(parents=True)
        shutil.copy(REPOSITORY / f"stacks/agencies/{agency}.yaml", target)
    controls = tmp_path / "policies/catalogue/controls"
    controls.mkdir(parents=True)
    for number, obligation in ((1, "must"), (2, "should")):
        (controls / f"GC-{number:02d}.yaml").write_text(CONTROL.format(number, obligation))
    (tmp_path / "stacks/waivers").mkdir()

    def look(text: str) -> list[Problem]:
        (tmp_path / FILE).write_text(text)
        return [one for one in validate(tmp_path, today=TODAY).problems if one.file.startswith("stacks/waivers")]

    look.root = tmp_path  # type: ignore[attr-defined]
    return look


def test_a_good_waiver_has_no_problem(tree: Tree) -> None:
    assert tree(GOOD) == []


NAMESPACE = "  namespace: {}-prod".format(next(one.id for one in estate().tenants if one.agency == "rd"))
BAD = {
    "unknown control": ("GC-02", "GC-03", 2, "control: no control is `GC-03`; write `GC-02`"),
    "no id of a control": ("GC-02", "seccomp", 2, "control: `seccomp` is no control's id; write two letters"),
    "a control that must hold": ("GC-02", "GC-01", 2, "control: `GC-01` must hold, so it is never waived"),
    "a ministry": ("mof/rd", "mof", 4, "match.agency: `mof` is too wide: more than one agency; write one agency"),
    "every agency of a ministry": ("mof/rd", "mof/*", 4, "match.agency: `mof/*` is too wide: more than one agency"),
    "everything": ("mof/rd", '"*"', 4, "match.agency: `*` is too wide: more than one agency"),
    "an agency that is not there": ("mof/rd", "mof/rdd", 4, "match.agency: no agency is `mof/rdd`; write `mof/rd`"),
    "some namespaces": ("  agency: mof/rd", '  namespace: "t*-prod"', 4, "match.namespace: `t*-prod` is too wide"),
    "every object": (
        "  agency: mof/rd",
        '  object: "*"',
        4,
        "match.object: `*` is too wide: a `*` may stand only",
    ),
    "a namespace's objects": ("  agency: mof/rd", '  object: "Pod a-prod/*"', 4, "match.object: `Pod a-prod/*` is too"),
    "objects of all namespaces": ("  agency: mof/rd", '  object: "Pod */web"', 4, "match.object: `Pod */web` is too"),
    "two matchers": ("  agency: mof/rd", "  agency: mof/rd\n  object: Pod a/b", 4, "match: a waiver covers one thing"),
    "no reason in Thai": ("  th: ระบบเดิมยังปรับไม่เสร็จ\n", "", 5, "reason.th: this field is required"),
    "no compensating control": ("compensating:", "instead:", 8, "instead: there is no such field"),
    "approved by its author": ("ciso@dga.or.th.example", "LEAD@rd.go.th.example", 16, "wrote this waiver"),
    "approved by the author's agency": (
        "ciso@dga.or.th.example",
        "dg@rd.go.th.example",
        16,
        "the author's own agency",
    ),
    "approved by a part of it": ("ciso@dga.or.th.example", "dg@it.rd.go.th.example", 16, "the author's own agency"),
    "approved by who it is for": ("lead@rd.go.th.example", "soc@vendor.example", 16, "which this waiver is for"),
    "created tomorrow": ("2026-10-01", "2026-11-22", 17, "created: `2026-11-22` is in the future"),
    "longer than the term": ("2026-12-31", "2027-03-31", 18, f"expires: more than {LONGEST_TERM} days after `created`"),
    "over before it began": ("2026-12-31", "2026-09-30", 18, "expires: `2026-09-30` is before the waiver was created"),
    "a Buddhist year": ("2026-12-31", "2569-12-31", 18, "write the year of the common era: `2026-12-31`"),
}


@pytest.mark.parametrize(("old", "new", "line", "told"), BAD.values(), ids=list(BAD))
def test_a_bad_waiver_is_an_error_at_its_line(tree: Tree, old: str, new: str, line: int, told: str) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if told == "which this waiver is for":
        text = text.replace("ciso@dga.or.th.example", _owner())
    errors = [problem for problem in tree(text) if problem.severity == "error"]
    assert [told for problem in errors if told in str(problem)], "\n".join(map(str, errors))
    assert f"{FILE}:{line}:" in "".join(str(problem) for problem in errors if told in str(problem))


def _owner() -> str:
    return next(one.request.owner.email for one in estate().tenants if one.agency == "rd")


def test_a_namespace_and_an_object_of_the_agency_are_known_to_be_the_agencys(tree: Tree) -> None:
    for match in (NAMESPACE, NAMESPACE.replace("namespace: ", "object: Pod ") + "/web"):
        text = GOOD.replace("  agency: mof/rd", match).replace("lead@rd.go.th.example", "soc@vendor.example")
        problems = tree(text.replace("ciso@dga.or.th.example", _owner()))
        assert ["which this waiver is for" in str(problem) for problem in problems] == [True]


def test_a_date_alone_is_a_warning_so_that_it_stops_no_deployment(tree: Tree) -> None:
    (problem,) = tree(GOOD.replace("2026-12-31", "2026-11-20"))
    assert problem.severity == "warning"
    assert str(problem).startswith(f"{FILE}:18:10: expires: expired 1 days ago, on 2026-11-20: it covers nothing")


def test_a_broken_waiver_stops_no_deployment(tree: Tree) -> None:
    assert tree(GOOD.replace("GC-02", "GC-03"))
    load_estate(tree.root, StackSettings(), today=TODAY)  # type: ignore[attr-defined]


def test_an_expired_waiver_covers_nothing_and_is_an_error_of_comply() -> None:
    waiver = Terms(match=("agency", "moph/ddc"), days=-1).waiver()
    outcome = looked(waivers=[waiver])
    assert State.WAIVED not in {record.state for record in outcome.records}
    assert ["expired 1 days ago" in str(problem) for problem in outcome.problems] == [True]
    assert "expired" in outcome.run.waivers[0].problem


def test_the_last_day_still_counts() -> None:
    name = next(one for one in looked().records if one.control == "GC-02" and one.state is State.FAIL).target
    waiver = Terms(match=("agency", f"{name.ministry}/{name.agency}"), days=0).waiver()
    outcome = looked(waivers=[waiver])
    assert outcome.run.waivers[0].used == 1
    assert outcome.problems == ()


def test_an_unused_waiver_is_an_error_of_comply() -> None:
    outcome = looked(waivers=[Terms(match=("object", "Pod nowhere/web-1")).waiver()])
    assert ["unused: nothing that it covers falls short of GC-02" in str(one) for one in outcome.problems] == [True]


def test_a_waiver_is_not_called_unused_when_the_check_could_not_look() -> None:
    checks = with_check("each-namespace", seen(State.NOT_RUN, "local"))
    assert looked(checks, waivers=[Terms().waiver()]).problems == ()


def test_a_waiver_of_another_control_covers_nothing() -> None:
    outcome = looked(waivers=[Terms("GC-03", ("agency", "moph/ddc")).waiver()])
    assert State.WAIVED not in {record.state for record in outcome.records}


@pytest.mark.parametrize(
    ("match", "target", "expected"),
    [
        ({"agency": "moph/ddc"}, {"kind": "namespace", "name": "t1-prod", "ministry": "moph", "agency": "ddc"}, True),
        ({"agency": "moph/ddc"}, {"kind": "namespace", "name": "t1-prod", "ministry": "moph", "agency": "dd"}, False),
        ({"agency": "moph/ddc"}, {"kind": "agency", "name": "moph/ddc"}, True),
        ({"namespace": "t1-prod"}, {"kind": "namespace", "name": "t1-prod"}, True),
        ({"namespace": "t1-prod"}, {"kind": "object", "name": "Pod t1-prod/web"}, True),
        ({"namespace": "t1-prod"}, {"kind": "object", "name": "Pod t1-prod2/web"}, False),
        ({"object": "Pod t1-prod/web-*"}, {"kind": "object", "name": "Pod t1-prod/web-7"}, True),
        ({"object": "Pod t1-prod/web-*"}, {"kind": "object", "name": "Pod t1-prod/db-7"}, False),
        ({"object": "Pod t1-prod/web-*"}, {"kind": "namespace", "name": "t1-prod"}, False),
    ],
)
def test_a_waiver_covers_what_it_names_and_nothing_else(match: object, target: object, expected: bool) -> None:
    assert covers(Match.model_validate(match), Target.model_validate(target)) is expected


def test_the_longest_term_is_the_law_of_the_file_and_not_of_the_day(tree: Tree) -> None:
    last = date(2026, 10, 1) + timedelta(days=LONGEST_TERM)
    assert tree(GOOD.replace("2026-12-31", str(last))) == []


def test_the_example_in_the_readme_is_a_good_waiver(tree: Tree) -> None:
    readme = (REPOSITORY / "stacks/README.md").read_text()
    (example,) = re.findall(r"```yaml\n(# yaml-language-server: [^\n]*waiver.*?)```", readme, re.S)
    assert tree(example) == []
