"""A tenant's namespace with what bounds it: Pod Security, quota, limits, and service accounts without tokens."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.labels import identity, namespace_annotations, namespace_labels
from gdcc.model import Admission, ContainerDefaults, Environment, Removal, Tenant
from gdcc.model.platform import ContainerAmount, Quota
from gdcc.network import namespace_name

SERVICE_ACCOUNTS = ("default", "workload")
"""`default`, for pods that name none, and `workload`, for the agency's own; a token is mounted for neither."""


_COUNTED = (("LoadBalancer", "services.loadbalancers"), ("NodePort", "services.nodeports"))


@dataclass(frozen=True)
class TenantNamespaceArgs:
    """Arguments of `TenantNamespace`.

    Attributes:
        tenant: whose it is.
        environment: which of its environments.
        container_defaults: what containers get that ask for nothing.
        admission: what the walls allow; the quota counts by the same list.
        removal: why it may be removed; None protects it.
    """

    tenant: Tenant
    environment: Environment
    container_defaults: ContainerDefaults
    admission: Admission
    removal: Removal | None = None


class TenantNamespace(pulumi.ComponentResource):
    """A namespace of one environment of one tenant, named by the tenant's id, which never changes.

    Attributes:
        namespace_name: `<tenant id>-<environment>`.
    """

    namespace_name: pulumi.Output[str]

    def __init__(self, name: str, args: TenantNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:TenantNamespace", name, {}, opts)
        self._args = args
        self._opts = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=namespace_name(args.tenant, args.environment),
                labels=namespace_labels(args.tenant, args.environment),
                annotations=namespace_annotations(args.tenant, args.environment, args.removal),
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.removal is None),
        )
        self.namespace_name = namespace.metadata.name
        self._quota(name)
        self._limits(name)
        for account in SERVICE_ACCOUNTS:
            k8s.core.v1.ServiceAccount(
                f"{name}-{account}",
                metadata=self._metadata(account),
                automount_service_account_token=False,
                opts=self._opts,
            )
        self.register_outputs({"namespaceName": self.namespace_name})

    def _metadata(self, name: str) -> k8s.meta.v1.ObjectMetaArgs:
        labels = identity(self._args.tenant, self._args.environment)
        return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=self.namespace_name, labels=labels)

    def _quota(self, name: str) -> None:
        quota = self._args.tenant.quota[self._args.environment]
        hard = {
            "requests.cpu": str(quota.cpu),
            "limits.cpu": str(quota.cpu),
            "requests.memory": str(quota.memory),
            "limits.memory": str(quota.memory),
            "requests.storage": str(quota.storage),
            **_by_class(quota, self._args.admission),
            "pods": str(quota.pods),
            **{name: str(most) for name, most in self._args.admission.objects.items()},
            # Ways into the cluster that pass by the platform's gateway.
            **{name: "0" for kind, name in _COUNTED if kind not in self._args.admission.service_types},
        }
        spec = k8s.core.v1.ResourceQuotaSpecArgs(hard=hard)
        k8s.core.v1.ResourceQuota(f"{name}-quota", metadata=self._metadata("quota"), spec=spec, opts=self._opts)

    def _limits(self, name: str) -> None:
        defaults = self._args.container_defaults
        item = k8s.core.v1.LimitRangeItemArgs(
            type="Container",
            default_request=_amount(defaults.requests),
            default=_amount(defaults.limits),
            max=_amount(defaults.max),
        )
        spec = k8s.core.v1.LimitRangeSpecArgs(limits=[item])
        k8s.core.v1.LimitRange(f"{name}-limits", metadata=self._metadata("limits"), spec=spec, opts=self._opts)


def _by_class(quota: Quota, admission: Admission) -> dict[str, str]:
    """Storage of each class: its share of the tenant's."""
    return {
        f"{name}.storageclass.storage.k8s.io/requests.storage": str(quota.storage.share(percent))
        for name, percent in admission.classes.shares().items()
    }


def _amount(amount: ContainerAmount) -> dict[str, str]:
    return {"cpu": str(amount.cpu), "memory": str(amount.memory)}
