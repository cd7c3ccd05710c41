"""Pulumi's resource options, secrets and configuration under the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from gdcc.engine import digest, display
from gdcc.engine.problems import RefusedError
from gdcc.engine.step import Op
from gdcc.engine.support import UnsupportedError
from tests.engine.conftest import Trial
from tests.engine.programs import config_map, maps, namespace

pytestmark = pytest.mark.cluster


def test_a_protected_object_is_neither_deleted_nor_replaced_nor_destroyed(trial: Trial) -> None:
    def program(*, protect: bool) -> Callable[[], None]:
        def run() -> None:
            home = namespace(trial.ns)
            config_map("precious", home.metadata.name, {"a": "b"}, protect=protect)

        return run

    trial.up(program(protect=True))
    with pytest.raises(RefusedError, match="is protected"):
        trial.up(maps(trial.ns))
    with pytest.raises(RefusedError, match="is protected"):
        trial.destroy(program(protect=True))
    trial.up(program(protect=False))
    trial.up(maps(trial.ns))
    assert not trial.exists("configmap", "-n", trial.ns, "precious")


def test_a_retained_object_stays_and_is_no_longer_the_stacks(trial: Trial) -> None:
    def program() -> None:
        home = namespace(trial.ns)
        config_map("kept", home.metadata.name, {"a": "b"}, retain_on_delete=True)

    trial.up(program)
    plan = trial.up(maps(trial.ns))
    assert [(step.op, step.retained) for step in plan.changing] == [(Op.DELETE, True)]
    kept = trial.get("configmap", "-n", trial.ns, "kept")
    assert kept["data"] == {"a": "b"}
    assert "applyset.kubernetes.io/part-of" not in kept["metadata"].get("labels", {})
    with pytest.raises(RefusedError, match="ConfigMap kept"):
        trial.destroy(maps(trial.ns))


def test_ignored_changes_keep_what_is_live(trial: Trial) -> None:
    def program(value: str) -> Callable[[], None]:
        def run() -> None:
            home = namespace(trial.ns)
            config_map("one", home.metadata.name, {"ours": value, "theirs": value}, ignore_changes=["data.theirs"])

        return run

    trial.up(program("1"))
    trial.kubectl("patch", "configmap", "-n", trial.ns, "one", "-p", '{"data":{"theirs":"by hand"}}')
    assert not trial.preview(program("1")).changing
    plan = trial.up(program("2"))
    assert [change.field for change in plan.changing[0].changes] == ["data.ours"]
    assert trial.get("configmap", "-n", trial.ns, "one")["data"] == {"ours": "2", "theirs": "by hand"}


def test_an_object_without_a_name_keeps_the_one_it_was_given_even_under_a_new_logical_name(trial: Trial) -> None:
    def program(name: str, *aliases: str) -> Callable[[], None]:
        def run() -> None:
            home = namespace(trial.ns)
            k8s.core.v1.ConfigMap(
                name,
                metadata=k8s.meta.v1.ObjectMetaArgs(namespace=home.metadata.name),
                opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name=alias) for alias in aliases]),
            )

        return run

    def names() -> set[str]:
        return {item["metadata"]["name"] for item in trial.get("configmaps", "-n", trial.ns)["items"]} - {
            "kube-root-ca.crt"
        }

    trial.up(program("settings"))
    (given,) = names()
    assert given.startswith("settings-")
    assert not trial.preview(program("settings")).changing
    plan = trial.up(program("options", "settings"))
    assert [step.op for step in plan.changing] == [Op.UPDATE], "a rename with an alias recreated the object"
    assert names() == {given}


def test_depends_on_and_outputs_set_the_order(trial: Trial) -> None:
    def program() -> None:
        home = namespace(trial.ns)
        first = config_map("first", home.metadata.name, {"a": "b"})
        second = config_map("second", home.metadata.name, {"a": "b"}, depends_on=[first])
        config_map("third", home.metadata.name, {"after": second.metadata.name})

    trial.up(program)
    listed = trial.get("configmaps", "-n", trial.ns)["items"]
    versions = {item["metadata"]["name"]: int(item["metadata"]["resourceVersion"]) for item in listed}
    assert versions["first"] < versions["second"] < versions["third"]


def test_a_value_that_only_the_server_knows_flows_into_another_object(trial: Trial) -> None:
    def program() -> None:
        home = namespace(trial.ns)
        config_map("about", home.metadata.name, {"uid": home.metadata.uid})
        pulumi.export("uid", home.metadata.uid)

    plan = trial.preview(program)
    assert display.outputs_of(plan.recording) == {"uid": "[unknown]"}
    done = trial.up(program)
    uid = trial.get("namespace", trial.ns)["metadata"]["uid"]
    assert trial.get("configmap", "-n", trial.ns, "about")["data"] == {"uid": uid}
    assert display.outputs_of(done.recording) == {"uid": uid}
    assert not trial.preview(program).changing


def test_an_explicit_provider_sets_the_namespace_of_its_objects(trial: Trial) -> None:
    def program() -> None:
        home = namespace(trial.ns)
        provider = k8s.Provider(
            "there", kubeconfig=trial.cluster.kubeconfig.read_text(), context=trial.cluster.context, namespace=trial.ns
        )
        config_map("placed", None, {"a": "b"}, provider=provider, depends_on=[home])

    trial.up(program)
    assert trial.get("configmap", "-n", trial.ns, "placed")["data"] == {"a": "b"}
    assert not trial.preview(program).changing


def test_nested_components_and_configuration_reach_the_program(trial: Trial) -> None:
    trial.config[f"{trial.project}:color"] = "blue"

    class Inner(pulumi.ComponentResource):
        def __init__(self, name: str, home: Any, opts: pulumi.ResourceOptions) -> None:
            super().__init__("test:a:Inner", name, {}, opts)
            color = pulumi.Config().require("color")
            config_map(name, home, {"color": color, "stack": pulumi.get_stack()}, parent=self)
            self.register_outputs({})

    class Outer(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("test:a:Outer", name)
            home = namespace(trial.ns, parent=self)
            Inner(f"{name}-inner", home.metadata.name, pulumi.ResourceOptions(parent=self))
            self.register_outputs({})

    plan = trial.up(lambda: Outer("o") and None)
    made = trial.get("configmap", "-n", trial.ns, "o-inner")
    assert made["data"] == {"color": "blue", "stack": "test"}
    urn = f"urn:pulumi:test::{trial.project}::test:a:Outer$test:a:Inner$kubernetes:core/v1:ConfigMap::o-inner"
    assert urn in {step.urn for step in plan.steps}


def test_secrets_are_applied_and_shown_nowhere(trial: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    def program(password: str) -> Callable[[], None]:
        def run() -> None:
            home = namespace(trial.ns)
            k8s.core.v1.Secret(
                "login",
                metadata=k8s.meta.v1.ObjectMetaArgs(name="login", namespace=home.metadata.name),
                string_data={"password": password},
            )
            config_map("also", home.metadata.name, {"token": pulumi.Output.secret(f"token-{password}")})

        return run

    encoded = "aHVudGVyMg=="  # hunter2
    shown = []
    for password in ("hunter2", "correct-horse"):
        plan = trial.preview(program(password))
        display.show_plan(plan, everything=True)
        shown.append(json.dumps(digest.digest(trial.program(), plan, 1.0)))
        trial.up(program(password))
    shown.append(capsys.readouterr().out)
    secrets = ("hunter2", "correct-horse", encoded, "Y29ycmVjdC1ob3JzZQ==")
    assert trial.get("secret", "-n", trial.ns, "login")["data"] == {"password": secrets[3]}
    assert trial.get("configmap", "-n", trial.ns, "also")["data"] == {"token": "token-correct-horse"}
    assert "[secret]" in "".join(shown)
    assert not [secret for secret in secrets if secret in "".join(shown)]
    assert not trial.preview(program("correct-horse")).changing


def test_what_only_the_pulumi_cli_can_do_is_named_before_anything_changes(trial: Trial) -> None:
    def program() -> None:
        namespace(trial.ns)
        pulumi.CustomResource("random:index/randomPet:RandomPet", "pet", {})
        namespace(f"{trial.ns}-2", import_="x")
        namespace(f"{trial.ns}-3", custom_timeouts=pulumi.CustomTimeouts(create="1m"))

    with pytest.raises(UnsupportedError) as refused:
        trial.up(program)
    text = str(refused.value)
    assert "random:index/randomPet:RandomPet" in text
    assert "import" in text
    assert "customTimeouts" in text
    assert "pulumi up" in refused.value.hint
    assert not trial.exists("namespace", trial.ns)
