from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from gdcc.model import Estate, Problem, StackSettings, load_estate, validate

REPOSITORY = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 21)

REQUEST = """\
# yaml-language-server: $schema=../../schema/agency.schema.json
tenant: t7k2m9qx
names:
  th: กรมควบคุมโรค
  en: Department of Disease Control
ministry: moph
kind: department
purpose:
  th: เฝ้าระวังโรค
  en: Disease surveillance
legal_basis:
  - พระราชบัญญัติโรคติดต่อ พ.ศ. 2558
owner:
  name: ผู้อำนวยการ
  email: director@ddc.go.th.example
technical_lead:
  name: หัวหน้ากลุ่มงาน
  email: lead@ddc.go.th.example
  phone: "+66 2 000 0000"
security_contact:
  name: ศูนย์รับแจ้งเหตุ
  email: soc@ddc.go.th.example
impact:
  confidentiality: high
  integrity: medium
  availability: low
  reviewed: 2026-01-15
personal_data: true
data_class: ลับ
zone: gin
environments: [dev, prod]
size: small
services:
  - identity
  - notify
"""


@dataclass(frozen=True)
class Project:
    """A project of one's own with the real platform files and one good request."""

    root: Path

    def write(self, file: str, text: str | bytes) -> Path:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def request(self, *changes: tuple[str, str], file: str = "stacks/agencies/moph/ddc.yaml") -> Path:
        text = REQUEST
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} must be once in the request"
            text = text.replace(old, new)
        return self.write(file, text)

    def problems(self) -> list[Problem]:
        return list(validate(self.root, today=TODAY).problems)

    def problem(self) -> Problem:
        problems = self.problems()
        assert len(problems) == 1, "expected one problem:\n" + "\n".join(map(str, problems))
        return problems[0]

    def refused(self, old: str, new: str) -> Problem:
        """The one problem after a change of the request; `§` in the new text marks where it must be reported."""
        path = self.request((old, new))
        text = path.read_text()
        marked = text.index("§")
        path.write_text(text.replace("§", ""))
        problem = self.problem()
        line, column = text.count("\n", 0, marked) + 1, marked - text.rfind("\n", 0, marked)
        assert (problem.file, problem.line, problem.column) == ("stacks/agencies/moph/ddc.yaml", line, column), str(
            problem
        )
        assert problem.message
        return problem

    def estate(self, *agencies: str) -> Estate:
        return load_estate(self.root, StackSettings(agencies=agencies or ("*",)), today=TODAY)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "stacks" / "platform", tmp_path / "stacks" / "platform")
    shutil.copy(REPOSITORY / "stacks" / "Pulumi.local.yaml", tmp_path / "stacks")
    (tmp_path / "Pulumi.yaml").write_text("name: gdcc\nruntime: python\n")
    made = Project(tmp_path)
    made.request()
    return made
