"""What the platform's own people may do: three roles that share no write, bound to groups of the identity provider.

* The deployer applies the program. It makes and changes what tenants are made of, deletes no namespace, and grants
  tenants' roles only; it cannot change its own role. New rights for the platform are installed by an administrator.
* The approver lets nodes in, and nothing else: whoever deploys does not approve.
* The auditor reads every object except Secrets; not what is inside workloads (logs, exec, proxies).

Nothing is a wildcard: what is new in Kubernetes is granted to nobody until it is listed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_kubernetes as k8s

from components.access import GROUP_PREFIX, RBAC, READ, ROLES, Rule, cluster_role_name
from components.labels import DOMAIN

PlatformRole = Literal["deployer", "approver", "auditor"]
PLATFORM_ROLES: tuple[PlatformRole, ...] = get_args(PlatformRole)

ADMISSION = "admissionregistration.k8s.io"
_APPLY = ("create", "patch")
"""Server-side apply; by name, it makes and changes."""
_POLICIES = ("validatingadmissionpolicies", "mutatingadmissionpolicies")
_BINDINGS = tuple(f"{policy.removesuffix('ies')}ybindings" for policy in _POLICIES)
_SIGNERS = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving")
"""Of the certificates by which a node joins; never those of people."""

_READABLE = {
    "": (
        "componentstatuses configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims "
        "persistentvolumes pods podtemplates replicationcontrollers resourcequotas serviceaccounts services"
    ),
    ADMISSION: (
        "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations"
    ),
    "apiextensions.k8s.io": "customresourcedefinitions",
    "apiregistration.k8s.io": "apiservices",
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "certificates.k8s.io": "certificatesigningrequests clustertrustbundles podcertificaterequests",
    "cilium.io": "ciliumclusterwidenetworkpolicies ciliumnetworkpolicies",
    "coordination.k8s.io": "leasecandidates leases",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "gateway.networking.k8s.io": (
        "gatewayclasses gateways grpcroutes httproutes referencegrants tcproutes tlsroutes udproutes"
    ),
    "networking.k8s.io": "ingressclasses ingresses ipaddresses networkpolicies servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "policy": "poddisruptionbudgets",
    RBAC: "clusterrolebindings clusterroles rolebindings roles",
    "resource.k8s.io": "deviceclasses resourceclaims resourceclaimtemplates resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": (
        "csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattributesclasses"
    ),
}
"""Every kind of object that Kubernetes serves, except Secrets; and those of the add-ons that the platform builds on."""

_AUDITOR = tuple(Rule(group, tuple(names.split()), READ) for group, names in _READABLE.items())
_APPROVER = (
    Rule("", ("nodes",), READ),
    Rule("certificates.k8s.io", ("certificatesigningrequests",), READ),
    Rule("certificates.k8s.io", ("certificatesigningrequests/approval",), ("update",)),
    Rule("certificates.k8s.io", ("signers",), ("approve",), _SIGNERS),
)


def group_of(role: PlatformRole) -> str:
    """The group of the identity provider whose members have a platform role; the ClusterRole has the same name."""
    return f"{GROUP_PREFIX}platform:{role}"


def platform_rules(walls: tuple[str, ...], record: str) -> dict[PlatformRole, tuple[Rule, ...]]:
    """What each platform role may do in the whole cluster.

    Args:
        walls: names of the admission policies, and of the bindings beside them.
        record: name of the objects in which a run notes what it made, and by which runs wait for each other.
    """
    return {"deployer": _deployer(walls, record), "approver": _APPROVER, "auditor": _AUDITOR}


def _deployer(walls: tuple[str, ...], record: str) -> tuple[Rule, ...]:
    tenant_roles = tuple(map(cluster_role_name, ROLES))
    platform_roles = tuple(map(group_of, PLATFORM_ROLES))
    own = (*_APPLY, "delete")
    return (
        Rule("", ("namespaces",), (*READ, *_APPLY)),
        Rule("", ("limitranges", "resourcequotas", "serviceaccounts"), (*READ, *own)),
        Rule("networking.k8s.io", ("networkpolicies",), (*READ, *own)),
        Rule("cilium.io", ("ciliumnetworkpolicies",), (*READ, *own)),
        Rule(RBAC, ("rolebindings",), (*READ, *own)),
        Rule(RBAC, ("clusterroles", "clusterrolebindings"), READ),
        # Kubernetes lets no one grant more than he holds; these two are the exception, for tenants' roles alone.
        Rule(RBAC, ("clusterroles",), (*own, "bind", "escalate"), tenant_roles),
        # Applied again unchanged at every run; without `bind` and `escalate` a change is refused.
        Rule(RBAC, ("clusterroles", "clusterrolebindings"), _APPLY, platform_roles),
        Rule(ADMISSION, (*_POLICIES, *_BINDINGS), READ),
        Rule(ADMISSION, (*_POLICIES, *_BINDINGS), _APPLY, walls),
        Rule("", ("configmaps",), ("get", *_APPLY), (record,)),
        Rule("coordination.k8s.io", ("leases",), ("get", "update"), (record,)),
        Rule("coordination.k8s.io", ("leases",), ("create",)),
    )


@dataclass(frozen=True)
class PlatformRolesArgs:
    """Arguments of `PlatformRoles`; see `platform_rules`."""

    walls: tuple[str, ...]
    record: str


class PlatformRoles(pulumi.ComponentResource):
    """Deployer, approver and auditor, each a ClusterRole bound to the group of its name.

    Attributes:
        groups: the bound groups, by role.
    """

    groups: dict[PlatformRole, str]

    def __init__(self, name: str, args: PlatformRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:platform:PlatformRoles", name, {}, opts)
        self.groups = {role: group_of(role) for role in PLATFORM_ROLES}
        for role, rules in platform_rules(args.walls, args.record).items():
            self._role(f"{name}-{role}", role, rules)
        self.register_outputs({"groups": self.groups})

    def _role(self, name: str, role: PlatformRole, rules: tuple[Rule, ...]) -> None:
        labels = {f"{DOMAIN}/role": role}
        made = k8s.rbac.v1.ClusterRole(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(name=group_of(role), labels=labels),
            rules=[rule.args() for rule in rules],
            opts=pulumi.ResourceOptions(parent=self),
        )
        k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=group_of(role), labels=labels),
            role_ref=k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=made.metadata.name),
            subjects=[k8s.rbac.v1.SubjectArgs(api_group=RBAC, kind="Group", name=group_of(role))],
            opts=pulumi.ResourceOptions(parent=self),
        )
