"""Checks of what is live: what each sees, and that it says so when it cannot look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster, down, issuer, keys, up
from gdcc.cluster.progress import Report
from gdcc.cluster.rotation import rotate
from gdcc.cluster.state import Layout
from gdcc.compliance.check import Check, Scene, Unreachable
from gdcc.compliance.checks import KUBECONFIG, STATE, access, drift, files, logs, people, places, rights, sealing, tls
from gdcc.compliance.checks.files import secrets_in
from gdcc.compliance.checks.logs import level_of
from gdcc.compliance.checks.plane import MANAGED
from gdcc.compliance.checks.rights import writes
from gdcc.compliance.checks.see import Stranger
from gdcc.compliance.evidence import State
from gdcc.engine.api import connect
from gdcc.model import StackSettings, load_estate
from tests.checkout import REPOSITORY

ON_PLANE = (*sealing.CHECKS, *people.CHECKS, *logs.CHECKS)
"""Checks that need to see the control plane itself."""
ON_CLUSTER = (*ON_PLANE, *access.CHECKS, *places.CHECKS, *rights.CHECKS, *tls.CHECKS)
REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW_BODY = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'


@pytest.fixture(scope="module")
def scene() -> Scene:
    """The project's files, and no cluster."""
    estate = load_estate(REPOSITORY, StackSettings())
    return Scene(REPOSITORY, "local", estate, tuple, Unreachable("nobody answers"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane of these tests' own, whose key is changed."""
    state = tmp_path_factory.mktemp("live") / "state"
    try:
        yield up(state, Report())
    finally:
        down(state, purge=True)


# Without a cluster ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ON_CLUSTER, ids=lambda check: check.id)
def test_a_check_that_cannot_look_is_not_run_and_says_why(scene: Scene, check: Check) -> None:
    seen = list(check.look(scene))
    assert [one.state for one in seen] == [State.NOT_RUN]
    assert seen[0].actual == "nobody answers"


@pytest.mark.parametrize("check", files.CHECKS, ids=lambda check: check.id)
def test_checks_of_files_need_no_cluster(scene: Scene, check: Check) -> None:
    assert State.NOT_RUN not in {one.state for one in check.look(replace(scene))} or check.id == "stack-committed"


def test_no_file_of_ours_holds_a_secret(scene: Scene) -> None:
    seen = list(files.no_plaintext_secret(scene))
    assert len(seen) > 200
    assert [one.actual for one in seen if one.state is State.FAIL] == []


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2hunter2",
        "  db_password: 'correct horse'",
        'api-key: "abcdef123456"',
        "-----BEGIN EC PRIVATE KEY-----",
        "key: AKIAIOSFODNN7EXAMPLE",
        "url: postgres://user:hunter2@db.example/app",
        "note: ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "session: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
        "value: q8Zt2LmX0vRwY5sKpN7dJc4HbE1gTfUa",
    ],
)
def test_a_secret_in_a_file_is_found_and_not_repeated(line: str) -> None:
    found = list(secrets_in(f"first: line\n{line}\n"))
    assert [number for number, _ in found] == [2]
    assert line.rsplit(": ", maxsplit=1)[-1] not in found[0][1]


@pytest.mark.parametrize(
    "line",
    [
        "content: sha256:fdcbc6bef4e56089578f015dc602b2a323e2ef9465e7c05d20a483fd798b0d21",
        "secure: v1:wzpYcYBWbhoqYcBT:9sxxFyzbhyqRrcMUUPBBiSyfFqBp",
        "encryptionsalt: v1:Q8zt2LmX0vR=:v1:wYs5KpN7dJc4HbE1:gTfUaQ8zt2LmX0vRwYs5KpN7dJc4HbE1",
        "  email: director-plan@rd.go.th.example",
        "secret_types: [Opaque]",
        "- system:serviceaccount:kube-system:endpointslicemirroring-controller",
        "th: ระเบียบว่าด้วยการรักษาความลับของทางราชการ",
    ],
)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert list(secrets_in(line)) == []


