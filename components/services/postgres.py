"""PostgreSQL of one service: by CloudNativePG where the cluster has it, else one server with a volume that stays.

Both are reached as `postgres-rw` with TLS and SCRAM, and the user's password is in the Secret `postgres-app` under
`password`; so a service does not know which it is. Every night `pg_dump` writes the database to a volume of its own.
That is a copy against mistakes and not a disaster recovery: it is on the same cluster, and a day old at worst. Recovery
to a moment, and copies elsewhere, are CloudNativePG's with an object store, which the platform team configures there.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.services.ground import AUTHORITY, Ground, inside
from components.services.space import Space, volume_spec
from components.services.workload import (
    Container,
    Mount,
    Pod,
    Probe,
    SecretKey,
    claim,
    config_files,
    scratch,
    secret_files,
)
from gdcc.services.recipe import RANDOM, Recipe

PORT = 5432
SERVER = "postgres"
"""Name of the server's pods; CloudNativePG's carry the label too."""
HOST = "postgres-rw"
"""Service before the server that takes writes; CloudNativePG's name for it."""
SECRET = "postgres-app"  # noqa: S105 - a Secret's name
PASSWORD = SecretKey(SECRET, "password")
TLS = "postgres-server"
"""Secret of the server's certificate where there is no operator that makes one."""
ACCESS = "postgres-access"
"""ConfigMap of who may connect to that server."""
BACKUP = "postgres-backup"
_AUTHORITY_FOLDER = "/etc/gdcc/database"
AUTHORITY_FILE = f"{_AUTHORITY_FOLDER}/ca.crt"
"""In clients: by which they verify the server."""
VERIFIED = f"sslmode=verify-full&sslrootcert={AUTHORITY_FILE}"
"""In clients' addresses of the database."""
_SIZE, _COPIES = "50Gi", "150Gi"
"""Of the volume, and of that of the copies."""
_USER = 999
"""Of the image's user `postgres`."""
_DATA = "/var/lib/postgresql/data"
_HBA = "local all all scram-sha-256\nhostssl all all all scram-sha-256\n"
_KEPT_DAYS = 14
_DUMP = (
    'set -eu; file="/backup/$(date -u +%Y-%m-%dT%H%M%SZ).dump"; '
    'pg_dump --format=custom --no-password --file="$file.part"; mv "$file.part" "$file"; '
    f"find /backup -name '*.dump' -mtime +{_KEPT_DAYS} -delete; find /backup -name '*.part' -mtime +1 -delete"
)


def recipe() -> Recipe:
    """The Secret of the database's user; CloudNativePG makes its own."""
    return Recipe(SECRET, {"password": RANDOM})


def database(ground: Ground) -> tuple[Recipe, ...]:
    """What is to be made beside a service's own Secrets."""
    return () if "cloudnative-pg" in ground.operators else (recipe(),)


def authority(ground: Ground) -> Mount:
    """By which clients verify the server."""
    if "cloudnative-pg" in ground.operators:
        return secret_files(_AUTHORITY_FOLDER, "postgres-ca", "ca.crt")
    return secret_files(_AUTHORITY_FOLDER, AUTHORITY, "ca.crt")


def jdbc(name: str) -> str:
    """Address of a database for programs in Java."""
    return f"jdbc:postgresql://{HOST}:{PORT}/{name}?{VERIFIED}"


@dataclass(frozen=True)
class DatabaseArgs:
    """Arguments of `Database`.

    Attributes:
        service: whose.
        database: name of the database and of the user who owns it.
    """

    service: str
    namespace: pulumi.Input[str]
    ground: Ground
    database: str


