from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from gdcc.engine.api import Api
from gdcc.engine.applyset import ApplySet
from gdcc.engine.diff import owner_of
from gdcc.engine.display import outputs_of
from gdcc.engine.problems import RefusedError
from gdcc.engine.step import Op
from gdcc.errors import GdccError
from tests.engine.conftest import Trial
from tests.engine.programs import config_map, maps, namespace

pytestmark = pytest.mark.cluster


def test_what_the_program_asks_for_is_made_and_found_by_the_label_of_its_applyset(trial: Trial) -> None:
    plan = trial.up(maps(trial.ns, one="1", two="2"))
    assert [step.op for step in plan.steps] == [Op.CREATE] * 3
    set_id = ApplySet(trial.project, "test").id
    listed = trial.get("configmaps", "--all-namespaces", "-l", f"applyset.kubernetes.io/part-of={set_id}")
    assert {item["metadata"]["name"]: item["data"] for item in listed["items"]} == {
        "one": {"value": "1"},
        "two": {"value": "2"},
    }
    parent = trial.get("configmap", "-n", "gdcc-system", f"{trial.project}.test")
    assert parent["metadata"]["labels"]["applyset.kubernetes.io/id"] == set_id
    assert parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,Namespace"
    assert parent["metadata"]["annotations"]["applyset.kubernetes.io/additional-namespaces"] == trial.ns


def test_an_unchanged_update_writes_nothing(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    trial.up(maps(trial.ns, one="1"))
    asked: list[str] = []
    request = Api.request

    def counted(self: Api, method: str, path: str, *more: Any, **options: Any) -> Any:
        asked.append(method)
        return request(self, method, path, *more, **options)

    monkeypatch.setattr(Api, "request", counted)
    plan = trial.up(maps(trial.ns, one="1"))
    assert not plan.changing
    assert asked, "the counter saw no request"
    assert set(asked) == {"GET"}


def test_a_changed_value_changes_its_object_alone_and_preview_names_the_field(trial: Trial) -> None:
    trial.up(maps(trial.ns, one="1", two="2"))
    before = trial.get("configmap", "-n", trial.ns, "two")
    plan = trial.preview(maps(trial.ns, one="changed", two="2"))
    (step,) = plan.changing
    assert (step.op, str(step.key)) == (Op.UPDATE, f"ConfigMap {trial.ns}/one")
    assert [(change.field, change.old, change.new) for change in step.changes] == [("data.value", "1", "changed")]
    assert trial.get("configmap", "-n", trial.ns, "one")["data"] == {"value": "1"}, "a preview changed something"
    trial.up(maps(trial.ns, one="changed", two="2"))
    assert trial.get("configmap", "-n", trial.ns, "one")["data"] == {"value": "changed"}
    assert trial.get("configmap", "-n", trial.ns, "two") == before


def test_what_the_program_no_longer_has_is_deleted_and_nothing_else(trial: Trial) -> None:
    trial.up(maps(trial.ns, one="1", two="2"))
    trial.kubectl("create", "configmap", "-n", trial.ns, "by-hand", "--from-literal=a=b")
    plan = trial.up(maps(trial.ns, one="1"))
    assert [(step.op, step.key.name) for step in plan.changing] == [(Op.DELETE, "two")]
    names = {item["metadata"]["name"] for item in trial.get("configmaps", "-n", trial.ns)["items"]}
    assert names == {"one", "by-hand", "kube-root-ca.crt"}


def test_a_change_by_hand_is_reported_with_its_manager_and_put_right(trial: Trial) -> None:
    program = maps(trial.ns, {"team": "a"}, one="1")
    trial.up(program)
    trial.kubectl("label", "namespace", trial.ns, "team=b", "--overwrite")
    trial.kubectl("delete", "configmap", "-n", trial.ns, "one")
    plan = trial.preview(program)
    changed, missing = plan.changing
    assert (changed.op, changed.changes[0].old, changed.changes[0].new) == (Op.UPDATE, "b", "a")
    owner = owner_of(changed.changes[0].path, changed.live or {})
    assert owner is not None
    assert (owner.manager, owner.operation) == ("kubectl-label", "Update")
    assert missing.op is Op.CREATE
    trial.up(program)
    assert trial.get("namespace", trial.ns)["metadata"]["labels"]["team"] == "a"
    assert trial.exists("configmap", "-n", trial.ns, "one")
    assert not trial.preview(program).changing


def test_a_field_that_another_tool_applies_is_a_conflict_that_names_it_until_it_is_forced(trial: Trial) -> None:
    program = maps(trial.ns, one="1")
    trial.up(program)
    manifest = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: one, namespace: {trial.ns}}}\ndata: {{value: theirs}}\n"
    )
    trial.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=argocd", "-f", "-", stdin=manifest)
    with pytest.raises(RefusedError, match=r"data\.value is set by argocd") as refused:
        trial.up(program)
    assert "--force-conflicts" in refused.value.hint
    assert trial.get("configmap", "-n", trial.ns, "one")["data"] == {"value": "theirs"}
    trial.up(program, force=True)
    assert trial.get("configmap", "-n", trial.ns, "one")["data"] == {"value": "1"}


