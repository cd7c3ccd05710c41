"""A node's controls in the same evidence as all others: `gdcc comply --nodes`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gdcc.compliance import pack
from gdcc.compliance.evidence import State
from tests.checkout import GDCC, REPOSITORY
from tests.nodes.conftest import Hosts

pytestmark = pytest.mark.nodes


def test_a_hardened_node_and_a_fresh_one_are_told_apart_in_one_run(
    hosts: Hosts, hardened: Hosts, tmp_path: Path
) -> None:
    command = [GDCC, "comply", "--control", "GC-43", "--nodes", hosts.inventory, "--out", tmp_path / "evidence"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    records = pack.read(tmp_path / "evidence").records
    states = {
        name: {one.state for one in records if one.target.name == name} for name in (*hosts.hardened, hosts.untouched)
    }
    assert all(states[name] == {State.PASS} for name in hosts.hardened), states
    assert State.FAIL in states[hosts.untouched]
    root = next(
        one for one in records if one.check == "node-ssh-permitrootlogin" and one.target.name == hosts.untouched
    )
    assert root.actual == "in force: without-password; on disk: (nothing)"
    assert root.expected == "in force: no; on disk: no"
    assert {path.name for path in (tmp_path / "evidence").iterdir()} >= {"evidence.jsonl", "report.html", "junit.xml"}
