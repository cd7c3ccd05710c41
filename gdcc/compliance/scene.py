"""A stack set up to be looked at: its estate, its program's manifests, and its cluster or why there is none."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gdcc.compliance.check import Scene, Unreachable
from gdcc.engine.api import Api, connect
from gdcc.engine.commands import local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.engine.monitor import Recording, State
from gdcc.engine.program import Program, run
from gdcc.engine.registration import Registration
from gdcc.errors import GdccError
from gdcc.model import load_estate, load_settings

Manifests = tuple[Mapping[str, Any], ...]


def scene_of(root: Path, stack: str, options: Mapping[str, Any] | None = None) -> Scene:
    """The scene of a stack; a cluster that does not answer is part of it, not an error.

    Raises:
        GdccError: there is no such stack, or its files have errors.
    """
    estate = load_estate(root, load_settings(root, stack))
    program = load_program(root, stack)
    return Scene(root, stack, estate, Rendering(program), _reached(program), dict(options or {}))


def _reached(program: Program) -> Api | Unreachable:
    context = program.config.get("kubernetes:context", "")
    try:
        api = connect(local_kubeconfig(context), context or None)
        api.request("GET", "/version")
    except GdccError as error:
        return Unreachable(error.message)
    return api


class Rendering:
    """Runs a program without a cluster, once, however many threads ask; what failed once fails again at once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._made: Recording | GdccError | None = None

    def __call__(self) -> Manifests:
        """The manifests.

        Raises:
            GdccError: the program fails.
        """
        return manifests(self.recording())

    def recording(self) -> Recording:
        """All that the program registered; raises what a call raises."""
        with self._lock:
            if self._made is None:
                try:
                    self._made = record(self._program)
                except GdccError as error:
                    self._made = error
        if isinstance(self._made, GdccError):
            raise self._made
        return self._made


def render(program: Program) -> Manifests:
    """The manifests that a program registers, in their order; raises what `record` raises."""
    return manifests(record(program))


def manifests(recording: Recording) -> Manifests:
    """The manifests of a run of the program, in their order."""
    return tuple(_compact(each.inputs) for each in recording.objects)


def record(program: Program) -> Recording:
    """All that a program registers; nothing is asked of a cluster.

    Raises:
        GdccError: the program fails, or reads what only a cluster can tell.
    """

    def resolve(asked: Registration, _: Registration | None) -> State:
        return State(asked.name, asked.inputs)

    def read(type_: str, id_: str, _: Registration | None) -> State:
        raise GdccError(f"the program reads {type_} {id_}, which only a cluster can tell", "")

    recording = run(program, resolve, read, preview=True)
    if recording.problems:
        raise GdccError("\n".join(recording.problems))
    return recording


def _compact(value: Any) -> Any:
    """Without what the program did not give."""
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items() if item is not None}
    return [_compact(item) for item in value] if isinstance(value, list) else value
