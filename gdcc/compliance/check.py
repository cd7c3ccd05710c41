"""A check: a function that looks at one thing and says what it saw; the catalogue says which control it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gdcc.compliance.evidence import State, Target
from gdcc.engine.api import Api
from gdcc.model import Estate


@dataclass(frozen=True)
class Observation:
    """What a check saw of one target.

    Attributes:
        expected: what should be, in English.
        actual: what is; for `NOT_RUN`, `MANUAL` and `NOT_APPLICABLE` the reason.
        command: the command or request that shows the same again.
    """

    state: State
    target: Target
    expected: str
    actual: str
    command: str


@dataclass(frozen=True)
class Unreachable:
    """Why a place cannot be looked at."""

    reason: str


@dataclass
class Scene:
    """What checks look at; each part is made once, when the first check asks for it.

    Attributes:
        root: the project's folder.
        stack: the stack's name.
        estate: what the stack's files ask for.
        render: runs the Pulumi program without a cluster; the manifests it registers.
        api: the cluster, or why there is none.
        options: what only some checks read (the local control plane's folder, an inventory of nodes).
    """

    root: Path
    stack: str
    estate: Estate
    render: Callable[[], tuple[Mapping[str, Any], ...]]
    api: Api | Unreachable
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def rendered(self) -> tuple[Mapping[str, Any], ...]:
        """The manifests that the stack's program asks for."""
        return self.render()


Look = Callable[[Scene], Iterable[Observation]]


@dataclass(frozen=True)
class Check:
    """A named function of `Scene`.

    Attributes:
        id: as the catalogue's `checks` name it.
        look: yields an observation for each target, passing ones too; a target with nothing to look at is said to be
            `NOT_APPLICABLE`, what cannot be seen `NOT_RUN`, never left out.
    """

    id: str
    look: Look
