"""Each rule and its examples, and what must hold of all rules."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest

from components.admission import walls
from gdcc.compliance.catalogue import Enforcement, load_catalogue
from policies.rules import RULES, SETS, Parameters, Place, findings
from policies.rules.rule import Rule
from tests.checkout import REPOSITORY
from tests.policies.examples import TO_POD, Example, estate, examples, known, parameters

EXAMPLES = [pytest.param(example, id=example.id) for example in examples()]
BY_ID = {rule.id: rule for rule in RULES}
WALLS = {wall.id: wall for wall in walls(estate().admission, estate().today)}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_rule_says_of_its_example_what_is_written_there(example: Example) -> None:
    rule = BY_ID[example.rule]
    found = findings(known(example), parameters(), example.place, stored=example.stored, rules=(rule,))
    if example.path:
        assert [each.path for each in found if each.known] == [example.path]
        assert example.says in found[0].message
        assert re.search("[ก-๙]", found[0].thai)
    elif example.unknown:
        assert found
        assert not any(each.known for each in found), "what is not known is no violation"
        assert {each.path for each in found} == {example.unknown}
    else:
        assert found == []


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.values[0].good])  # type: ignore[union-attr]
def test_what_is_good_for_one_rule_is_good_for_all(example: Example) -> None:
    found = findings(known(example), parameters(), example.place, stored=example.stored)
    assert found == []


def test_every_rule_has_good_bad_and_unknown_examples_and_no_example_is_orphaned() -> None:
    assert len(examples()) > 400
    assert {example.rule for example in examples()} == set(BY_ID)
    for rule in RULES:
        own = [example for example in examples() if example.rule == rule.id]
        assert any(example.good for example in own), rule.id
        assert any(example.path for example in own), rule.id
        assert any(example.unknown for example in own), rule.id


def test_rules_about_pods_are_tried_as_every_workload_and_as_every_sort_of_container() -> None:
    for rule in RULES:
        if "CronJob" in rule.kinds and rule.id != "storage":
            assert {example.kind for example in examples() if example.rule == rule.id} >= set(TO_POD), rule.id
    for sort in ("initContainers", "ephemeralContainers"):
        bad = {each.rule for each in examples() if each.path and f".{sort}[" in each.path}
        assert bad >= {"privileges", "seccomp", "host", "read-only-root", "images"}, sort


def test_ids_are_unique_and_controls_are_in_the_catalogue() -> None:
    ids = [each.id for each in (*RULES, *SETS)]
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    controls = {control.id for control in load_catalogue(REPOSITORY).controls}
    for each in (*RULES, *SETS):
        assert each.controls
        assert set(each.controls) <= controls


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.walls], ids=lambda rule: rule.id)
def test_a_rule_and_its_wall_refuse_in_the_same_words(rule: Rule) -> None:
    checks = {check.name: check for name in rule.walls for check in WALLS[name].checks}
    for test in rule.tests:
        check = checks[test.name]
        assert (check.wrong, check.instead, check.thai) == tuple(test.refusal(estate().admission))


def test_rules_leave_everybody_but_tenants_alone() -> None:
    bad = next(example for example in examples() if example.rule == "host" and example.path)
    assert findings(known(bad), parameters(), Place({"kubernetes.io/metadata.name": "kube-system"})) == []


def test_a_rule_with_a_day_advises_before_it_and_denies_from_it_on() -> None:
    for name, day in estate().admission.deny_from.items():
        before = Parameters(estate().admission, {}, day - timedelta(days=1))
        since = Parameters(estate().admission, {}, day)
        for rule in RULES:
            if name in rule.walls:
                assert rule.enforcement(estate().admission) is Enforcement.AUDIT
                assert not rule.denies(before)
                assert rule.denies(since)
    others = [rule for rule in RULES if not set(rule.walls) & set(estate().admission.deny_from)]
    assert all(rule.denies(parameters()) for rule in others)
    assert 0 < len(others) < len(RULES)