def test_an_object_of_another_stack_is_refused_even_without_a_field_conflict(trial: Trial) -> None:
    trial.up(maps(trial.ns, one="1"))
    other = Trial(trial.cluster, trial.directory)
    with pytest.raises(RefusedError, match="belongs to another ApplySet"):
        other.preview(maps(trial.ns, one="1"))


def test_an_immutable_field_means_replace_and_the_plan_says_so(trial: Trial) -> None:
    def program(role: str) -> Any:
        def run() -> None:
            home = namespace(trial.ns)
            k8s.rbac.v1.RoleBinding(
                "binding",
                metadata=k8s.meta.v1.ObjectMetaArgs(name="binding", namespace=home.metadata.name),
                role_ref=k8s.rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=role),
            )

        return run

    trial.up(program("view"))
    before = trial.get("rolebinding", "-n", trial.ns, "binding")["metadata"]["uid"]
    (step,) = trial.preview(program("edit")).changing
    assert step.op is Op.REPLACE
    assert [change.field for change in step.changes] == ["roleRef.name"]
    trial.up(program("edit"))
    after = trial.get("rolebinding", "-n", trial.ns, "binding")
    assert after["roleRef"]["name"] == "edit"
    assert after["metadata"]["uid"] != before


def test_admission_and_schema_errors_show_at_preview_all_together_and_change_nothing(trial: Trial) -> None:
    def program() -> None:
        home = namespace(trial.ns)
        config_map("Bad_Name", home.metadata.name, {})
        k8s.apiextensions.CustomResource(
            "typo",
            api_version="v1",
            kind="ConfigMap",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="typo", namespace=home.metadata.name),
            spec={"unheard": "of"},
        )

    with pytest.raises(RefusedError) as refused:
        trial.up(program)
    assert len(refused.value.problems) == 2
    assert "Bad_Name" in str(refused.value)
    assert ".spec: field not declared in schema" in str(refused.value)
    assert not trial.exists("namespace", trial.ns)


def test_a_namespace_that_holds_what_others_made_is_not_deleted_and_the_contents_are_listed(trial: Trial) -> None:
    trial.up(maps(trial.ns, one="1"))
    trial.kubectl("create", "secret", "generic", "-n", trial.ns, "theirs", "--from-literal=a=b")
    trial.kubectl("create", "deployment", "-n", trial.ns, "web", "--image=registry.example/web:1")

    def nothing() -> None:
        pass

    for attempt in (trial.up, trial.destroy):
        with pytest.raises(RefusedError) as refused:
            attempt(nothing)
        assert "Secret theirs" in str(refused.value)
        assert "Deployment web" in str(refused.value)
        assert "ConfigMap one" not in str(refused.value), "what the stack made is no obstacle"
    assert trial.get("namespace", trial.ns)["status"]["phase"] == "Active"
    trial.kubectl("delete", "-n", trial.ns, "deployment/web", "secret/theirs")
    trial.kubectl("wait", "-n", trial.ns, "--for=delete", "replicasets,pods", "--all", "--timeout=60s", check=False)
    trial.up(nothing)
    assert not trial.exists("namespace", trial.ns)


