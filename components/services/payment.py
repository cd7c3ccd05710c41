"""The payment service: Kill Bill on its own database, and the place of the adapter for PromptPay and bill payment.

Agencies reach the adapter and never Kill Bill itself, whose API could move anybody's money. The adapter runs once its
image has a digest in stacks/platform/images.yaml; until then the gateway answers that the service is not in operation.
"""

from __future__ import annotations

import pulumi

from components.services.ground import Ground, ServiceArgs, makes_secrets
from components.services.postgres import PASSWORD, Database, DatabaseArgs, authority, database, jdbc
from components.services.space import Space
from components.services.workload import Container, Pod, Probe, SecretKey, scratch, secret_files
from gdcc.network.gateway import sync_account
from gdcc.services.recipe import RANDOM, Recipe

SERVICE = "payment"
SERVER, ADAPTER = "kill-bill", "payment-adapter"
PORT = 8080
DATABASE = "killbill"
ADMIN = "kill-bill-admin"
"""Secret: `password`, and `shiro.ini`, by which Kill Bill knows its one administrator."""
_SHIRO = f"[users]\nadmin = {RANDOM}, root\n[roles]\nroot = *:*\n"


def recipes(ground: Ground) -> tuple[Recipe, ...]:
    """The Secrets that are made here."""
    return (*database(ground), Recipe(ADMIN, {"password": RANDOM, "shiro.ini": _SHIRO}))


def server(ground: Ground) -> Container:
    """Kill Bill's container; its variables are those of its image."""
    return Container(
        SERVER,
        ground.images["kill-bill"],
        environment={
            "KILLBILL_DAO_URL": jdbc(DATABASE),
            "KILLBILL_DAO_USER": DATABASE,
            "KILLBILL_DAO_PASSWORD": PASSWORD,
            "KILLBILL_SECURITY_SHIRO_RESOURCE_PATH": "file:/etc/gdcc/admin/shiro.ini",
        },
        ports={"http": PORT},
        mounts=(
            secret_files("/etc/gdcc/admin", ADMIN, "shiro.ini"),
            authority(ground),
            scratch("/var/lib/killbill", "1Gi"),
            scratch("/var/lib/tomcat", "512Mi"),
            scratch(),
        ),
        ready=Probe(PORT, "/1.0/healthcheck"),
        alive=Probe(PORT, patience=6),
        start=Probe(PORT, patience=60),
        cpu="500m",
        cpu_limit="2",
        memory="2Gi",
    )


def adapter(ground: Ground, image: str) -> Container:
    """The adapter's container: where Kill Bill is, and the administrator's password."""
    return Container(
        ADAPTER,
        image,
        environment={
            "KILLBILL_URL": f"http://{SERVER}:{PORT}",
            "KILLBILL_PASSWORD": SecretKey(ADMIN, "password"),
            "OIDC_ISSUER": ground.estate.identity.issuer,
        },
        ports={"http": PORT},
        mounts=(scratch(),),
        ready=Probe(PORT, "/readyz"),
        alive=Probe(PORT, "/healthz", patience=6),
    )


class PaymentService(pulumi.ComponentResource):
    """Kill Bill, its database, and the adapter where there is one."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:PaymentService", name, {}, opts)
        ground, space = args.ground, Space(name, SERVICE, args.namespace, self)
        ground.authority(space)
        makes_secrets(space, ground, recipes(ground))
        Database(f"{name}-database", DatabaseArgs(SERVICE, args.namespace, ground, DATABASE), space.child)
        space.account(sync_account(SERVICE)[1])
        pod = Pod(SERVICE, SERVER, (server(ground),), grace=120)
        space.deployment(pod, 2)
        space.service_of(pod, {"http": PORT})
        image = ground.images.get(ADAPTER)
        if image:
            before = Pod(SERVICE, ADAPTER, (adapter(ground, image),))
            space.deployment(before, 2)
            space.service_of(before, {"http": PORT})
        self.register_outputs({})
