"""The control plane behind an API server, where it can be seen: processes, arguments and files of the local one.

A managed cluster shows none of that through its API; then the answer is not-run, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from gdcc.cluster.control_plane import running
from gdcc.cluster.members import APISERVER, server_url
from gdcc.cluster.state import Layout, Record
from gdcc.compliance.check import Look, Observation, Scene, Unreachable
from gdcc.compliance.checks.see import cluster
from gdcc.compliance.evidence import State

STATE = "state"
"""The scene's option: the local control plane's folder; `.gdcc` in the project, or `$GDCC_STATE`, by default."""

MANAGED = (
    "managed cluster: its API shows neither arguments nor files of the control plane; ask the provider for evidence"
)


@dataclass(frozen=True)
class Plane:
    """A control plane on this machine.

    Attributes:
        arguments: of each member, as its process was started: flag without dashes to value.
    """

    layout: Layout
    record: Record
    arguments: Mapping[str, Mapping[str, str]]

    def flag(self, name: str, member: str = APISERVER) -> str:
        """The value of a running member's flag; empty when it is not set."""
        return self.arguments.get(member, {}).get(name, "")

    def file(self, flag: str) -> Any:
        """The content of the YAML or JSON file that a flag of the running API server names; None without one."""
        path = self.flag(flag)
        try:
            return yaml.safe_load(Path(path).read_bytes()) if path else None
        except (OSError, yaml.YAMLError):
            return None


def plane(scene: Scene) -> Plane | Unreachable:
    """The control plane of the scene's API server."""
    if isinstance(scene.api, Unreachable):
        return scene.api
    state = scene.options.get(STATE)
    layout = Layout.at(Path(state) if state else None)
    record = Record.read(layout.record)
    if record is None or APISERVER not in record.ports or server_url(record.ports) != scene.api.server:
        return Unreachable(MANAGED)
    return Plane(layout, record, {name: _arguments(process) for name, process in running(layout, record)})


def on_plane(expected: str, command: str) -> Callable[[Callable[[Scene, Plane], Iterable[Observation]]], Look]:
    """Makes a check of a function that needs the control plane itself."""

    def decorate(look: Callable[[Scene, Plane], Iterable[Observation]]) -> Look:
        def looks(scene: Scene) -> Iterator[Observation]:
            found = plane(scene)
            if isinstance(found, Unreachable):
                yield Observation(State.NOT_RUN, cluster(scene), expected, found.reason, command)
                return
            yield from look(scene, found)

        looks.__doc__ = look.__doc__
        return looks

    return decorate


def tail(path: Path, size: int = 4 * 1024 * 1024) -> Iterator[dict[str, Any]]:
    """The events in the last bytes of an audit log, oldest first."""
    with path.open("rb") as stream:
        begin = max(0, path.stat().st_size - size)
        stream.seek(begin)
        lines = stream.read().splitlines()
    for line in lines[1 if begin else 0 :]:
        try:
            yield json.loads(line)
        except ValueError:  # the last line may be half written
            continue


def _arguments(process: psutil.Process) -> dict[str, str]:
    flags = (argument.removeprefix("--").partition("=") for argument in process.cmdline()[1:])
    return {name: value or "true" for name, _, value in flags}