def test_the_first_rule_of_an_audit_policy_that_fits_a_person_decides() -> None:
    rules: list[dict[str, Any]] = [
        {"level": "None", "users": ["system:kube-scheduler"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets"]}]},
        {"level": "RequestResponse", "verbs": ["create"], "resources": [{"group": "apps"}]},
        {"level": "Request", "resources": [{"group": "", "resources": ["pods/*"]}]},
    ]
    asked = [("get", "secrets", ""), ("create", "deployments", "apps"), ("get", "deployments", "apps")]
    asked.append(("create", "pods/exec", ""))
    assert [level_of({"rules": rules}, *one) for one in asked] == ["Metadata", "RequestResponse", "None", "Request"]


@pytest.mark.parametrize(
    ("rule", "resource", "may"),
    [
        ({"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["get"]}, "resourcequotas", False),
        ({"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["patch"]}, "resourcequotas", True),
        ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, "networkpolicies.networking.k8s.io", True),
        ({"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]}, "networkpolicies.networking.k8s.io", False),
        ({"apiGroups": [""], "resources": ["*/status"], "verbs": ["update"]}, "namespaces/status", True),
        ({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["update"]}, "namespaces/status", False),
        ({"nonResourceURLs": ["*"], "verbs": ["*"]}, "namespaces", False),
    ],
)
def test_a_rule_writes_what_it_names(rule: dict[str, Any], resource: str, may: bool) -> None:
    assert writes(rule, resource) is may


# On a cluster ---------------------------------------------------------------------------------------------------------


@pytest.mark.cluster
@pytest.mark.parametrize("check", ON_PLANE, ids=lambda check: check.id)
def test_of_a_managed_clusters_control_plane_nothing_is_claimed(
    scene: Scene, cluster: Cluster, tmp_path: Path, check: Check
) -> None:
    options = {STATE: str(tmp_path), KUBECONFIG: str(cluster.kubeconfig)}
    seen = list(check.look(replace(scene, api=connect(cluster.kubeconfig), options=options)))
    assert [(one.state, one.actual) for one in seen] == [(State.NOT_RUN, MANAGED)]


@pytest.mark.cluster
def test_checks_leave_nothing_behind(scene: Scene, own: Cluster) -> None:
    api = connect(own.kubeconfig)

    def everything() -> set[str]:
        kinds = [each for each in api.kinds() if "list" in each.verbs and each.kind.kind not in ("Event", "Lease")]
        return {f"{each.kind.kind} {one['metadata'].get('uid')}" for each in kinds for one in api.list(each)}

    before = everything()
    looked = replace(scene, api=api, options={STATE: str(own.state)})
    for check in (*ON_CLUSTER, *drift.CHECKS[2:]):
        assert list(check.look(looked)), check.id
    assert everything() == before


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"amr": ["pwd", "mfa"]}, 201),
        ({"amr": ["pwd"]}, 401),
        ({}, 401),
        ({"amr": ["mfa"], "aud": "another"}, 401),
        ({"amr": ["mfa"], "iss": "https://elsewhere.example"}, 401),
        ({"amr": ["mfa"], "exp": 1_700_000_000}, 401),
        ({"amr": ["mfa"], "groups": ["system:masters"]}, 401),
    ],
)
def test_the_api_server_itself_judges_who_a_person_is(own: Cluster, claims: dict[str, Any], status: int) -> None:
    nobody, layout = Stranger(connect(own.kubeconfig)), Layout(own.state)
    with issuer.serving(layout) as stand_in:
        first = stand_in.token("warm-up", amr=["mfa"])
        assert people._try(nobody, first, first)[0] == 201  # it has found the issuer
        answer = nobody.request("POST", REVIEW, REVIEW_BODY, "application/json", stand_in.token("somchai", **claims))
    assert answer[0] == status, answer
    assert ("oidc:somchai" in answer[1]) is (status == 201)


@pytest.mark.cluster
def test_a_token_of_another_issuer_with_the_same_name_is_refused(own: Cluster) -> None:
    nobody = Stranger(connect(own.kubeconfig))
    with issuer.serving(Layout(own.state)) as stand_in:
        first = stand_in.token("warm-up", amr=["mfa"])
        assert people._try(nobody, first, first)[0] == 201
        forged = issuer.Issuer().token("somchai", amr=["mfa"])
        assert nobody.request("POST", REVIEW, REVIEW_BODY, "application/json", forged)[0] == 401


@pytest.mark.cluster
def test_a_rotated_key_seals_every_secret_and_the_old_one_is_gone(scene: Scene, own: Cluster) -> None:
    api, layout = connect(own.kubeconfig), Layout(own.state)
    path = "/api/v1/namespaces/default/secrets"
    api.request("POST", path, body={"metadata": {"name": "kept"}, "stringData": {"password": "value"}})
    before = keys.read(layout)[0]
    name = rotate(own.state, Report())
    assert [key["name"] for key in keys.read(layout)] == [name] != [before["name"]]
    looked = replace(scene, api=api, options={STATE: str(own.state)})
    sealed = list(sealing.secrets_sealed_in_etcd(looked))
    assert [one.state for one in sealed] == [State.PASS]
    assert name in sealed[0].actual
    assert before["name"] not in sealed[0].actual
    assert api.request("GET", f"{path}/kept")[1]["data"] == {"password": "dmFsdWU="}
    assert [one.state for one in sealing.encryption_key_age(looked)] == [State.PASS]


@pytest.mark.cluster
def test_a_rotation_that_was_killed_goes_on_from_where_it_was(own: Cluster) -> None:
    layout = Layout(own.state)
    keys.write(layout, [keys.new_key("key90"), *keys.read(layout)])  # the first step, and no more
    assert rotate(own.state, Report()) == "key90"
    assert [key["name"] for key in keys.read(layout)] == ["key90"]
