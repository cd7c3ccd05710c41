"""A control plane and a stack of a test's own, looked at by every check there is, and broken on purpose."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster, config, issuer, keys, members, up
from gdcc.cluster.members import Member
from gdcc.cluster.progress import Report
from gdcc.cluster.state import Layout
from gdcc.compliance.catalogue import load_catalogue
from gdcc.compliance.check import Scene
from gdcc.compliance.checks import CHECKS, KUBECONFIG, STATE
from gdcc.compliance.run import Inspection, Outcome
from gdcc.compliance.scene import Manifests, render
from gdcc.engine.api import Api, connect
from gdcc.engine.config import load_program
from gdcc.model import load_estate, load_settings
from tests.checkout import REPOSITORY, Checkout

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
AGENCIES = ("moph/ddc", "mof/rd")
PATIENCE = 15.0
"""Seconds."""
CATALOGUE = load_catalogue(REPOSITORY)


def checkout(root: Path, project: str, *agencies: str) -> Checkout:
    """A checkout with the policies, which the catalogue is among."""
    root.mkdir(parents=True, exist_ok=True)
    made = Checkout.make(root, *(agencies or AGENCIES), project=project)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "policies", root / "policies", dirs_exist_ok=True, ignore=ignored)
    return made


@dataclass
class Site:
    """What is broken and looked at."""

    cluster: Cluster
    stack: Checkout
    patch: pytest.MonkeyPatch
    manifests: Manifests = ()

    @property
    def layout(self) -> Layout:
        return Layout(self.cluster.state)

    @property
    def api(self) -> Api:
        return connect(self.cluster.kubeconfig)

    def scene(self) -> Scene:
        """As it is now; the program is run once, since no break is about the program."""
        root = self.stack.root
        if not self.manifests:
            self.manifests = render(load_program(root, "local"))
        estate = load_estate(root, load_settings(root, "local"))
        options = {STATE: str(self.cluster.state), KUBECONFIG: str(self.cluster.kubeconfig)}
        return Scene(root, "local", estate, lambda: self.manifests, self.api, options)

    def look(self) -> Outcome:
        """Every check of every control."""
        return Inspection(CATALOGUE, CHECKS, self.scene()).run()

    def red(self, awaited: Set[str]) -> dict[str, list[str]]:
        """The controls that fail, and what was seen; looked at again until they are those awaited, or for `PATIENCE`.

        The API server takes up what was written to an admission policy about a second later, more when it is busy.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            found: dict[str, list[str]] = {}
            for record in self.look().records:
                if record.state.value == "fail":
                    said = f"{record.check}: {record.target.name}: {record.actual}"
                    found.setdefault(record.control, []).append(said)
            if found.keys() == awaited or time.monotonic() > deadline:
                return found
            time.sleep(0.5)

    # How to break it ------------------------------------------------------------------------------------------------

    def write(self, method: str, path: str, body: Any = None, kind: str = MERGE) -> Any:
        return self.api.request(method, path, body=body, content_type=kind)[1]

    def restart(self) -> None:
        """Start anew what has other settings now.

        The issuer is there meanwhile: an API server that finds it at its start need not look again 10 s later.
        """
        with issuer.serving(self.layout):
            self.cluster = up(self.cluster.state, Report())

    def with_flags(self, member: str, **flags: str | None) -> None:
        """Run a member with other flags, `_` for `-`; None takes a flag away."""
        original = members.members
        changed = {name.replace("_", "-"): value for name, value in flags.items()}

        def altered(*arguments: Any) -> dict[str, Member]:
            made = original(*arguments)
            given = dict(one.removeprefix("--").split("=", 1) for one in made[member].arguments)
            merged = {name: value for name, value in {**given, **changed}.items() if value is not None}
            made[member] = replace(made[member], arguments=tuple(f"--{name}={value}" for name, value in merged.items()))
            return made

        self.patch.setattr(members, "members", altered)
        self.restart()

    def with_authentication(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Run the API server with another authentication configuration."""
        original = config._authentication

        def altered(folder: Path, port: int) -> dict[str, Any]:
            made = original(folder, port)
            change(made)
            return made

        self.patch.setattr(config, "_authentication", altered)
        self.restart()

    def with_audit_policy(self, change: Callable[[list[dict[str, Any]]], object]) -> None:
        """Run the API server with other rules for its audit log."""
        made = config.audit_policy()
        change(made["rules"])
        self.patch.setattr(config, "audit_policy", lambda: made)
        self.restart()

    def with_identity_first(self) -> None:
        """Run the API server with encryption that encrypts nothing."""
        path = self.layout.config / keys.ENCRYPTION
        configuration = json.loads(path.read_text())
        configuration["resources"][0]["providers"].reverse()
        path.write_text(json.dumps(configuration))
        self.restart()

    def restored(self) -> None:
        """All settings of the control plane as they should be; they hold from the next restart on."""
        self.patch.undo()
        path = self.layout.config / keys.ENCRYPTION
        configuration = json.loads(path.read_text())
        providers: list[Mapping[str, Any]] = configuration["resources"][0]["providers"]
        providers.sort(key=lambda provider: "identity" in provider)
        path.write_text(json.dumps(configuration))
        path.chmod(0o600)

    def applied(self) -> None:
        """What the report says to do about drift."""
        self.stack.gdcc("up", "--yes")
