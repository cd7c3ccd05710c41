"""The verbs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gdcc.cluster import Cluster
from gdcc.cluster.commands import app
from gdcc.errors import GdccError

ENV = [sys.executable, "-c", "from gdcc.cluster.commands import app; app()", "env"]


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.mark.parametrize("verb", ["up", "down", "status", "env"])
def test_the_help_of_each_verb_has_an_example(runner: CliRunner, verb: str) -> None:
    answer = runner.invoke(app, [verb, "--help"])
    assert answer.exit_code == 0
    assert f"gdcc cluster {verb}" in answer.stdout.split("Examples:")[1]


def test_env_prints_nothing_and_exits_2_without_a_cluster(runner: CliRunner, tmp_path: Path) -> None:
    answer = runner.invoke(app, ["env"], env={"GDCC_STATE": str(tmp_path)})
    assert answer.stdout == ""
    assert isinstance(answer.exception, GdccError)
    assert answer.exception.exit_code == 2
    assert "gdcc cluster up" in answer.exception.hint


def test_down_without_a_cluster_is_no_error_and_makes_no_directory(runner: CliRunner, tmp_path: Path) -> None:
    answer = runner.invoke(app, ["down"], env={"GDCC_STATE": str(tmp_path / "none")})
    assert (answer.exit_code, answer.stdout) == (0, "No control plane was up.\n")
    assert not (tmp_path / "none").exists()


def test_status_exits_2_and_names_what_is_stopped(runner: CliRunner, tmp_path: Path) -> None:
    answer = runner.invoke(app, ["status", "--json"], env={"GDCC_STATE": str(tmp_path)})
    assert answer.exit_code == 2
    found = json.loads(answer.stdout)
    assert not found["healthy"]
    assert {member["health"] for member in found["members"]} == {"stopped"}


@pytest.mark.cluster
def test_status_exits_0_when_all_is_well(runner: CliRunner, cluster: Cluster) -> None:
    state = {"GDCC_STATE": str(cluster.state)}
    answer = runner.invoke(app, ["status"], env=state)
    assert answer.exit_code == 0, answer.stdout
    assert "nodes Ready: 3 of 3" in answer.stdout
    found = json.loads(runner.invoke(app, ["status", "--json"], env=state).stdout)
    assert (found["healthy"], found["server"]) == (True, cluster.server)


@pytest.mark.cluster
def test_up_on_a_healthy_cluster_only_says_how_to_look_at_it(runner: CliRunner, cluster: Cluster) -> None:
    answer = runner.invoke(app, ["up"], env={"GDCC_STATE": str(cluster.state)})
    assert answer.exit_code == 0
    assert 'eval "$(gdcc cluster env)"' in answer.stdout


@pytest.mark.cluster
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_what_env_prints_makes_kubectl_work_in_a_shell(cluster: Cluster, shell: str) -> None:
    printed = subprocess.run(
        ENV, env={**os.environ, "GDCC_STATE": str(cluster.state)}, capture_output=True, text=True, check=True
    ).stdout
    program = 'eval "$1" && kubectl get nodes -o name && kubectl config current-context'
    answer = subprocess.run([shell, "-ec", program, "x", printed], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [*(f"node/gdcc-node-{number}" for number in (1, 2, 3)), cluster.context]
