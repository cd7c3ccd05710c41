"""The walls between tenants inside the API server, made from `stacks/platform/admission.yaml`.

Their number does not grow with the tenants: what differs between tenants is read from labels and annotations of the
namespace, and those are behind a wall themselves. Admission cannot guard admission policies; roles do that
(`components.platform`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pulumi
import pulumi_kubernetes as k8s

from components.admission import bounds, freeze, images, machines, namespaces, pods, rights, routing, storage
from components.admission.defaults import Default, defaults
from components.admission.wall import Wall
from components.labels import DOMAIN
from gdcc.model import Admission

_WALLS = (
    namespaces.namespaces,
    bounds.bounds,
    bounds.marks,
    freeze.freeze,
    rights.bindings,
    rights.roles,
    images.images,
    images.pull,
    machines.host,
    machines.placement,
    machines.classes,
    machines.nodes,
    pods.restricted,
    pods.read_only_root,
    pods.limits,
    pods.tokens,
    storage.claims,
    storage.volumes,
    storage.secrets,
    routing.services,
    routing.hostnames,
)


def walls(admission: Admission, today: date) -> tuple[Wall, ...]:
    """Every wall, in the order in which they are told of; by the day each denies or only audits and warns yet."""
    made = (make(admission) for make in _WALLS)
    return tuple(replace(wall, denies=admission.denies(wall.id, today)) for wall in made)


@dataclass(frozen=True)
class AdmissionWallsArgs:
    """Arguments of `AdmissionWalls`."""

    admission: Admission
    today: date
    """By which walls deny or only audit (`Estate.today`)."""


class AdmissionWalls(pulumi.ComponentResource):
    """Every wall and every default, each with its binding; one set for the whole cluster.

    Attributes:
        names: of the policies, and of the bindings beside them.
    """

    names: tuple[str, ...]

    def __init__(self, name: str, args: AdmissionWallsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:admission:AdmissionWalls", name, {}, opts)
        built, added = walls(args.admission, args.today), defaults(args.admission)
        for wall in built:
            self._wall(name, wall)
        for default in added:
            self._default(name, default)
        self.names = (*(wall.name for wall in built), *(default.name for default in added))
        self.register_outputs({"names": list(self.names)})

    def _wall(self, name: str, wall: Wall) -> None:
        child = pulumi.ResourceOptions(parent=self)
        policy = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
            f"{name}-{wall.id}", metadata=_metadata(wall.name, wall.title), spec=wall.policy_spec(), opts=child
        )
        k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            f"{name}-{wall.id}-binding",
            metadata=_metadata(wall.name, wall.title),
            spec=wall.binding_spec(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _default(self, name: str, default: Default) -> None:
        child = pulumi.ResourceOptions(parent=self)
        policy = k8s.admissionregistration.v1.MutatingAdmissionPolicy(
            f"{name}-default-{default.id}",
            metadata=_metadata(default.name, default.title),
            spec=default.policy_spec(),
            opts=child,
        )
        k8s.admissionregistration.v1.MutatingAdmissionPolicyBinding(
            f"{name}-default-{default.id}-binding",
            metadata=_metadata(default.name, default.title),
            spec=default.binding_spec(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )


def _metadata(name: str, title: str) -> k8s.meta.v1.ObjectMetaArgs:
    labels = {f"{DOMAIN}/layer": "tenancy"}
    return k8s.meta.v1.ObjectMetaArgs(name=name, labels=labels, annotations={f"{DOMAIN}/title": title})
