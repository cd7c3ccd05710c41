"""The second opinion: the matcher of mattfenwick/cyclonus, built from tools/cyclonus and asked over a pipe."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster.build import FLAGS, cache_root
from gdcc.cluster.golang import Go, go
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from tests.checkout import REPOSITORY

SOURCES = REPOSITORY / "tools" / "cyclonus"


class Oracle:
    """A running oracle; each question is a mapping as tools/cyclonus/main.go reads it."""

    def __init__(self, program: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, text=True, encoding="utf-8")

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the oracle ended; what it said is above"
        told: dict[str, Any] = json.loads(answer)
        return told

    def allowed(self, world: Mapping[str, Any], traffic: Sequence[Mapping[str, Any]], *, raw: bool = False) -> str:
        """A 1 or 0 for each traffic."""
        verdicts = str(self.ask(**world, traffic=traffic, raw=raw)["allowed"])
        assert len(verdicts) == len(traffic)
        return verdicts

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0


def build() -> Path:
    """The oracle's program, built once for each content of its sources into the cache; skips the test without Go."""
    content = b"".join((SOURCES / name).read_bytes() for name in ("go.mod", "go.sum", "main.go"))
    target = cache_root() / "cyclonus" / hashlib.sha256(content).hexdigest()[:16]
    program = target / "cyclonus"
    report = Report()
    with locked(target, report, "waiting for another build of the oracle"):
        if not program.exists():
            compiler = _toolchain(report)
            part = target / ".cyclonus.part"
            with report.step("building the oracle; without anything cached, about 3 minutes"):
                compiler.run(["build", *FLAGS, "-o", str(part), "."], SOURCES, "building the oracle")
            part.replace(program)
    return program


def _toolchain(report: Report) -> Go:
    try:
        return go(REPOSITORY / "tools", cache_root(), report)
    except GdccError as error:
        pytest.skip(f"the oracle needs Go: {error.message}; {error.hint}")
