"""The steps of an update: one object each, and what happens to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from gdcc.engine.api import Key, Kind, Object
from gdcc.engine.applyset import OPTIONS, Extent
from gdcc.engine.diff import Change
from gdcc.engine.monitor import Recording
from gdcc.engine.registration import Registration
from gdcc.engine.site import Site
from gdcc.engine.values import Path

PROTECT = "protect"
RETAIN = "retainOnDelete"
NAMESPACE = "Namespace"
DEFINITION = "CustomResourceDefinition.apiextensions.k8s.io"


class Op(StrEnum):
    """What happens to an object; the words are Pulumi's."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One object and what happens to it.

    Attributes:
        asked: what the program registered; None for what it no longer has.
        manifest: what is applied, with the marks of membership; None for a delete.
        live: the object before the step; None for a create.
        changes: the fields that differ, as the server would store them.
        force: take over fields that others set.
    """

    op: Op
    site: Site
    key: Key
    urn: str
    asked: Registration | None = None
    manifest: Object | None = None
    live: Object | None = None
    changes: tuple[Change, ...] = ()
    force: bool = False

    @property
    def kind(self) -> Kind:
        """The kind of the object."""
        state = self.manifest or self.live or {}
        return Kind(state["apiVersion"], state["kind"])

    @property
    def type(self) -> str:
        """Pulumi's type token, such as `kubernetes:core/v1:Namespace`."""
        return self.urn.split("::")[2].rpartition("$")[2] if self.urn.count("::") >= 3 else self.key.group_kind

    @property
    def name(self) -> str:
        """Pulumi's logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def secrets(self) -> tuple[Path, ...]:
        """Where the object holds what must not be shown."""
        marked = self.asked.secrets if self.asked else ()
        return (*marked, ("data",), ("stringData",)) if self.key.group_kind == "Secret" else marked

    @property
    def retained(self) -> bool:
        """Whether a delete only ends the object's membership (`retainOnDelete`)."""
        return self.op is Op.DELETE and RETAIN in marks_of(self.live)


def marks_of(live: Object | None) -> frozenset[str]:
    """The resource options that a live member carries, `protect` and `retainOnDelete`."""
    annotations: Mapping[str, str] = ((live or {}).get("metadata") or {}).get("annotations") or {}
    return frozenset(filter(None, annotations.get(OPTIONS, "").split(",")))


def defined_by(definition: Mapping[str, Any]) -> str:
    """The `Kind.group` that a CustomResourceDefinition defines."""
    spec = definition.get("spec") or {}
    return f"{(spec.get('names') or {}).get('kind')}.{spec.get('group')}"


def is_leaving(live: Object | None) -> bool:
    """Whether a live object is being deleted."""
    return live is not None and "deletionTimestamp" in live["metadata"]


@dataclass
class Plan:
    """All steps of one update: in the order in which the program registered them, deletes last."""

    recording: Recording
    steps: list[Step] = field(default_factory=list)

    def of(self, *ops: Op) -> list[Step]:
        """The steps of these kinds."""
        return [step for step in self.steps if step.op in ops]

    @cached_property
    def changing(self) -> list[Step]:
        """The steps that change something."""
        return [step for step in self.steps if step.op is not Op.SAME]

    @property
    def needs_program(self) -> bool:
        """Whether values that only the update can tell flow between objects, so that the program must run along."""
        return self.recording.unknown or any(step.op is Op.REPLACE for step in self.steps)

    def extent(self, site: Site) -> Extent:
        """Where this plan's objects are on a site."""
        keys = [step.key for step in self.steps if step.site is site and step.op is not Op.DELETE]
        return extent_of(keys)


def extent_of(keys: Iterable[Key]) -> Extent:
    """Where these objects are."""
    keys = list(keys)
    return Extent(frozenset(key.group_kind for key in keys), frozenset(key.namespace for key in keys if key.namespace))


@dataclass(frozen=True)
class Selection:
    """Which objects a run is about: those whose URN, logical name or `namespace/name` matches a glob; else all."""

    globs: tuple[str, ...] = ()

    def holds(self, urn: str, key: Key) -> bool:
        """Whether an object is selected."""
        names = (urn, urn.rpartition("::")[2], key.id)
        return not self.globs or any(fnmatchcase(name, glob) for glob in self.globs for name in names)
