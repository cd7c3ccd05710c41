"""The walls as they are registered, and the roles of the platform: what must hold of all of them."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from pulumi.runtime import mocks

from components.access import READ, TenantRoles, TenantRolesArgs, role_rules
from components.admission import AdmissionWalls, AdmissionWallsArgs, walls
from components.admission.defaults import defaults
from components.admission.wall import Check, Scope, Wall
from components.platform import PLATFORM_ROLES, PlatformRoles, PlatformRolesArgs, platform_rules
from gdcc.model import Admission
from tests.components.test_tenant import Recorder, estate, loop_of_its_own

ADMINISTRATORS = "gdcc:cluster-admin"


def admission() -> Admission:
    return estate().admission


@cache
def made() -> dict[str, list[dict[str, Any]]]:
    """Everything that is registered for the whole cluster, by kind."""
    recorder = Recorder()

    def program() -> None:
        built = AdmissionWalls("walls", AdmissionWallsArgs(admission(), estate().today))
        PlatformRoles("platform-roles", PlatformRolesArgs(built.names, "gdcc.test"))
        TenantRoles("tenant-roles", TenantRolesArgs(admission()))

    with loop_of_its_own():
        mocks.set_mocks(recorder, project="gdcc", stack="test", preview=False)
        mocks.test(program)()
    kinds: dict[str, list[dict[str, Any]]] = {}
    for args in recorder.made:
        kinds.setdefault(args.inputs.get("kind", ""), []).append(args.inputs)
    return kinds


WALLS = walls(estate().admission, estate().today)
CHECKS = [pytest.param(wall, check, id=f"{wall.id}-{check.name}") for wall in WALLS for check in wall.checks]


def policies() -> list[dict[str, Any]]:
    found = made()["ValidatingAdmissionPolicy"]
    assert len(found) == len(WALLS) >= 16
    return found


def test_every_wall_fails_closed_and_has_no_condition_that_exempts() -> None:
    for policy in [*policies(), *made()["MutatingAdmissionPolicy"]]:
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert "matchConditions" not in policy["spec"], "an exemption belongs into a check, where it is seen"
        assert "paramKind" not in policy["spec"], "a missing parameter would leave the wall out"


def test_every_wall_is_bound_everywhere_and_denies_unless_its_day_is_yet_to_come() -> None:
    bound = {each["metadata"]["name"]: each["spec"] for each in made()["ValidatingAdmissionPolicyBinding"]}
    assert bound == {
        wall.name: {
            "policyName": wall.name,
            "validationActions": ["Deny", "Audit"] if wall.denies else ["Audit", "Warn"],
        }
        for wall in WALLS
    }
    assert {wall.id for wall in WALLS if not wall.denies} <= set(admission().deny_from)


def test_a_wall_audits_and_warns_until_its_day_and_denies_from_it_on() -> None:
    for rule, day in admission().deny_from.items():
        for today, denies in ((day - timedelta(days=1), False), (day, True)):
            (wall,) = (each for each in walls(admission(), today) if each.id == rule)
            assert wall.denies is denies
            assert ("Deny" in (wall.binding_spec().validation_actions or ())) is denies  # type: ignore[operator]
    assert admission().deny_from


def test_every_default_is_bound_and_has_a_wall_that_insists_on_it() -> None:
    bound = {each["spec"]["policyName"] for each in made()["MutatingAdmissionPolicyBinding"]}
    assert bound == {each.name for each in defaults(admission())} != set()
    assert {each.wall for each in defaults(admission())} <= {wall.id for wall in WALLS}


def test_walls_match_every_version_and_nothing_is_left_out() -> None:
    for policy in policies():
        constraints = policy["spec"]["matchConstraints"]
        assert constraints["matchPolicy"] == "Equivalent"
        assert "excludeResourceRules" not in constraints
        assert constraints["objectSelector"] == {}, "whoever sets the labels of an object could leave the wall"
        for rule in constraints["resourceRules"]:
            assert rule["apiVersions"] == ["*"]
            assert "resourceNames" not in rule


def test_a_wall_for_tenants_stands_wherever_the_platforms_label_is_and_by_no_other_label() -> None:
    selectors = {each["metadata"]["name"]: each["spec"]["matchConstraints"]["namespaceSelector"] for each in policies()}
    for wall in WALLS:
        selector = selectors[wall.name]
        if wall.scope is Scope.TENANTS:
            assert selector == {"matchExpressions": [{"key": "gdcc.go.th/tenant", "operator": "Exists"}]}
        else:
            assert selector == {}


@pytest.mark.parametrize(
    ("wall", "doors"),
    [
        ("namespaces", {"namespaces", "namespaces/status", "namespaces/finalize"}),
        ("images", {"pods", "pods/ephemeralcontainers", "pods/resize", "deployments", "cronjobs", "podtemplates"}),
        ("host", {"pods", "pods/ephemeralcontainers", "pods/resize", "replicationcontrollers"}),
        ("pull", {"pods", "pods/ephemeralcontainers", "pods/resize"}),
        ("bounds", {"resourcequotas/status", "serviceaccounts/token", "pods/binding", "bindings", "endpointslices"}),
        ("marks", {"*/*"}),
        ("nodes", {"nodes", "nodes/status"}),
        ("hostnames", {"ingresses", "httproutes", "tlsroutes", "tcproutes"}),
    ],
)
def test_side_doors_are_matched_too(wall: str, doors: set[str]) -> None:
    (found,) = (each for each in WALLS if each.id == wall)
    assert doors <= {resource for matched in found.matched for resource in matched.resources}


@pytest.mark.parametrize(("wall", "check"), CHECKS)
def test_a_refusal_says_what_is_wrong_and_what_to_do_in_both_languages(wall: Wall, check: Check) -> None:
    assert re.search("[ก-๙]", check.thai)
    assert len(check.instead.split()) >= 3
    assert "\n" not in check.message
    assert f"variables.{check.name}" in check.message, "what was found is told"
    (validation,) = (
        each
        for each in wall.policy_spec().validations or ()
        if check.name in each.expression  # type: ignore[union-attr]
    )
    assert validation.reason == "Forbidden"  # type: ignore[union-attr]
    assert check.instead in validation.message  # type: ignore[operator, union-attr]


def test_nobody_is_exempt_by_the_beginning_of_a_name_or_as_a_master() -> None:
    for policy in policies():
        spec = str(policy["spec"])
        assert "username.startsWith" not in spec
        assert "username.matches" not in spec
        assert "system:masters" not in spec
        for named in re.findall(r"userInfo\.username in (\[[^\]]*\])", spec):
            assert "gdcc:" not in named, "users are compared with users only"


def test_what_is_guarded_is_what_no_tenant_role_writes() -> None:
    guarded = {name for each in admission().guarded for name in each.resources}
    assert len(guarded) >= 12
    rules = list(itertools.chain(*role_rules(admission()).values()))
    assert len(rules) > 20
    for rule in rules:
        names = {resource + (f".{rule.group}" if rule.group else "") for resource in rule.resources}
        assert not names & guarded or set(rule.verbs) <= set(READ), rule


def test_tenants_read_what_bounds_them() -> None:
    seen = {
        resource + (f".{rule.group}" if rule.group else "")
        for rule in role_rules(admission())["viewer"]
        for resource in rule.resources
    }
    assert {name for each in admission().guarded if each.readable for name in each.resources} <= seen


def test_no_role_of_the_cluster_has_a_wildcard() -> None:
    roles = made()["ClusterRole"]
    assert len(roles) == 6
    for role in roles:
        for rule in role["rules"]:
            words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert not any("*" in word for word in words), (role["metadata"]["name"], rule)


def test_each_platform_role_is_bound_to_its_group_alone() -> None:
    bindings = made()["ClusterRoleBinding"]
    assert {each["metadata"]["name"] for each in bindings} == {f"gdcc:platform:{role}" for role in PLATFORM_ROLES}
    for each in bindings:
        (subject,) = each["subjects"]
        assert subject["kind"] == "Group"
        assert subject["name"] == each["roleRef"]["name"] == each["metadata"]["name"]


def test_deployer_approver_and_auditor_share_no_write() -> None:
    rules = platform_rules(("gdcc-images",), "gdcc.local")
    writes = {
        role: {
            (rule.group, resource, verb)
            for rule in rules[role]
            for resource in rule.resources
            for verb in rule.verbs
            if verb not in READ
        }
        for role in PLATFORM_ROLES
    }
    assert writes["auditor"] == set()
    assert len(writes["deployer"]) > 20
    assert writes["approver"] != set()
    assert writes["deployer"] & writes["approver"] == set()


def test_none_of_them_reads_secrets_or_reaches_into_workloads() -> None:
    inside = {"secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"}
    for rules in platform_rules(("gdcc-images",), "gdcc.local").values():
        assert not inside & {resource for rule in rules for resource in rule.resources}


def test_only_the_deployer_grants_and_only_tenants_roles() -> None:
    for role, rules in platform_rules(("gdcc-images",), "gdcc.local").items():
        for rule in rules:
            assert "impersonate" not in rule.verbs
            if {"bind", "escalate"} & set(rule.verbs):
                assert role == "deployer"
                assert set(rule.names) == {"gdcc:tenant-admin", "gdcc:developer", "gdcc:viewer"}
