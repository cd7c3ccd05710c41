"""A stack as a platform team lives with it: the `gdcc` command, real files, a real cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from gdcc.cluster import Cluster, down, up
from tests.checkout import Checkout

pytestmark = pytest.mark.cluster


def kubectl(cluster: Cluster, *arguments: str) -> str:
    command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def steps(checkout: Checkout, verb: str, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(checkout.gdcc(verb, "--json", *arguments).stdout)["steps"]
    return found


def test_an_agency_whose_file_is_deleted_loses_exactly_its_objects(cluster: Cluster, checkout: Checkout) -> None:
    checkout.gdcc("up", "--yes")
    checkout.gdcc("preview", "--expect-no-changes")
    before = json.loads(kubectl(cluster, "get", "namespaces", "-l", "gdcc.go.th/agency", "-o", "json"))["items"]
    (checkout.root / "stacks/agencies/moph/dms.yaml").unlink()
    deleted = steps(checkout, "up", "--yes")
    assert {step["op"] for step in deleted} == {"delete"}
    doomed = {item["metadata"]["name"] for item in before if item["metadata"]["labels"]["gdcc.go.th/agency"] == "dms"}
    assert len(doomed) == 3
    assert {step["oldState"]["id"].partition("/")[0] for step in deleted} == doomed
    after = json.loads(kubectl(cluster, "get", "namespaces", "-l", "gdcc.go.th/agency", "-o", "json"))["items"]
    left = {item["metadata"]["name"] for item in before} - doomed
    assert {item["metadata"]["name"] for item in after} == left
    checkout.gdcc("preview", "--expect-no-changes")


def test_a_value_edited_in_one_file_changes_exactly_the_objects_it_should(checkout: Checkout) -> None:
    checkout.gdcc("up", "--yes")
    file = checkout.root / "stacks/agencies/moph/fda.yaml"
    text = file.read_text()
    assert "  availability: high\n" in text or "  integrity: high\n" in text or "  confidentiality: high\n" in text
    file.write_text(text.replace(": high\n", ": medium\n"))
    changed = steps(checkout, "up", "--yes")
    assert {(step["op"], step["newState"]["type"]) for step in changed} == {("update", "kubernetes:core/v1:Namespace")}
    assert {frozenset(step["detailedDiff"]) for step in changed} == {
        frozenset({'metadata.labels["gdcc.go.th/impact"]'})
    }
    tenant = next(line for line in text.splitlines() if line.startswith("tenant: ")).removeprefix("tenant: ")
    environments = next(line for line in text.splitlines() if line.startswith("environments: "))
    expected = {f"{tenant}-{each}" for each in environments.removeprefix("environments: ").strip("[]").split(", ")}
    assert {step["newState"]["id"] for step in changed} == expected


def test_a_renamed_file_and_title_recreate_nothing(checkout: Checkout) -> None:
    checkout.gdcc("up", "--yes")
    old = checkout.root / "stacks/agencies/moph/fda.yaml"
    new = old.with_name("food-and-drug.yaml")
    text = old.read_text().replace("  en: ", "  en: The New ", 1)
    old.unlink()
    new.write_text(text)
    changed = steps(checkout, "up", "--yes")
    assert {step["op"] for step in changed} == {"update"}
    assert {step["urn"].rpartition("kubernetes:")[2].partition("::")[0] for step in changed} == {
        "core/v1:Namespace",
        "rbac.authorization.k8s.io/v1:RoleBinding",
    }


def test_a_change_by_hand_is_reported_with_who_and_when_and_put_right(cluster: Cluster, checkout: Checkout) -> None:
    checkout.gdcc("up", "--yes")
    namespace = json.loads(kubectl(cluster, "get", "ns", "-l", "gdcc.go.th/agency=ddc", "-o", "json"))["items"][0]
    name = namespace["metadata"]["name"]
    kubectl(cluster, "label", "namespace", name, "gdcc.go.th/data-class=open", "--overwrite")
    kubectl(cluster, "delete", "networkpolicy", "-n", name, "default-deny")
    said = checkout.gdcc("refresh", "--expect-no-changes", status=1).stdout
    expected = namespace["metadata"]["labels"]["gdcc.go.th/data-class"]
    assert f'metadata.labels["gdcc.go.th/data-class"]: is "open", should be "{expected}"' in said
    assert "Update by kubectl-label at 20" in said
    assert f"NetworkPolicy {name}/default-deny: is not there" in said
    assert {step["op"] for step in steps(checkout, "up", "--yes")} == {"create", "update"}
    assert "unchanged" in checkout.gdcc("refresh", "--expect-no-changes").stdout


def test_output_without_a_terminal_has_no_colour_and_no_control_characters(checkout: Checkout) -> None:
    checkout.environment.pop("NO_COLOR", None)
    done = checkout.gdcc("up", "--yes")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    assert "created" in done.stdout
    assert "Duration:" in done.stdout


def test_the_answer_for_machines_has_the_shape_of_pulumis_preview(checkout: Checkout) -> None:
    answer = json.loads(checkout.gdcc("preview", "--json").stdout)
    assert {"config", "steps", "duration", "changeSummary"} <= answer.keys()
    step = answer["steps"][0]
    assert step["op"] == "create"
    assert step["urn"].startswith("urn:pulumi:local::")
    assert {"urn", "custom", "type", "inputs", "parent"} <= step["newState"].keys()
    assert answer["changeSummary"] == {"create": len(answer["steps"])}


def test_an_api_server_that_goes_away_in_the_middle_leaves_words_on_what_is_done_and_what_is_not(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    usual = checkout.environment["KUBECONFIG"]
    state = tmp_path_factory.mktemp("goes-away")
    own = up(state)
    try:
        checkout.environment["KUBECONFIG"] = str(own.kubeconfig)
        (checkout.root / "stop.py").write_text(STOPS_AFTER)
        done = subprocess.run(
            [sys.executable, "stop.py", str(state)],
            cwd=checkout.root,
            env=checkout.env(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert "no answer from the API server" in done.stderr
        assert "changes are done" in done.stderr
        assert "not done" in done.stderr
        assert "it goes on from what is done" in done.stderr or "gdcc cluster status" in done.stderr
        assert "Traceback" not in done.stderr
        up(state)
        checkout.gdcc("up", "--yes")
        checkout.gdcc("preview", "--expect-no-changes")
    finally:
        checkout.environment["KUBECONFIG"] = usual
        down(state, purge=True)


STOPS_AFTER = """
# Runs `gdcc up` in a control plane whose API server is killed once ten objects are applied.
import os, signal, sys
import psutil
from gdcc import cli
from gdcc.engine import execute

applied = []
perform = execute.perform

def then_stop(step):
    done = perform(step)
    applied.append(step)
    if len(applied) == 10:
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.info["name"] == "kube-apiserver" and any(state in word for word in process.info["cmdline"]):
                process.send_signal(signal.SIGKILL)
    return done

execute.perform = then_stop
state, sys.argv = sys.argv[1], ["gdcc", "up", "--yes"]
cli.main()
"""
