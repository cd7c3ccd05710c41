"""The objects that live checks look at, each kind listed once however many checks ask, and whose they are."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gdcc.compliance.check import Scene, Unreachable
from gdcc.compliance.evidence import Target
from gdcc.engine.api import Api, Object
from gdcc.network import DOMAIN, Namespace, namespaces
from gdcc.network.gateway import SERVICE
from policies.places import places
from policies.rules import Parameters, Place

_making = threading.Lock()
_ROUTES = "gateway.networking.k8s.io"
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
GROUPS: Mapping[str, str] = {
    **dict.fromkeys(("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"), "apps"),
    **dict.fromkeys(("CronJob", "Job"), "batch"),
    **dict.fromkeys(("Ingress", "NetworkPolicy"), "networking.k8s.io"),
    **dict.fromkeys(("GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute", "UDPRoute"), _ROUTES),
    **dict.fromkeys(("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"), _RBAC),
    **{f"{sort}AdmissionPolicy{end}": _ADMISSION for sort in ("Validating", "Mutating") for end in ("", "Binding")},
}
"""API groups of the kinds that rules look at; all others are of the core group."""
_UNREAD = frozenset({"Secret"})
"""Auditors may not read them, and no check needs to."""


@dataclass(frozen=True)
class Owned:
    """A tenant's namespace in the stack's files, and as rules see it."""

    namespace: Namespace
    place: Place

    @property
    def target(self) -> Target:
        """Whose it is."""
        tenant = self.namespace.tenant
        return Target(
            kind="namespace",
            name=self.namespace.name,
            ministry=tenant.ministry,
            agency=tenant.agency,
            file=tenant.source,
        )

    def object(self, manifest: Mapping[str, Any]) -> Target:
        """One object in it."""
        return self.target.model_copy(update={"kind": "object", "name": shown(manifest)})


STRICTEST = Place({f"{DOMAIN}/tenant": "platform", f"{DOMAIN}/environment": "prod", f"{DOMAIN}/agency": "shared"})
"""As rules see a common service's namespace: they ask of its workloads what they ask of a tenant's in production."""


@dataclass(frozen=True)
class Serving:
    """A namespace of a common service, as the program registers it; none where the stack has no such layer."""

    name: str
    labels: Mapping[str, str]
    place: Place = STRICTEST

    @property
    def target(self) -> Target:
        """Where it is; the platform's own."""
        return Target(kind="namespace", name=self.name, file="stacks/platform/services")

    def object(self, manifest: Mapping[str, Any]) -> Target:
        """One object in it."""
        return self.target.model_copy(update={"kind": "object", "name": shown(manifest)})


class Objects:
    """What is live on one cluster.

    Args:
        api: its API server.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self._lists: dict[str, tuple[Object, ...]] = {}
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def every(self, kind: str) -> tuple[Object, ...]:
        """All objects of a kind; none when the server does not serve it."""
        with _making:
            lock = self._locks[kind]
        with lock:
            if kind not in self._lists:
                group = GROUPS.get(kind, "")
                served = self.api.preferred(f"{kind}.{group}" if group else kind)
                self._lists[kind] = tuple(self.api.list(served)) if served else ()
        return self._lists[kind]

    def of_kinds(self, kinds: Iterable[str]) -> Iterator[Object]:
        """All objects of these kinds that checks read."""
        for kind in sorted(set(kinds) - _UNREAD):
            yield from self.every(kind)


@dataclass(frozen=True)
class Ground:
    """What every check of a run goes by; made once per scene."""

    parameters: Parameters
    owned: Mapping[str, Owned]
    serving: Mapping[str, Serving]
    live: Objects | Unreachable


def ground_of(scene: Scene) -> Ground:
    """The same for every check of a run."""
    with _making:
        if "policies" not in vars(scene):
            seen = places(scene.estate)
            owned = {each.name: Owned(each, seen[each.name]) for each in namespaces(scene.estate)}
            live = scene.api if isinstance(scene.api, Unreachable) else Objects(scene.api)
            vars(scene)["policies"] = Ground(Parameters.of(scene.estate), owned, _serving(scene), live)
    kept: Ground = vars(scene)["policies"]  # beside the scene's own cached properties
    return kept


def _serving(scene: Scene) -> dict[str, Serving]:
    found = {}
    for each in scene.rendered:
        labels = each["metadata"].get("labels") or {} if each.get("kind") == "Namespace" else {}
        if SERVICE in labels and f"{DOMAIN}/tenant" not in labels:
            found[home(each)] = Serving(home(each), labels)
    return found


def shown(manifest: Mapping[str, Any]) -> str:
    """`Pod t7k2m9qx-prod/web`."""
    metadata = manifest.get("metadata") or {}
    namespace = metadata.get("namespace")
    return f"{manifest.get('kind')} {f'{namespace}/' if namespace else ''}{metadata.get('name')}"


def home(manifest: Mapping[str, Any]) -> str:
    """The namespace an object is in, or is."""
    metadata = manifest.get("metadata") or {}
    return str((metadata.get("name") if manifest.get("kind") == "Namespace" else metadata.get("namespace")) or "")
