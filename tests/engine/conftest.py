"""A stack of its own for each test, on the real control plane."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster
from gdcc.engine.operations import Manner, Operation
from gdcc.engine.program import Program
from gdcc.engine.step import Plan, Selection

Entry = Callable[[], None]


@dataclass
class Trial:
    """One project with one stack; programs are plain functions that stand in for its `__main__.py`."""

    cluster: Cluster
    directory: Path
    project: str = field(default_factory=lambda: f"p{uuid.uuid4().hex[:8]}")
    config: dict[str, str] = field(default_factory=dict)

    @property
    def ns(self) -> str:
        """A namespace name that no other test has."""
        return f"{self.project}-a"

    def program(self) -> Program:
        return Program(self.directory, self.project, "test", {"kubernetes:context": self.cluster.context} | self.config)

    def operation(self, entry: Entry, *globs: str, force: bool = False, lock_timeout: float = 30) -> Operation:
        manner = Manner(Selection(globs), force, lock_timeout)
        return Operation(self.program(), manner, self.cluster.kubeconfig, entry)

    def preview(self, entry: Entry, *globs: str, force: bool = False) -> Plan:
        return self.operation(entry, *globs, force=force).plan()

    def up(self, entry: Entry, *globs: str, force: bool = False) -> Plan:
        operation = self.operation(entry, *globs, force=force)
        plan = operation.plan()
        return operation.carry_out(plan, operation.plan) if plan.changing else plan

    def destroy(self, entry: Entry) -> Plan:
        operation = self.operation(entry)
        return operation.carry_out(operation.plan_destroy(), operation.plan_destroy, forget=True)

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        command = [str(self.cluster.bin_dir / "kubectl"), f"--kubeconfig={self.cluster.kubeconfig}", *arguments]
        result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert result.returncode == 0 or not check, result.stderr
        return result.stdout + ("" if check else result.stderr)

    def get(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def exists(self, *arguments: str) -> bool:
        return "NotFound" not in self.kubectl("get", *arguments, check=False)


@pytest.fixture
def trial(cluster: Cluster, tmp_path: Path) -> Iterator[Trial]:
    trial = Trial(cluster, tmp_path)
    yield trial
    trial.kubectl("delete", "namespace", "--ignore-not-found", "--wait=false", trial.ns)
