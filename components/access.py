"""Who may do what: three roles of the platform, bound in each namespace to groups of the identity provider.

No rule has a wildcard, and no tenant role writes namespaces, network policies, quotas, limit ranges, roles or bindings.
Who may create pods can read the secrets of the namespace by mounting them: withholding `secrets` from developers keeps
them out of listings, and is no wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_kubernetes as k8s

from components.labels import DOMAIN, identity
from gdcc.model import Environment, Tenant

Role = Literal["tenant-admin", "developer", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)

_RBAC = "rbac.authorization.k8s.io"
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")


@dataclass(frozen=True)
class Rule:
    """Verbs on resources of one API group; "" is the core group."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


_VIEW = (
    Rule(
        "",
        (
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "pods/status",
            "resourcequotas",
            "serviceaccounts",
            "services",
        ),
        _READ,
    ),
    Rule(
        "apps",
        ("daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets", "statefulsets/scale"),
        _READ,
    ),
    Rule("autoscaling", ("horizontalpodautoscalers",), _READ),
    Rule("batch", ("cronjobs", "jobs"), _READ),
    Rule("discovery.k8s.io", ("endpointslices",), _READ),
    Rule("events.k8s.io", ("events",), _READ),
    Rule("networking.k8s.io", ("ingresses", "networkpolicies"), _READ),
    Rule("policy", ("poddisruptionbudgets",), _READ),
    Rule(_RBAC, ("rolebindings", "roles"), _READ),
)
_DEVELOP = (
    Rule("", ("configmaps", "persistentvolumeclaims", "pods", "services"), _WRITE),
    Rule("", ("pods/exec", "pods/portforward"), ("create", "get")),
    Rule("apps", ("deployments", "statefulsets"), _WRITE),
    Rule("apps", ("deployments/scale", "statefulsets/scale"), ("patch", "update")),
    Rule("autoscaling", ("horizontalpodautoscalers",), _WRITE),
    Rule("batch", ("cronjobs", "jobs"), _WRITE),
    Rule("policy", ("poddisruptionbudgets",), _WRITE),
)
_ADMINISTER = (
    Rule("", ("secrets",), (*_READ, *_WRITE)),
    Rule("", ("serviceaccounts",), _WRITE),
    Rule("networking.k8s.io", ("ingresses",), _WRITE),
)
RULES: dict[Role, tuple[Rule, ...]] = {
    "viewer": _VIEW,
    "developer": (*_VIEW, *_DEVELOP),
    "tenant-admin": (*_VIEW, *_DEVELOP, *_ADMINISTER),
}
"""What each role may do in its own namespaces; each holds what the one before it holds."""


def cluster_role_name(role: Role) -> str:
    """The ClusterRole of a role."""
    return f"gdcc:{role}"


def group_name(agency: str, role: Role) -> str:
    """The group of the identity provider whose members have a role in an agency's namespaces."""
    return f"gdcc:{agency}:{role}"


class TenantRoles(pulumi.ComponentResource):
    """The ClusterRoles that every tenant's bindings name; one set for the platform.

    Attributes:
        names: the roles' names, by role.
    """

    names: dict[Role, pulumi.Output[str]]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:TenantRoles", name, {}, opts)
        self.names = {role: self._role(name, role).metadata.name for role in ROLES}
        self.register_outputs({"names": self.names})

    def _role(self, name: str, role: Role) -> k8s.rbac.v1.ClusterRole:
        rules = [
            k8s.rbac.v1.PolicyRuleArgs(api_groups=[rule.group], resources=list(rule.resources), verbs=list(rule.verbs))
            for rule in RULES[role]
        ]
        metadata = k8s.meta.v1.ObjectMetaArgs(name=cluster_role_name(role), labels={f"{DOMAIN}/role": role})
        return k8s.rbac.v1.ClusterRole(
            f"{name}-{role}", metadata=metadata, rules=rules, opts=pulumi.ResourceOptions(parent=self)
        )


@dataclass(frozen=True)
class TenantAccessArgs:
    """Arguments of `TenantAccess`; `namespace` and `roles` arrive as outputs of what makes them."""

    tenant: Tenant
    environment: Environment
    namespace: pulumi.Input[str]
    roles: dict[Role, pulumi.Output[str]]


class TenantAccess(pulumi.ComponentResource):
    """In one namespace, each role bound to the agency's group of that name.

    Attributes:
        groups: the bound groups, by role.
    """

    groups: dict[Role, str]

    def __init__(self, name: str, args: TenantAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:TenantAccess", name, {}, opts)
        self.groups = {role: group_name(args.tenant.agency, role) for role in ROLES}
        for role, group in self.groups.items():
            k8s.rbac.v1.RoleBinding(
                f"{name}-{role}",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=role, namespace=args.namespace, labels=identity(args.tenant, args.environment)
                ),
                role_ref=k8s.rbac.v1.RoleRefArgs(api_group=_RBAC, kind="ClusterRole", name=args.roles[role]),
                subjects=[k8s.rbac.v1.SubjectArgs(api_group=_RBAC, kind="Group", name=group)],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"groups": self.groups})
