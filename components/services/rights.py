"""What the deployer may do for the common services: these kinds of objects, written by these names alone.

A ClusterRole beside the deployer's own, bound to the same group; like that one it is installed by an administrator, and
the deployer applies it unchanged. Reading is by kind, since a run compares what there is by label; Secrets are neither
read nor written. Nothing is deleted that holds data: volumes go with their namespace, which an
administrator deletes.
"""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from components.access import RBAC, READ, Rule
from components.binding import CREDENTIAL_ROLE
from components.labels import DOMAIN
from components.platform import group_of
from components.services import esaraban, identity, notify, payment, postgres
from components.services.ground import AUTHORITY, CREDENTIALS, MAKER_ROLE
from gdcc.model import Estate
from gdcc.network.gateway import object_name, sync_account

ROLE = f"{group_of('deployer')}:services"
_OWN = ("create", "patch", "delete")
_DEPLOYMENTS = (
    *(notify.API, notify.WORKER, payment.SERVER, payment.ADAPTER),
    *(*esaraban.mayans(), esaraban.QUEUE, esaraban.EXCHANGE),
)
_STATEFUL = (identity.SERVER, postgres.SERVER)


def deployer_rules(estate: Estate) -> tuple[Rule, ...]:
    """Those that the layer `services` adds."""
    offered = tuple(name for name, one in estate.services.items() if one.status == "available")
    deployments = (*offered, *_DEPLOYMENTS)
    services = (*deployments, *_STATEFUL, *(f"{name}-pods" for name in _STATEFUL), postgres.HOST)
    crons = (CREDENTIALS, sync_account(identity.SERVICE)[1], identity.ROTATE, postgres.BACKUP)
    maps = (
        *(CREDENTIALS, identity.REALM, notify.BOUND, notify.TEMPLATES, postgres.ACCESS),
        *(f"{prefix}-{name}" for prefix in ("bindings", "envoy") for name in offered),
        *map(object_name, offered),
    )
    certificates = (AUTHORITY, identity.TLS, postgres.TLS, *(f"{name}-tls" for name in offered))
    roles = tuple(role.format(name) for role in (CREDENTIAL_ROLE, MAKER_ROLE) for name in offered)
    named: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("", "configmaps", maps),
        ("", "services", services),
        ("apps", "deployments", deployments),
        ("apps", "statefulsets", _STATEFUL),
        ("batch", "cronjobs", crons),
        ("policy", "poddisruptionbudgets", (*deployments, *_STATEFUL)),
        ("cert-manager.io", "certificates", certificates),
        ("postgresql.cnpg.io", "clusters", (postgres.SERVER,)),
    )
    volumes = (postgres.BACKUP, notify.JOURNAL, esaraban.DOCUMENTS)
    return (
        *(Rule(group, (kind,), READ) for group, kind, _ in named),
        *(Rule(group, (kind,), _OWN, names) for group, kind, names in named),
        Rule("", ("persistentvolumeclaims",), READ),
        Rule("", ("persistentvolumeclaims",), ("create", "patch"), volumes),
        # Each lets a service's own program write Secrets of given names, and nothing else: see components.binding.
        Rule(RBAC, ("clusterroles",), (*_OWN, "bind", "escalate"), roles),
        # This one: without `bind` and `escalate` a change of it is refused.
        Rule(RBAC, ("clusterroles", "clusterrolebindings"), ("create", "patch"), (ROLE,)),
    )


class DeployerRights(pulumi.ComponentResource):
    """The ClusterRole, and its binding to the deployers' group."""

    def __init__(self, name: str, estate: Estate, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:DeployerRights", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = k8s.meta.v1.ObjectMetaArgs(name=ROLE, labels={f"{DOMAIN}/role": "deployer"})
        rules = [rule.args() for rule in deployer_rules(estate)]
        k8s.rbac.v1.ClusterRole(name, metadata=metadata, rules=rules, opts=child)
        k8s.rbac.v1.ClusterRoleBinding(
            f"{name}-binding",
            metadata=metadata,
            role_ref=k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=ROLE),
            subjects=[k8s.rbac.v1.SubjectArgs(api_group=RBAC, kind="Group", name=group_of("deployer"))],
            opts=child,
        )
        self.register_outputs({})