class Database(pulumi.ComponentResource):
    """One database for one service; see the module.

    Attributes:
        host: where it is.
    """

    host: str

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:Database", name, {}, opts)
        self._args = args
        self._space = Space(name, args.service, args.namespace, self)
        self.host = HOST
        if "cloudnative-pg" in args.ground.operators:
            self._cluster()
        else:
            self._server()
        self._copies()
        self.register_outputs({"host": self.host})

    def _cluster(self) -> None:
        """https://cloudnative-pg.io/documentation/current/cloudnative-pg.v1/ ; three, one of them written to."""
        args = self._args
        spec = {
            "instances": 3,
            "imageName": args.ground.images["postgresql"],
            "enableSuperuserAccess": False,
            "inheritedMetadata": {"labels": {"app.kubernetes.io/name": SERVER}},
            "bootstrap": {"initdb": {"database": args.database, "owner": args.database, "dataChecksums": True}},
            "storage": {"size": _SIZE, "storageClass": args.ground.storage_class},
            "postgresql": {"parameters": {"password_encryption": "scram-sha-256"}},
            "affinity": {"podAntiAffinityType": "required"},
            "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}},
        }
        self._space.custom("Cluster", "postgresql.cnpg.io/v1", SERVER, spec)

    def _server(self) -> None:
        args, space = self._args, self._space
        args.ground.certificate(space, TLS, HOST, inside(args.service, HOST))
        space.config(ACCESS, {"pg_hba.conf": _HBA})
        settings = {
            "ssl": "on",
            "ssl_cert_file": "/etc/gdcc/tls/tls.crt",
            "ssl_key_file": "/etc/gdcc/tls/tls.key",
            "ssl_min_protocol_version": "TLSv1.2",
            "password_encryption": "scram-sha-256",
            "hba_file": "/etc/gdcc/access/pg_hba.conf",
        }
        asked = Probe(PORT, command=("pg_isready", "--quiet", f"--username={args.database}"))
        server = Container(
            SERVER,
            args.ground.images["postgresql"],
            arguments=tuple(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
            environment={
                "POSTGRES_USER": args.database,
                "POSTGRES_DB": args.database,
                "POSTGRES_PASSWORD": PASSWORD,
                "POSTGRES_INITDB_ARGS": "--data-checksums --auth=scram-sha-256",
                "PGDATA": f"{_DATA}/pgdata",
            },
            ports={"postgres": PORT},
            mounts=(
                secret_files("/etc/gdcc/tls", TLS),
                config_files("/etc/gdcc/access", ACCESS),
                scratch("/var/run/postgresql", "16Mi"),
                scratch(),
                Mount(_DATA, {}, writable=True),
            ),
            ready=asked,
            alive=Probe(PORT, patience=6),
            start=Probe(PORT, command=asked.command, patience=60),
            cpu="250m",
            cpu_limit="2",
            memory="1Gi",
        )
        pod = Pod(args.service, SERVER, (server,), user=_USER, configuration=_HBA, grace=120)
        volume = k8s.core.v1.PersistentVolumeClaimArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(name=Mount(_DATA, {}).name),
            spec=volume_spec(_SIZE, args.ground.storage_class),
        )
        space.stateful(pod, 1, (volume,), keep=not args.ground.estate.disposable)
        space.service_of(pod, {"postgres": PORT}, f"{SERVER}-pods", headless=True)
        space.service_of(pod, {"postgres": PORT}, HOST)

    def _copies(self) -> None:
        args, space = self._args, self._space
        space.volume_claim(BACKUP, _COPIES, args.ground.storage_class)
        dump = Container(
            BACKUP,
            args.ground.images["postgresql"],
            ("sh", "-c"),
            (_DUMP,),
            environment={
                "PGHOST": HOST,
                "PGDATABASE": args.database,
                "PGUSER": args.database,
                "PGPASSWORD": PASSWORD,
                "PGSSLMODE": "verify-full",
                "PGSSLROOTCERT": AUTHORITY_FILE,
            },
            mounts=(authority(args.ground), claim("/backup", BACKUP)),
        )
        space.cron(Pod(args.service, BACKUP, (dump,), user=_USER, once=True), "15 18 * * *", seconds=7200)
