"""The ID service: Keycloak on its own database, and the jobs that bring its realm to what the stack files say.

Three servers share sessions through the database (Keycloak 26 keeps them there) and caches by JGroups on port 7800,
with TLS of Keycloak's own; they find each other in the database (`jdbc-ping`). The image is built with
`BUILD_OPTIONS` of `gdcc.programs.keycloak`, so the container starts it `--optimized`.
"""

from __future__ import annotations

import pulumi

from components.services.ground import (
    AUTHORITY_FILE,
    Ground,
    ServiceArgs,
    inside,
    makes_secrets,
    trusted,
)
from components.services.postgres import PASSWORD, Database, DatabaseArgs, authority, database, jdbc
from components.services.space import Space
from components.services.workload import Container, Pod, Probe, SecretKey, config_files, scratch, secret_files
from gdcc.identity import realm
from gdcc.model import bindings
from gdcc.network.gateway import sync_account
from gdcc.services.recipe import RANDOM, Recipe

SERVICE = "identity"
SERVER = "keycloak"
PORT, MANAGEMENT, CLUSTERED = 8443, 9000, (7800, 57_800)
"""HTTPS; HTTPS for health and metrics; JGroups and its failure detection."""
REPLICAS = 3
DATABASE = "keycloak"
TLS = "keycloak-tls"
SYNC_CLIENT = "gdcc-sync"
SYNC_SECRET = "keycloak-sync"  # noqa: S105 - a Secret's name
VAULT = "keycloak-vault"
"""Secret with the upstreams' secrets, `<realm>_<name>` each; people put them there, and it may be missing."""
REALM = "realm"
"""ConfigMap of the realm that should be."""
ROTATE = "identity-rotate"
ARGUMENTS = ("start", "--optimized")
_SYNC_KEY = "client-secret"


def host() -> str:
    """Where the ID service is inside the cluster."""
    return inside(SERVICE, SERVER)


def url() -> str:
    """Its address inside the cluster."""
    return f"https://{host()}:{PORT}"


def key_set(ground: Ground) -> str:
    """Path of the keys by which the realm's tokens are checked."""
    return f"/realms/{ground.estate.identity.realm}/protocol/openid-connect/certs"


def recipes(ground: Ground) -> tuple[Recipe, ...]:
    """The Secrets that are made here: of the database's user, and of the client that the sync acts as."""
    return (*database(ground), Recipe(SYNC_SECRET, {_SYNC_KEY: RANDOM}))


def environment(ground: Ground) -> dict[str, str | SecretKey]:
    """Keycloak's, https://www.keycloak.org/server/all-config ; besides the secrets nothing depends on where it runs."""
    return {
        "KC_DB_URL": jdbc(DATABASE),
        "KC_DB_USERNAME": DATABASE,
        "KC_DB_PASSWORD": PASSWORD,
        "KC_HOSTNAME": ground.estate.identity.url,
        # Behind the gateway tokens name the public address; programs inside reach the key set by the inner one.
        "KC_HOSTNAME_BACKCHANNEL_DYNAMIC": "true",
        "KC_PROXY_HEADERS": "xforwarded",
        "KC_HTTPS_CERTIFICATE_FILE": "/etc/gdcc/tls/tls.crt",
        "KC_HTTPS_CERTIFICATE_KEY_FILE": "/etc/gdcc/tls/tls.key",
        "KC_HTTPS_CERTIFICATES_RELOAD_PERIOD": "1h",
        "KC_TRUSTSTORE_PATHS": AUTHORITY_FILE,
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID": SYNC_CLIENT,
        "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": SecretKey(SYNC_SECRET, _SYNC_KEY),
        "KC_LOG_CONSOLE_OUTPUT": "json",
        "JAVA_OPTS_KC_HEAP": "-XX:MaxRAMPercentage=65",
    }


def server(ground: Ground) -> Container:
    """Keycloak's container."""
    return Container(
        SERVER,
        ground.images["keycloak"],
        arguments=ARGUMENTS,
        environment=environment(ground),
        ports={"https": PORT, "management": MANAGEMENT, "jgroups": CLUSTERED[0], "jgroups-fd": CLUSTERED[1]},
        mounts=(
            secret_files("/etc/gdcc/tls", TLS, "tls.crt", "tls.key"),
            trusted(),
            authority(ground),
            secret_files("/etc/gdcc/vault", VAULT, optional=True),
            scratch("/opt/keycloak/data", "512Mi"),
            scratch(),
        ),
        ready=Probe(MANAGEMENT, "/health/ready", tls=True),
        alive=Probe(MANAGEMENT, "/health/live", tls=True, patience=6),
        start=Probe(MANAGEMENT, "/health/started", tls=True, patience=60),
        cpu="500m",
        cpu_limit="2",
        memory="2Gi",
    )


def job(name: str, verb: str, ground: Ground) -> Pod:
    """`gdcc identity sync` or `rotate`, as the account that may write tenants' keys where they are bound."""
    container = Container(
        name,
        ground.images["gdcc"],
        ("gdcc",),
        ("identity", verb, "--file", "/etc/gdcc/realm/realm.json", "--json"),
        environment={
            "GDCC_IDENTITY_URL": url(),
            "GDCC_IDENTITY_CLIENT": SYNC_CLIENT,
            "GDCC_IDENTITY_SECRET_FILE": f"/etc/gdcc/sync/{_SYNC_KEY}",
            "GDCC_IDENTITY_CA": AUTHORITY_FILE,
        },
        mounts=(
            config_files("/etc/gdcc/realm", REALM),
            secret_files("/etc/gdcc/sync", SYNC_SECRET, _SYNC_KEY),
            trusted(),
            scratch(),
        ),
        memory="512Mi",
    )
    return Pod(SERVICE, name, (container,), account=sync_account(SERVICE)[1], token=True, once=True)


class IdentityService(pulumi.ComponentResource):
    """Keycloak, its database, the realm as a ConfigMap, and the jobs `identity-sync` and `identity-rotate`.

    Attributes:
        host: where it is inside the cluster.
    """

    host: str

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:IdentityService", name, {}, opts)
        ground, space = args.ground, Space(name, SERVICE, args.namespace, self)
        self.host = host()
        ground.authority(space)
        ground.certificate(space, TLS, self.host, SERVER)
        makes_secrets(space, ground, recipes(ground))
        Database(f"{name}-database", DatabaseArgs(SERVICE, args.namespace, ground, DATABASE), space.child)
        estate = ground.estate
        space.config(REALM, {"realm.json": realm(estate.identity, bindings(estate)).rendered()})
        pod = Pod(SERVICE, SERVER, (server(ground),), grace=120)
        space.stateful(pod, REPLICAS)
        space.service_of(pod, {"https": PORT})
        ports = {"https": PORT, "jgroups": CLUSTERED[0], "jgroups-fd": CLUSTERED[1]}
        space.service_of(pod, ports, f"{SERVER}-pods", headless=True, unready=True)
        sync = sync_account(SERVICE)[1]
        space.account(sync)
        space.cron(job(sync, "sync", ground), "*/10 * * * *")
        space.cron(job(ROTATE, "rotate", ground), "40 19 * * *")
        self.register_outputs({"host": self.host})
