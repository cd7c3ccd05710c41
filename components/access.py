"""What tenants may do: three roles, bound in each of their namespaces to groups of the identity provider.

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
from gdcc.model import Admission, Environment, Tenant

Role = Literal["tenant-admin", "developer", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)

GROUP_PREFIX = "gdcc:"
"""Of every group and role of the platform and its tenants."""
RBAC = "rbac.authorization.k8s.io"
READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")


@dataclass(frozen=True)
class Rule:
    """Verbs on resources of one API group; "" is the core group."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Only these objects, if any are named."""

    def args(self) -> k8s.rbac.v1.PolicyRuleArgs:
        """The rule as Kubernetes has it."""
        return k8s.rbac.v1.PolicyRuleArgs(
            api_groups=[self.group],
            resources=list(self.resources),
            verbs=list(self.verbs),
            resource_names=list(self.names) or None,
        )


_VIEW = (
    Rule(
        "",
        (
            "configmaps",
            "events",
            "namespaces",  # their own, whose labels and annotations say what holds there
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "pods/status",
            "serviceaccounts",
            "services",
        ),
        READ,
    ),
    Rule(
        "apps",
        ("daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets", "statefulsets/scale"),
        READ,
    ),
    Rule("autoscaling", ("horizontalpodautoscalers",), READ),
    Rule("batch", ("cronjobs", "jobs"), READ),
    Rule("events.k8s.io", ("events",), READ),
    Rule("gateway.networking.k8s.io", ("grpcroutes", "httproutes", "tlsroutes"), READ),
    Rule("networking.k8s.io", ("ingresses",), READ),
    Rule("policy", ("poddisruptionbudgets",), READ),
)
_DEVELOP = (
    Rule("", ("configmaps", "persistentvolumeclaims", "pods", "services"), WRITE),
    Rule("", ("pods/exec", "pods/portforward"), ("create", "get")),
    Rule("", ("pods/ephemeralcontainers", "pods/resize"), ("get", "patch", "update")),
    Rule("apps", ("deployments", "statefulsets"), WRITE),
    Rule("apps", ("deployments/scale", "statefulsets/scale"), ("patch", "update")),
    Rule("autoscaling", ("horizontalpodautoscalers",), WRITE),
    Rule("batch", ("cronjobs", "jobs"), WRITE),
    Rule("policy", ("poddisruptionbudgets",), WRITE),
)
_ADMINISTER = (
    Rule("", ("secrets",), (*READ, *WRITE)),
    Rule("", ("serviceaccounts",), WRITE),
    Rule("gateway.networking.k8s.io", ("grpcroutes", "httproutes", "tlsroutes"), WRITE),
    Rule("networking.k8s.io", ("ingresses",), WRITE),
)


def role_rules(admission: Admission) -> dict[Role, tuple[Rule, ...]]:
    """What each role may do in its own namespaces; each holds what the one before it holds.

    What bounds a tenant is in the same list that the walls are made from: tenants read it, and write none of it.
    """
    readable = [name for guarded in admission.guarded if guarded.readable for name in guarded.resources]
    groups: dict[str, list[str]] = {}
    for resource, _, group in (name.partition(".") for name in readable):
        groups.setdefault(group, []).append(resource)
    viewer = (*_VIEW, *(Rule(group, tuple(resources), READ) for group, resources in groups.items()))
    developer = (*viewer, *_DEVELOP)
    return {"viewer": viewer, "developer": developer, "tenant-admin": (*developer, *_ADMINISTER)}


def cluster_role_name(role: str) -> str:
    """The ClusterRole of a role."""
    return f"{GROUP_PREFIX}{role}"


def group_name(agency: str, role: Role) -> str:
    """The group of the identity provider whose members have a role in an agency's namespaces."""
    return f"{GROUP_PREFIX}{agency}:{role}"


@dataclass(frozen=True)
class TenantRolesArgs:
    """Arguments of `TenantRoles`."""

    admission: Admission


class TenantRoles(pulumi.ComponentResource):
    """The ClusterRoles that every tenant's bindings name; one set for the platform.

    Attributes:
        names: the roles' names, by role.
    """

    names: dict[Role, pulumi.Output[str]]

    def __init__(self, name: str, args: TenantRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:TenantRoles", name, {}, opts)
        rules = role_rules(args.admission)
        self.names = {role: self._role(name, role, rules[role]).metadata.name for role in ROLES}
        self.register_outputs({"names": self.names})

    def _role(self, name: str, role: Role, rules: tuple[Rule, ...]) -> k8s.rbac.v1.ClusterRole:
        metadata = k8s.meta.v1.ObjectMetaArgs(name=cluster_role_name(role), labels={f"{DOMAIN}/role": role})
        return k8s.rbac.v1.ClusterRole(
            f"{name}-{role}",
            metadata=metadata,
            rules=[rule.args() for rule in rules],
            opts=pulumi.ResourceOptions(parent=self),
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
                role_ref=k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=args.roles[role]),
                subjects=[k8s.rbac.v1.SubjectArgs(api_group=RBAC, kind="Group", name=group)],
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"groups": self.groups})
