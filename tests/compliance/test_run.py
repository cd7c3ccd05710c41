"""The runner: every answer is a record, and nothing that could not look is taken for a pass."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from gdcc.compliance.check import Check
from gdcc.compliance.evidence import State
from gdcc.compliance.run import commit_of
from gdcc.compliance.selection import Selection
from gdcc.errors import GdccError
from gdcc.network import namespaces

from .examples import CHECKS, REPOSITORY, Terms, catalogue, control, estate, first_namespace, looked, seen, with_check


def states(control: str, **how: object) -> Counter[State]:
    outcome = looked(**how)  # type: ignore[arg-type]
    return Counter(record.state for record in outcome.records if record.control == control)


def test_there_is_a_record_for_each_control_check_and_observation() -> None:
    spaces = len(list(namespaces(estate())))
    found = Counter((record.control, record.check) for record in looked().records)
    assert found == {
        ("GC-01", "always"): 1,
        ("GC-02", "each-namespace"): spaces,
        ("GC-03", "each-agency"): 3,
        ("GC-03", "breaks"): 2,
        ("GC-04", "manual"): 1,
        ("GC-05", "absent"): 1,
        ("GC-06", "nobody"): 1,
    }


def test_a_check_that_raises_is_not_run_with_the_reason_and_keeps_what_it_had_seen() -> None:
    records = [record for record in looked().records if record.check == "breaks"]
    assert [record.state for record in records] == [State.PASS, State.NOT_RUN]
    assert "ZeroDivisionError: by nought (examples.py, line " in records[1].actual


def test_a_check_that_says_nothing_is_not_run() -> None:
    assert states("GC-06", checks=with_check("nobody")) == {State.NOT_RUN: 1}


def test_a_check_that_the_catalogue_names_and_nobody_wrote_is_not_run() -> None:
    assert states("GC-05") == {State.NOT_RUN: 1}


def test_a_control_without_a_check_is_manual_and_says_why() -> None:
    (record,) = [one for one in looked().records if one.control == "GC-04"]
    assert (record.state, record.actual) == (State.MANUAL, "A person looks")


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(GdccError, match="two checks are named `always`"):
        looked((*CHECKS, Check("always", lambda _: [])))


def test_a_target_is_told_with_its_agency_and_file_when_the_check_left_them_out() -> None:
    record = next(one for one in looked().records if one.control == "GC-02")
    assert record.target.ministry in ("moph", "mof")
    assert record.target.file.startswith("stacks/agencies/")


def test_every_record_is_sealed_and_says_what_looked() -> None:
    for record in looked().records:
        assert record.sha256 == record.digest
        assert {"gdcc", "python"} <= record.tools.keys()
    assert looked().run.commit == commit_of(REPOSITORY)


def test_a_waived_finding_is_waived_and_never_a_pass() -> None:
    name = first_namespace()
    outcome = looked(waivers=[Terms(match=("namespace", name)).waiver()])
    (record,) = [one for one in outcome.records if one.target.name == name and one.control == "GC-02"]
    assert (record.state, record.waiver) == (State.WAIVED, "later")
    assert outcome.run.waivers[0].used == 1
    assert not outcome.problems


def test_what_must_hold_is_not_waived_even_if_a_waiver_slips_through() -> None:
    assert states(
        "GC-01",
        checks=with_check("always", seen(State.FAIL, "local")),
        waivers=[Terms("GC-01", ("object", "local")).waiver()],
    ) == {State.FAIL: 1}


def test_a_run_is_narrowed_to_a_control_or_a_framework() -> None:
    one = Selection.of(catalogue(), ["gc-02"], "")
    assert {record.control for record in looked(selection=one).records} == {"GC-02"}
    law = Selection.of(catalogue(), [], "pdpa")
    assert {record.control for record in looked(selection=law).records} == {"GC-03", "GC-05"}
    short = Selection.of(catalogue(), [], "cis-k8s")
    outcome = looked(selection=short)
    assert {record.control for record in outcome.records} == {"GC-02"}
    assert outcome.run.filters == {"framework": "cis-kubernetes"}


@pytest.mark.parametrize(
    ("controls", "framework", "told"),
    [(["GC-20"], "", "no control is `GC-20`"), ([], "ncsa-clod", "no framework is `ncsa-clod`")],
)
def test_a_name_that_does_not_exist_is_answered_with_the_nearest(
    controls: list[str], framework: str, told: str
) -> None:
    with pytest.raises(GdccError, match=told) as error:
        Selection.of(catalogue(), controls, framework)
    assert error.value.hint.startswith("write `")


def test_a_check_looks_once_however_many_controls_it_answers() -> None:
    looks: list[float] = []

    def look(_: object) -> list[object]:
        looks.append(time.monotonic())
        return [seen(State.PASS, "local")]

    both = catalogue(control(1, "one"), control(2, "one"))
    outcome = looked([Check("one", look)], of=both)  # type: ignore[arg-type]
    assert len(looks) == 1
    assert [record.control for record in outcome.records] == ["GC-01", "GC-02"]