def test_destroy_leaves_nothing_of_the_stack(trial: Trial) -> None:
    program = maps(trial.ns, one="1")
    trial.up(program)
    trial.destroy(program)
    assert not trial.exists("namespace", trial.ns)
    assert not trial.exists("configmap", "-n", "gdcc-system", f"{trial.project}.test")
    assert not trial.exists("lease", "-n", "gdcc-system", f"{trial.project}.test")


def test_a_target_limits_what_is_changed(trial: Trial) -> None:
    trial.up(maps(trial.ns, one="1", two="2", three="3"))
    plan = trial.up(maps(trial.ns, one="x", two="y"), "one", f"{trial.ns}/three")
    assert {(step.op, step.key.name) for step in plan.changing} == {(Op.UPDATE, "one"), (Op.DELETE, "three")}
    assert trial.get("configmap", "-n", trial.ns, "two")["data"] == {"value": "2"}


def test_a_definition_and_its_objects_are_made_in_one_run(trial: Trial) -> None:
    group = f"{trial.project}.example.org"

    def program() -> None:
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        k8s.apiextensions.v1.CustomResourceDefinition(
            "crd",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=f"things.{group}"),
            spec={
                "group": group,
                "names": {"kind": "Thing", "plural": "things"},
                "scope": "Namespaced",
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        )
        home = namespace(trial.ns)
        k8s.apiextensions.CustomResource(
            "thing",
            api_version=f"{group}/v1",
            kind="Thing",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="thing", namespace=home.metadata.name),
            spec={"size": 3},
        )

    trial.up(program)
    assert trial.get(f"things.{group}", "-n", trial.ns, "thing")["spec"] == {"size": 3}
    assert not trial.preview(program).changing
    trial.destroy(program)


def test_a_second_run_takes_up_a_namespace_that_is_still_being_deleted(trial: Trial) -> None:
    program = maps(trial.ns, one="1")
    trial.up(program)
    trial.kubectl(
        "patch", "configmap", "-n", trial.ns, "one", "-p", '{"metadata":{"finalizers":["test.example/hold"]}}'
    )
    trial.kubectl("delete", "namespace", trial.ns, "--wait=false")
    plan = trial.preview(program)
    assert [step.op for step in plan.changing] == [Op.CREATE, Op.CREATE]
    trial.kubectl("patch", "configmap", "-n", trial.ns, "one", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    trial.up(program)
    assert trial.get("configmap", "-n", trial.ns, "one")["data"] == {"value": "1"}


def test_a_program_that_fails_says_where_and_changes_nothing(trial: Trial) -> None:
    def program() -> None:
        namespace(trial.ns)
        raise KeyError("missing")

    with pytest.raises(GdccError, match="KeyError: 'missing'"):
        trial.up(program)
    assert not trial.exists("namespace", trial.ns)


def test_two_resources_for_one_object_are_refused(trial: Trial) -> None:
    def program() -> None:
        k8s.core.v1.Namespace("first", metadata={"name": trial.ns})
        k8s.core.v1.Namespace("second", metadata={"name": trial.ns})

    with pytest.raises(RefusedError, match="two resources of the program ask for it"):
        trial.preview(program)


def test_stack_outputs_are_kept_and_secret_ones_are_not_shown(trial: Trial) -> None:
    def program() -> None:
        pulumi.export("plain", "a")
        pulumi.export("password", pulumi.Output.secret("hunter2"))

    plan = trial.preview(program)
    assert outputs_of(plan.recording) == {"plain": "a", "password": "[secret]"}
