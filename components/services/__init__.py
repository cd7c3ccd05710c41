"""What runs the common services: a namespace for each, the gateway before them, and their rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from components.binding import ServiceGateway, ServiceGatewayArgs
from components.services import esaraban, identity, notify, payment
from components.services.gateway import GatewayPods, GatewayPodsArgs
from components.services.ground import Ground, ServiceArgs
from components.services.namespace import Amounts, ServiceNamespace, ServiceNamespaceArgs
from components.services.rights import DeployerRights
from gdcc.model import Estate, StackSettings
from gdcc.network import GATEWAY
from gdcc.network.gateway import backend
from gdcc.network.services import of_services, running

__all__ = ["CommonServices", "CommonServicesArgs"]

_Make = Callable[[str, ServiceArgs, pulumi.ResourceOptions], pulumi.ComponentResource]
SERVICES: dict[str, _Make] = {
    identity.SERVICE: identity.IdentityService,
    notify.SERVICE: notify.NotifyService,
    payment.SERVICE: payment.PaymentService,
    esaraban.SERVICE: esaraban.EsarabanService,
}
"""Those of `gdcc.network.services.RUN_HERE`; the gateway stands before no other."""


@dataclass(frozen=True)
class CommonServicesArgs:
    """Arguments of `CommonServices`.

    Attributes:
        estate: whose services and bindings.
        settings: the stack's.
    """

    estate: Estate
    settings: StackSettings


class CommonServices(pulumi.ComponentResource):
    """All of them.

    Raises:
        GdccError: images have no digest yet.

    Attributes:
        gateway: what tenants are bound by.
    """

    gateway: ServiceGateway

    def __init__(self, name: str, args: CommonServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        ground = Ground.of(args.estate, args.settings)
        super().__init__("gdcc:services:CommonServices", name, {}, opts)
        child, estate = pulumi.ResourceOptions(parent=self), args.estate
        here = running(estate)
        rules = of_services(estate)

        def space(namespace: str, service: str, amounts: Amounts) -> pulumi.Output[str]:
            bounds = (estate.container_defaults, amounts, estate.disposable)
            made = ServiceNamespaceArgs(namespace, service, rules[namespace], *bounds)
            return ServiceNamespace(f"{name}-{namespace}", made, child).namespace_name

        front = space(GATEWAY, "gateway", Amounts(storage="0"))
        self.gateway = ServiceGateway(name, ServiceGatewayArgs(front, estate), child)
        for service in here:
            inside = space(backend(service), service, Amounts())
            SERVICES[service](f"{name}-{service}", ServiceArgs(inside, ground), child)
            GatewayPods(f"{name}-gateway-{service}", GatewayPodsArgs(service, front, ground), child)
        DeployerRights(f"{name}-deployer", estate, child)
        self.register_outputs({"running": list(here)})
