"""What runs the common services: a namespace for each, the gateway before them, and the wires between their pods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pulumi

from components.binding import ServiceGateway, ServiceGatewayArgs
from components.services import esaraban, gateway, identity, notify, payment, postgres
from components.services.gateway import GatewayPods, GatewayPodsArgs
from components.services.ground import CREDENTIALS, Ground, ServiceArgs
from components.services.namespace import Amounts, ServiceNamespace, ServiceNamespaceArgs
from components.services.network import Wire, policies
from components.services.rights import DeployerRights
from gdcc.model import Estate, StackSettings
from gdcc.network import GATEWAY
from gdcc.network.gateway import backend, sync_account

__all__ = ["CommonServices", "CommonServicesArgs", "all_wires"]

_Make = Callable[[str, ServiceArgs, pulumi.ResourceOptions], pulumi.ComponentResource]
SERVICES: dict[str, _Make] = {
    identity.SERVICE: identity.IdentityService,
    notify.SERVICE: notify.NotifyService,
    payment.SERVICE: payment.PaymentService,
    esaraban.SERVICE: esaraban.EsarabanService,
}
"""Those that run here. Another that is `available` is somebody else's to run; the gateway does not stand before it."""


@dataclass(frozen=True)
class CommonServicesArgs:
    """Arguments of `CommonServices`.

    Attributes:
        estate: whose services and bindings.
        settings: the stack's; `gdcc:operators` says whose custom resources the cluster has.
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
        ground = Ground.of(args.estate, args.settings.operators)
        super().__init__("gdcc:services:CommonServices", name, {}, opts)
        child, estate = pulumi.ResourceOptions(parent=self), args.estate
        wires = all_wires(ground)
        running = [one for one in SERVICES if one in estate.services and estate.services[one].status == "available"]

        def space(namespace: str, service: str, callers: Sequence[str], amounts: Amounts) -> pulumi.Output[str]:
            rules = policies(namespace, wires, callers, estate)
            bounds = (estate.container_defaults, amounts, estate.disposable)
            made = ServiceNamespaceArgs(namespace, service, rules, *bounds)
            return ServiceNamespace(f"{name}-{namespace}", made, child).namespace_name

        front = space(GATEWAY, "gateway", (), Amounts(storage="0"))
        self.gateway = ServiceGateway(name, ServiceGatewayArgs(front, estate), child)
        for service in running:
            here = space(backend(service), service, callers_of(service, ground), Amounts())
            SERVICES[service](f"{name}-{service}", ServiceArgs(here, ground), child)
            GatewayPods(f"{name}-gateway-{service}", GatewayPodsArgs(service, front, ground), child)
        DeployerRights(f"{name}-deployer", estate, child)
        self.register_outputs({"running": running})


def all_wires(ground: Ground) -> list[Wire]:
    """Every connection between pods of the common services."""
    operated = [one for service in SERVICES for one in postgres.operated(service)]
    return [
        *gateway.wires(),
        *(one for each in (identity, notify, payment, esaraban) for one in each.wires()),
        *(operated if "cloudnative-pg" in ground.operators else ()),
    ]


def callers_of(service: str, ground: Ground) -> list[str]:
    """Pods of a service that ask the Kubernetes API."""
    syncing = [sync_account(service)[1], identity.ROTATE] if service == identity.SERVICE else []
    return [CREDENTIALS, *syncing, *([postgres.SERVER] if "cloudnative-pg" in ground.operators else [])]
