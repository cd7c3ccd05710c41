from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gdcc.model import Binding, Environment, Estate, Problem, asked_bindings
from gdcc.model.binding import content_hash

from ..model.conftest import Project
from ..model.conftest import project as project  # noqa: PLC0414 - pytest finds the fixture by its name here
from ..network.conftest import marked

SERVICES = "services:\n  - identity\n  - notify\n"
APPROVERS = (("service-owner", "identity-owner@dga.go.th.example"), ("security", "identity-security@dga.go.th.example"))
HASH = "$HASH"


@dataclass(frozen=True)
class Asking:
    """One agency (dev and prod, zone gin, data of the class ลับ) and what it asks of the common services."""

    project: Project

    @property
    def root(self) -> Path:
        return self.project.root

    def ask(self, services: str, *changes: tuple[str, str]) -> Path:
        """Write the request with this under ``services:``, its lines indented by two; `$HASH` is what is approved."""
        path = self.project.request(*changes, (SERVICES, f"services:\n{services}" if services else ""))
        if HASH in services:
            self._sign(path)
        return path

    def _sign(self, path: Path) -> None:
        text = path.read_text()
        path.write_text(text.split("    approvals:")[0].replace("§", ""))
        (tenant,) = self.estate().tenants
        digest = content_hash(tenant, tenant.request.service_requests[0])
        path.write_text(text.replace(HASH, digest))

    def refused(self, services: str, *changes: tuple[str, str]) -> Problem:
        """The one problem, which must stand at the `§` in the text."""
        return marked(self.project, self.ask(services, *changes))

    def estate(self) -> Estate:
        return self.project.estate()

    def bound(self) -> dict[tuple[str, Environment], Binding]:
        """Everything asked for, by service and environment."""
        return {(one.service, one.environment): one for one in asked_bindings(self.estate())}

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self.root / file
        before = path.read_text()
        path.write_text(change(before))
        assert path.read_text() != before, "the change must change something"


def approvals(*roles: str, content: str = HASH, email: str = "") -> str:
    """Approvals of the service identity, under an entry."""
    by = dict(APPROVERS)
    lines = [
        f"      - {{role: {role}, name: ผู้อนุมัติ, email: {email or by[role]}, approved: 2026-10-12,\n"
        f'         content: "{content}"}}\n'
        for role in roles
    ]
    return "    approvals:\n" + "".join(lines)


@pytest.fixture
def asking(project: Project) -> Asking:
    return Asking(project)
