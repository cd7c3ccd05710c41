"""What may reach what: the policies that `gdcc.network` makes of the stack files, registered and nothing added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pulumi
import pulumi_kubernetes as k8s

from gdcc.network import NetworkPolicy


@dataclass(frozen=True)
class TenantNetworkArgs:
    """Arguments of `TenantNetwork`.

    Attributes:
        namespace: the namespace's name, an output of what makes it, so that it is there first.
        policies: those of this namespace, from `gdcc.network.by_namespace`.
    """

    namespace: pulumi.Input[str]
    policies: Sequence[NetworkPolicy]


class TenantNetwork(pulumi.ComponentResource):
    """The network policies of one namespace: deny everything both ways, then open what the stack files declare.

    Attributes:
        policies: the names of the network policies.
    """

    policies: tuple[str, ...]

    def __init__(self, name: str, args: TenantNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:tenancy:TenantNetwork", name, {}, opts)
        self.policies = tuple(policy.name for policy in args.policies)
        for policy in args.policies:
            self._register(f"{name}-{policy.name}", policy, args.namespace)
        self.register_outputs({"policies": list(self.policies)})

    def _register(self, name: str, policy: NetworkPolicy, namespace: pulumi.Input[str]) -> None:
        # Not the file it follows from: the namespace says that, and a renamed file should touch as little as it can.
        metadata = k8s.meta.v1.ObjectMetaArgs(name=policy.name, namespace=namespace, labels=policy.labels)
        child = pulumi.ResourceOptions(parent=self)
        if policy.kind == "NetworkPolicy":
            # The spec is proven as it stands (gdcc.reach); typed arguments would be a second copy of it.
            spec = cast("k8s.networking.v1.NetworkPolicySpecArgs", policy.spec)
            k8s.networking.v1.NetworkPolicy(name, metadata=metadata, spec=spec, opts=child)
        else:
            k8s.apiextensions.CustomResource(
                name,
                api_version=policy.api_version,
                kind=policy.kind,
                metadata=metadata,
                spec=policy.spec,
                opts=child,
            )
