"""A `svc-*` namespace: Pod Security restricted, nothing in or out by default, bounded, and without tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.labels import DOMAIN, POD_SECURITY
from components.network import TenantNetwork, TenantNetworkArgs
from gdcc.model import ContainerDefaults
from gdcc.network import NetworkPolicy
from gdcc.network.gateway import SERVICE


@dataclass(frozen=True)
class Amounts:
    """What a namespace of a service may take in all."""

    cpu: str = "32"
    memory: str = "64Gi"
    storage: str = "1Ti"
    pods: str = "60"


@dataclass(frozen=True)
class ServiceNamespaceArgs:
    """Arguments of `ServiceNamespace`.

    Attributes:
        namespace: its name, `gdcc.network.gateway.backend` of the service.
        service: the common service; `gateway` for the gateway's own.
        policies: all its network policies, from `gdcc.network.services`.
        container_defaults: what containers get that ask for nothing.
        disposable: whether it holds nobody's data and may go.
    """

    namespace: str
    service: str
    policies: Sequence[NetworkPolicy]
    container_defaults: ContainerDefaults
    amounts: Amounts
    disposable: bool


class ServiceNamespace(pulumi.ComponentResource):
    """Where a common service runs. It carries no tenant's label and no gateway's: no zone opens it to anybody.

    Attributes:
        namespace_name: an output, so that what is put in comes after it.
    """

    namespace_name: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceNamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:ServiceNamespace", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        levels = {f"pod-security.kubernetes.io/{mode}": POD_SECURITY for mode in ("enforce", "audit", "warn")}
        labels = {SERVICE: args.service}
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=args.namespace,
                labels=labels | levels,
                annotations={f"{DOMAIN}/source": "stacks/platform/services"},
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=not args.disposable),
        )
        self.namespace_name = namespace.metadata.name

        def metadata(one: str) -> k8s.meta.v1.ObjectMetaArgs:
            return k8s.meta.v1.ObjectMetaArgs(name=one, namespace=self.namespace_name, labels=labels)

        hard = {
            **{f"{kind}.cpu": args.amounts.cpu for kind in ("requests", "limits")},
            **{f"{kind}.memory": args.amounts.memory for kind in ("requests", "limits")},
            "requests.storage": args.amounts.storage,
            "pods": args.amounts.pods,
            "services.loadbalancers": "0",
            "services.nodeports": "0",
        }
        k8s.core.v1.ResourceQuota(
            f"{name}-quota", metadata=metadata("quota"), spec=k8s.core.v1.ResourceQuotaSpecArgs(hard=hard), opts=child
        )
        defaults = args.container_defaults
        item = k8s.core.v1.LimitRangeItemArgs(
            type="Container",
            default_request={"cpu": str(defaults.requests.cpu), "memory": str(defaults.requests.memory)},
            default={"cpu": str(defaults.limits.cpu), "memory": str(defaults.limits.memory)},
        )
        limits = k8s.core.v1.LimitRangeSpecArgs(limits=[item])
        k8s.core.v1.LimitRange(f"{name}-limits", metadata=metadata("limits"), spec=limits, opts=child)
        k8s.core.v1.ServiceAccount(
            f"{name}-default", metadata=metadata("default"), automount_service_account_token=False, opts=child
        )
        TenantNetwork(name, TenantNetworkArgs(self.namespace_name, args.policies), child)
        self.register_outputs({"namespaceName": self.namespace_name})
