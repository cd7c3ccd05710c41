"""e-Saraban: Mayan EDMS as the registry of letters (front, workers, scheduler), Valkey, and the AS4 exchange's place.

The exchange runs once its image has a digest in stacks/platform/images.yaml; until then the gateway answers that it is
not in operation. Documents are on a volume that all of Mayan's pods share.
"""

from __future__ import annotations

import pulumi

from components.services.ground import Ground, ServiceArgs, makes_secrets
from components.services.postgres import AUTHORITY_FILE, HOST, PASSWORD, Database, DatabaseArgs, authority, database
from components.services.space import Space
from components.services.workload import Container, Pod, Probe, SecretKey, claim, scratch, secret_files
from gdcc.network.gateway import sync_account
from gdcc.services.recipe import RANDOM, Recipe

SERVICE = "e-saraban"
FRONT, SCHEDULER, EXCHANGE, QUEUE = "mayan-front", "mayan-scheduler", "as4-exchange", "valkey"
WORKERS = ("worker_a", "worker_b", "worker_c", "worker_d")
"""Mayan's own: from what people wait for to what may take hours."""
PORT, QUEUE_PORT = 8000, 6379
DATABASE = "mayan"
DOCUMENTS = "mayan-documents"
"""Volume of the documents."""
PARTY = "as4-party"
"""Secret of the exchange's AS4 key and certificate, from the authority of the network it joins; people put it there."""
_QUEUE_KEY = SecretKey(QUEUE, "password")
_CONFIGURATION = f'requirepass {RANDOM}\nport {QUEUE_PORT}\nprotected-mode yes\nsave ""\nappendonly no\ndir /tmp\n'


def recipes(ground: Ground) -> tuple[Recipe, ...]:
    """The Secrets that are made here."""
    return (*database(ground), Recipe(QUEUE, {"password": RANDOM, "valkey.conf": _CONFIGURATION}))


def worker(name: str) -> str:
    """Name of the pods of one of Mayan's workers."""
    return f"mayan-{name.replace('_', '-')}"


def mayans() -> tuple[str, ...]:
    """Names of all of Mayan's pods."""
    return (FRONT, SCHEDULER, *map(worker, WORKERS))


def mayan(name: str, arguments: tuple[str, ...], ground: Ground) -> Container:
    """One of Mayan's containers. Kubernetes puts the two passwords in where `$(...)` stands."""
    options = "'OPTIONS':{'sslmode':'verify-full','sslrootcert':'" + AUTHORITY_FILE + "'}"
    databases = (
        "{'default':{'ENGINE':'django.db.backends.postgresql','NAME':'" + DATABASE + "','USER':'" + DATABASE + "',"
        "'PASSWORD':'$(DATABASE_PASSWORD)','HOST':'" + HOST + "','PORT':'5432'," + options + "}}"
    )
    front = name == FRONT
    return Container(
        name,
        ground.images["mayan-edms"],
        arguments=arguments,
        environment={
            "DATABASE_PASSWORD": PASSWORD,
            "QUEUE_PASSWORD": _QUEUE_KEY,
            "MAYAN_DATABASES": databases,
            "MAYAN_CELERY_BROKER_URL": f"redis://:$(QUEUE_PASSWORD)@{QUEUE}:{QUEUE_PORT}/0",
            "MAYAN_CELERY_RESULT_BACKEND": f"redis://:$(QUEUE_PASSWORD)@{QUEUE}:{QUEUE_PORT}/1",
            "MAYAN_LOCK_MANAGER_BACKEND": "mayan.apps.lock_manager.backends.redis_lock.RedisLock",
            "MAYAN_LOCK_MANAGER_BACKEND_ARGUMENTS":
                "{'redis_url':'redis://:$(QUEUE_PASSWORD)@" + f"{QUEUE}:{QUEUE_PORT}" + "/2'}",
            "MAYAN_ALLOWED_HOSTS": "['" + ground.estate.services[SERVICE].endpoints[0].host + "','" + FRONT + "']",
        },
        ports={"http": PORT} if front else {},
        mounts=(claim("/var/lib/mayan", DOCUMENTS), authority(ground), scratch(size="2Gi")),
        ready=Probe(PORT) if front else None,
        alive=Probe(PORT, patience=6) if front else None,
        start=Probe(PORT, patience=90) if front else None,
        cpu="250m",
        cpu_limit="2",
        memory="1Gi",
    )  # fmt: skip


def queue(ground: Ground) -> Container:
    """Valkey: tasks between Mayan's pods. It keeps nothing: what is lost is asked for again by Mayan's scheduler."""
    return Container(
        QUEUE,
        ground.images["valkey"],
        ("valkey-server",),
        ("/etc/gdcc/valkey/valkey.conf",),
        ports={"valkey": QUEUE_PORT},
        mounts=(secret_files("/etc/gdcc/valkey", QUEUE, "valkey.conf"), scratch()),
        ready=Probe(QUEUE_PORT),
        alive=Probe(QUEUE_PORT, patience=6),
    )


def exchange(ground: Ground, image: str) -> Container:
    """The exchange's container: its key, and where Mayan is."""
    return Container(
        EXCHANGE,
        image,
        environment={"MAYAN_URL": f"http://{FRONT}:{PORT}", "OIDC_ISSUER": ground.estate.identity.issuer},
        ports={"http": 8080},
        mounts=(secret_files("/etc/gdcc/party", PARTY), scratch()),
        ready=Probe(8080, "/readyz"),
        alive=Probe(8080, "/healthz", patience=6),
        memory="1Gi",
    )


class EsarabanService(pulumi.ComponentResource):
    """Mayan, Valkey, the database, and the exchange where there is one."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:EsarabanService", name, {}, opts)
        ground, space = args.ground, Space(name, SERVICE, args.namespace, self)
        ground.authority(space)
        makes_secrets(space, ground, recipes(ground))
        Database(f"{name}-database", DatabaseArgs(SERVICE, args.namespace, ground, DATABASE), space.child)
        space.account(sync_account(SERVICE)[1])
        space.volume_claim(DOCUMENTS, "500Gi", ground.storage_class, shared=True)
        valkey = Pod(SERVICE, QUEUE, (queue(ground),))
        space.deployment(valkey, 1, together=False)
        space.service_of(valkey, {"valkey": QUEUE_PORT})
        front = Pod(SERVICE, FRONT, (mayan(FRONT, ("run_frontend",), ground),))
        space.deployment(front, 2)
        space.service_of(front, {"http": PORT})
        for each in WORKERS:
            name_of = worker(each)
            space.deployment(Pod(SERVICE, name_of, (mayan(name_of, ("run_worker", each), ground),), grace=300), 1)
        beat = Pod(SERVICE, SCHEDULER, (mayan(SCHEDULER, ("run_celery", "beat"), ground),))
        space.deployment(beat, 1, together=False)  # two schedulers would ask for everything twice
        image = ground.images.get(EXCHANGE)
        if image:
            pod = Pod(SERVICE, EXCHANGE, (exchange(ground, image),))
            space.deployment(pod, 2)
            space.service_of(pod, {"http": 8080})
        self.register_outputs({})
