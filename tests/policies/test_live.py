"""The checks of what is live: all pass on a sound cloud, and what is broken by hand turns the right ones red."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gdcc.cluster import Cluster
from gdcc.compliance.catalogue import load_catalogue
from gdcc.compliance.check import Observation, Scene, Unreachable
from gdcc.compliance.evidence import State
from gdcc.compliance.scene import scene_of
from gdcc.engine.api import connect
from policies.live import CHECKS
from tests.checkout import REPOSITORY, Checkout
from tests.escape.attack import MERGE, Request
from tests.policies.conftest import Ground
from tests.policies.examples import examples, where

DEPLOYMENTS = f"/apis/apps/v1/namespaces/{where('dev')}/deployments"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
ROLES = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{where('dev')}/rolebindings"
NAMESPACE = f"/api/v1/namespaces/{where('dev')}"


def look(program: Checkout, cluster: Cluster) -> dict[str, list[Observation]]:
    made = scene_of(program.root, "local")
    scene = Scene(made.root, made.stack, made.estate, made.render, connect(cluster.kubeconfig))
    return {check.id: list(check.look(scene)) for check in CHECKS}


def red(seen: dict[str, list[Observation]]) -> set[str]:
    return {name for name, each in seen.items() if any(one.state is State.FAIL for one in each)}


def test_ids_are_those_of_the_catalogue() -> None:
    wanted = {check for control in load_catalogue(REPOSITORY).controls for check in control.checks}
    assert {check.id for check in CHECKS} <= wanted
    assert max(Counter(check.id for check in CHECKS).values()) == 1
    assert len(CHECKS) == 16


@pytest.mark.cluster
@pytest.mark.usefixtures("ground")
def test_a_sound_cloud_passes_every_check(program: Checkout, cluster: Cluster) -> None:
    began = time.monotonic()
    seen = look(program, cluster)
    assert [one for each in seen.values() for one in each if one.state in (State.FAIL, State.NOT_RUN)] == []
    # Nothing has been denied yet where a rule only audits, and the program itself registers no workload.
    for name, each in seen.items():
        assert any(one.state is State.PASS for one in each), name
        assert all(one.actual and one.expected and one.command for one in each)
    assert time.monotonic() - began < 60


@pytest.mark.cluster
@pytest.mark.usefixtures("ground")
def test_without_a_cluster_a_check_says_what_is_registered_and_that_the_rest_was_not_run(program: Checkout) -> None:
    whole = scene_of(program.root, "local")
    scene = Scene(whole.root, whole.stack, whole.estate, whole.render, Unreachable("nobody is there"))
    for check in CHECKS:
        states = Counter(one.state for one in check.look(scene))
        assert states[State.NOT_RUN] == 1
        assert states[State.FAIL] == 0
    assert any(one.state is State.PASS for check in CHECKS for one in check.look(scene))


def _strange() -> dict[str, Any]:
    bad = next(each for each in examples() if each.rule == "images" and each.path and each.kind == "Deployment")
    return {**bad.manifest, "spec": {**bad.manifest["spec"], "replicas": 0}}


@contextlib.contextmanager
def _patched(ground: Ground, path: str, broken: dict[str, Any], mended: dict[str, Any]) -> Iterator[None]:
    administrator = ground.actors["administrator"]
    administrator.call(Request("PATCH", path, broken, MERGE))
    try:
        yield
    finally:
        administrator.call(Request("PATCH", path, mended, MERGE))


@contextlib.contextmanager
def _added(ground: Ground, path: str, body: dict[str, Any]) -> Iterator[None]:
    administrator = ground.actors["administrator"]
    administrator.call(Request("POST", path, body))
    try:
        yield
    finally:
        administrator.call(Request("DELETE", f"{path}/{body['metadata']['name']}"))


@contextlib.contextmanager
def _smuggled(ground: Ground) -> Iterator[None]:
    """A workload from before there was a wall."""
    administrator = ground.actors["administrator"]
    with ground.binding("images", ["Audit"]):
        deadline = time.monotonic() + 20
        while not administrator.send(Request("POST", DEPLOYMENTS, _strange())).done:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        administrator.call(Request("POST", DEPLOYMENTS, _strange()))
    try:
        yield
    finally:
        administrator.call(Request("DELETE", f"{DEPLOYMENTS}/example"))


def _account() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "loud"}}


def _binding(role: str, group: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "strange"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    }


def _class(value: str | None) -> dict[str, Any]:
    return {"metadata": {"labels": {"gdcc.go.th/data-class": value}}}


BROKEN = {
    "a wall that only warns": (lambda ground: ground.binding("host", ["Warn"]), {"admission-walls", "host-isolation"}),
    "a hollow wall": (
        lambda ground: _patched(
            ground,
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/gdcc-services",
            {"spec": {"failurePolicy": "Ignore"}},
            {"spec": {"failurePolicy": "Fail"}},
        ),
        {"admission-walls"},
    ),
    "a token for every pod": (
        lambda ground: _added(ground, f"{NAMESPACE}/serviceaccounts", _account()),
        {"token-mounts"},
    ),
    "a group of another agency": (
        lambda ground: _added(ground, ROLES, _binding("gdcc:viewer", "gdcc:dms:viewer")),
        {"no-wildcard"},
    ),
    "a tenant who is cluster-admin": (
        lambda ground: _added(ground, ROLES, _binding("cluster-admin", "gdcc:ddc:viewer")),
        {"no-wildcard", "escalating-verbs"},
    ),
    "no data class": (
        lambda ground: _patched(ground, NAMESPACE, _class(None), _class("confidential")),
        {"data-class", "protected-labels"},
    ),
    "an image of the world": (_smuggled, {"image-sources"}),
}


@pytest.mark.cluster
@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_by_hand_turns_the_right_checks_red(
    what: str, ground: Ground, program: Checkout, cluster: Cluster
) -> None:
    breaking, expected = BROKEN[what]
    with breaking(ground):
        deadline = time.monotonic() + 15
        while (seen := red(look(program, cluster))) != expected and time.monotonic() < deadline:
            time.sleep(0.5)  # a wall comes and goes within a second or so
        assert seen == expected
    deadline = time.monotonic() + 15
    while red(look(program, cluster)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert red(look(program, cluster)) == set()


@pytest.mark.cluster
def test_a_namespace_whose_default_deny_is_gone_is_told(ground: Ground, program: Checkout, cluster: Cluster) -> None:
    path = f"/apis/networking.k8s.io/v1/namespaces/{where('dev')}/networkpolicies"
    administrator = ground.actors["administrator"]
    before = administrator.call(Request("GET", f"{path}/default-deny"))
    administrator.call(Request("DELETE", f"{path}/default-deny"))
    try:
        seen = look(program, cluster)
        assert red(seen) == {"default-deny"}
        (told,) = (one for one in seen["default-deny"] if one.state is State.FAIL)
        assert told.target.name == f"Namespace {where('dev')}"
    finally:
        kept = {key: before["metadata"][key] for key in ("name", "labels", "annotations") if key in before["metadata"]}
        administrator.call(Request("POST", path, {**before, "metadata": kept}))
