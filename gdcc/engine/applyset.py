"""Membership without a state file: the ApplySet standard (KEP-3659), as labels and annotations in the cluster."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gdcc.engine.api import Api, Kind, Object, served_or_raise
from gdcc.errors import GdccError

NAMESPACE = "gdcc-system"
"""Where the parents and the locks of all stacks live."""

PART_OF = "applyset.kubernetes.io/part-of"
ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
_TOOL = "gdcc/v0.1"

URN = "engine.gdcc.go.th/urn"
"""On every member: which resource of the program it is; needed to name what a program no longer has."""
OPTIONS = "engine.gdcc.go.th/options"
"""On members with `protect` or `retainOnDelete`, which must hold after the program has forgotten them."""

_CONFIG_MAP = Kind("v1", "ConfigMap")
_NAMESPACE = Kind("v1", "Namespace")


@dataclass(frozen=True)
class Extent:
    """Where members may be: their `Kind.group` names and the namespaces they are in."""

    group_kinds: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()

    def __or__(self, other: Extent) -> Extent:
        return Extent(self.group_kinds | other.group_kinds, self.namespaces | other.namespaces)


@dataclass(frozen=True)
class ApplySet:
    """The set of objects that one stack of one project made in one cluster."""

    project: str
    stack: str

    @property
    def name(self) -> str:
        """Name of the parent ConfigMap, and of the lock beside it."""
        return f"{self.project}.{self.stack}"

    @property
    def id(self) -> str:
        """The id in members' `part-of` label: KEP-3659's hash of the parent's name, namespace, kind and group."""
        digest = hashlib.sha256(f"{self.name}.{NAMESPACE}.ConfigMap.".encode()).digest()
        return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"

    @property
    def selector(self) -> str:
        """The label selector that finds all members."""
        return f"{PART_OF}={self.id}"

    def marked(self, manifest: Mapping[str, Any], urn: str, options: Iterable[str]) -> Object:
        """The manifest with the marks of membership added."""
        metadata = dict(manifest.get("metadata") or {})
        metadata["labels"] = {**(metadata.get("labels") or {}), PART_OF: self.id}
        marks = {URN: urn} | ({OPTIONS: ",".join(sorted(options))} if options else {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
        return {**manifest, "metadata": metadata}

    def read(self, api: Api) -> Extent | None:
        """The extent that the parent records; None when the stack was never applied here."""
        served = served_or_raise(api, _CONFIG_MAP)
        parent = api.get(served, NAMESPACE, self.name)
        if parent is None:
            return None
        metadata = parent["metadata"]
        if (metadata.get("labels") or {}).get(ID) != self.id:
            raise GdccError(
                f"ConfigMap {NAMESPACE}/{self.name} is not the ApplySet parent of this stack",
                f"Something else uses that name: move it away, then run again (expected label {ID}={self.id}).",
            )
        annotations = metadata.get("annotations") or {}
        return Extent(_items(annotations.get(GROUP_KINDS)), _items(annotations.get(NAMESPACES)))

    def write(self, api: Api, extent: Extent) -> None:
        """Record where members may be. Written before the first member is, so that a crash loses none of them."""
        api.apply(
            served_or_raise(api, _CONFIG_MAP),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": self.name,
                    "namespace": NAMESPACE,
                    "labels": {ID: self.id},
                    "annotations": {
                        TOOLING: _TOOL,
                        GROUP_KINDS: ",".join(sorted(extent.group_kinds)),
                        NAMESPACES: ",".join(sorted(extent.namespaces - {NAMESPACE})),
                    },
                },
            },
            force=True,
        )

    def remove(self, api: Api) -> None:
        """Remove the parent, after the last member is gone."""
        served = served_or_raise(api, _CONFIG_MAP)
        if parent := api.get(served, NAMESPACE, self.name):
            api.delete(served, NAMESPACE, self.name, parent["metadata"]["uid"])


def ensure_namespace(api: Api) -> None:
    """Make the engine's own namespace if it is not there."""
    served = served_or_raise(api, _NAMESPACE)
    if api.get(served, "", NAMESPACE) is None:
        api.apply(
            served,
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
            },
        )


def _items(text: str | None) -> frozenset[str]:
    return frozenset(item for item in (text or "").split(",") if item)
