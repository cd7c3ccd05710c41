"""One thing to do in Keycloak: shown before it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Literal

from gdcc.identity.difference import Change, changes

Action = Literal["create", "update", "delete"]
Rotate = AbstractSet[str] | Literal["due"]
"""Whose keys are changed: client ids, or all that are old enough."""


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        action: what happens to it.
        kind: of the object, in Keycloak's words.
        name: of the object.
        changes: the fields; never a secret.
        run: does it.
    """

    action: Action
    kind: str
    name: str
    changes: tuple[Change, ...]
    run: Callable[[], object] = field(repr=False, compare=False)


def created(kind: str, name: str, wanted: Mapping[str, Any], run: Callable[[], object]) -> Step:
    """The step that makes something."""
    return Step("create", kind, name, tuple(changes(wanted, {})), run)


def deleted(kind: str, name: str, run: Callable[[], object]) -> Step:
    """The step that removes something."""
    return Step("delete", kind, name, (), run)
