"""What may reach what: nothing, until a rule opens it; names can be resolved."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.labels import identity
from gdcc.model import Environment, Tenant

_DNS_NAMESPACE = "kube-system"
_DNS_PODS = {"k8s-app": "kube-dns"}
"""The cluster's own resolvers; CoreDNS carries this label too, for compatibility."""
_DNS_PORT = 53


@dataclass(frozen=True)
class TenantNetworkArgs:
    """Arguments of `TenantNetwork`; `namespace` arrives as an output of what makes it."""

    tenant: Tenant
    environment: Environment
    namespace: pulumi.Input[str]


class TenantNetwork(pulumi.ComponentResource):
    """In one namespace, deny all traffic both ways, and let every pod ask the cluster's resolvers.

    Attributes:
        policies: the names of the network policies.
    """

    policies: tuple[str, ...] = ("default-deny", "allow-dns")

    def __init__(self, name: str, args: TenantNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:TenantNetwork", name, {}, opts)
        every_pod = k8s.meta.v1.LabelSelectorArgs()
        deny = k8s.networking.v1.NetworkPolicySpecArgs(pod_selector=every_pod, policy_types=["Ingress", "Egress"])
        dns = k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=every_pod,
            policy_types=["Egress"],
            egress=[k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=[_resolvers()], ports=_dns_ports())],
        )
        for policy, spec in zip(self.policies, (deny, dns), strict=True):
            k8s.networking.v1.NetworkPolicy(
                f"{name}-{policy}",
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=policy, namespace=args.namespace, labels=identity(args.tenant, args.environment)
                ),
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"policies": list(self.policies)})


def _resolvers() -> k8s.networking.v1.NetworkPolicyPeerArgs:
    namespace = {"kubernetes.io/metadata.name": _DNS_NAMESPACE}
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=namespace),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=_DNS_PODS),
    )


def _dns_ports() -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [k8s.networking.v1.NetworkPolicyPortArgs(port=_DNS_PORT, protocol=protocol) for protocol in ("UDP", "TCP")]
