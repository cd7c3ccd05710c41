from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from gdcc.model import Estate, Problem
from gdcc.model.agreement import content_hash
from gdcc.model.source import parse

from ..model.conftest import Project
from ..model.conftest import project as project  # noqa: PLC0414 - pytest finds the fixture by its name here

FILE = "stacks/agreements/dms-ddc-cases.yaml"
CONSUMER = "stacks/agencies/moph/ddc.yaml"
PROVIDER = "stacks/agencies/moph/dms.yaml"
OFFERS = """\
offers:
  - name: case-reports
    ports: [{port: 8443}, {port: 9000, protocol: UDP}]
    data_class: เผยแพร่ภายในองค์กร
"""
TERMS = """\
# yaml-language-server: $schema=../schema/agreement.schema.json
title: {th: รายงานผู้ป่วย, en: Case reports}
provider: dms
consumer: ddc
service: case-reports
ports: [{port: 8443}]
environments: [prod]
data_class: เผยแพร่ภายในองค์กร
legal_basis: [พระราชบัญญัติโรคติดต่อ พ.ศ. 2558]
purposes: [{th: เฝ้าระวังโรค, en: Disease surveillance}]
contacts:
  provider: {name: กองดิจิทัล, email: desk@dms.go.th.example}
  consumer: {name: กองดิจิทัล, email: desk@ddc.go.th.example}
starts: 2026-01-01
expires: 2028-12-31
"""
SIGNATURES = """\
signatures:
  provider: {name: ผู้อำนวยการ, email: director@dms.go.th.example, signed: 2025-12-01, content: $HASH}
  consumer: {name: ผู้อำนวยการ, email: director@ddc.go.th.example, signed: 2025-12-02, content: $HASH}
"""


@dataclass(frozen=True)
class Shared:
    """Two agencies of a project, one of which offers a service that the other may agree to use."""

    project: Project

    @property
    def root(self) -> Path:
        return self.project.root

    def agree(self, *changes: tuple[str, str], file: str = FILE, after_signing: tuple[str, str] | None = None) -> Path:
        """Write the agreement with these changes, signed as it then stands, and perhaps changed once more."""
        text = TERMS + SIGNATURES
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} must be once in the agreement"
            text = text.replace(old, new)
        text = text.replace("$HASH", content_hash(parse(text.replace("§", "").encode(), file)))
        if after_signing:
            old, new = after_signing
            assert text.count(old) >= 1, f"{old!r} must be in the agreement"
            text = text.replace(old, new)
        return self.project.write(file, text)

    def refused(self, *changes: tuple[str, str], after_signing: tuple[str, str] | None = None) -> Problem:
        """The one problem of such an agreement; `§` marks where it must be reported."""
        return marked(self.project, self.agree(*changes, after_signing=after_signing))

    def estate(self) -> Estate:
        return self.project.estate()


def marked(project: Project, path: Path) -> Problem:
    """The one problem there is, which must stand at the `§` that this takes out of the file."""
    text = path.read_text()
    assert text.count("§") == 1
    before = text[: text.index("§")]
    path.write_text(text.replace("§", ""))
    problem = project.problem()
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    expected = (path.relative_to(project.root).as_posix(), *place)
    assert (problem.file, problem.line, problem.column) == expected, str(problem)
    return problem


@pytest.fixture
def shared(project: Project) -> Shared:
    provider = (("t7k2m9qx", "t0dms000"), ("director@ddc", "director@dms"), ("lead@ddc", "lead@dms"))
    path = project.request(*provider, file=PROVIDER)
    path.write_text(path.read_text() + OFFERS)
    made = Shared(project)
    made.agree()
    return made
