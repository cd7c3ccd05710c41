"""Defaults: what the API server adds to a tenant's pods so that they pass a wall; each has its wall.

A default is a convenience and never the protection: when it is missing, the wall refuses the pod.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_kubernetes as k8s

from components.admission.wall import Matched, Scope, cel, constraints, namespace_label
from gdcc.model import Admission

_PODS = (Matched("", ("pods",), ("CREATE",)),)
_DEBUGGING = (Matched("", ("pods/ephemeralcontainers",), ("UPDATE",)),)


@dataclass(frozen=True)
class Default:
    """What is added, where, and the wall that insists on it.

    Attributes:
        patch: a CEL expression: a list of `JSONPatch` operations.
    """

    id: str
    title: str
    wall: str
    matched: tuple[Matched, ...]
    patch: str

    @property
    def name(self) -> str:
        """Of the policy and of its binding."""
        return f"gdcc-default-{self.id}"

    def policy_spec(self) -> k8s.admissionregistration.v1.MutatingAdmissionPolicySpecArgs:
        """The policy; when it fails the object is refused and not let through half done."""
        api = k8s.admissionregistration.v1
        return api.MutatingAdmissionPolicySpecArgs(
            failure_policy="Fail",
            reinvocation_policy="IfNeeded",
            match_constraints=constraints(self.matched, Scope.TENANTS),
            mutations=[api.MutationArgs(patch_type="JSONPatch", json_patch=api.JSONPatchArgs(expression=self.patch))],
        )

    def binding_spec(self) -> k8s.admissionregistration.v1.MutatingAdmissionPolicyBindingSpecArgs:
        """The binding, without which the policy does nothing."""
        return k8s.admissionregistration.v1.MutatingAdmissionPolicyBindingSpecArgs(policy_name=self.name)


def defaults(admission: Admission) -> tuple[Default, ...]:
    """All of them."""
    return (
        Default(
            "pull",
            "Containers of new pods always pull their image",
            "pull",
            _PODS,
            f"{_pull('containers')} + {_pull('initContainers')}",
        ),
        Default(
            "pull-debug",
            "Containers for debugging always pull their image",
            "pull",
            _DEBUGGING,
            _pull("ephemeralContainers"),
        ),
        Default("pool", "New pods tolerate the taint of their tenant's pool", "placement", _PODS, _pool(admission)),
    )


def _pull(field: str) -> str:
    path = f"'/spec/{field}/' + string(index) + '/imagePullPolicy'"
    listed = f"object.spec.?{field}.orValue([])"
    return (
        f"lists.range(size({listed})).filter(index, object.spec.{field}[index].imagePullPolicy != 'Always')"
        f".map(index, JSONPatch{{op: 'add', path: {path}, value: 'Always'}})"
    )


def _pool(admission: Admission) -> str:
    key, pool = cel(admission.placement.pool_key), namespace_label("pool")
    toleration = f"Object.spec.tolerations{{key: {key}, operator: 'Equal', value: {pool}, effect: 'NoSchedule'}}"
    has_it = f"object.spec.?tolerations.orValue([]).exists(one, one.?key.orValue('') == {key})"
    return (
        f"{pool} == '' || {has_it} ? []"
        f" : has(object.spec.tolerations) ? [JSONPatch{{op: 'add', path: '/spec/tolerations/-', value: {toleration}}}]"
        f" : [JSONPatch{{op: 'add', path: '/spec/tolerations', value: [{toleration}]}}]"
    )
