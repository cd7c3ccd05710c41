"""The notify service: the API, the workers that hand messages over, and the files that both read.

The database is brought to its shape by a container that runs before each of them: it waits for others that do the same,
and nothing can start on a database that is not ready. One Secret is people's, since only they know what is in it:
`notify-providers` (`providers.yaml`: relay, SMS and LINE with their passwords); and nothing runs until it is there.
"""

from __future__ import annotations

import json

import pulumi

from components.services import identity
from components.services.ground import AUTHORITY_FILE, Ground, ServiceArgs, makes_secrets, trusted
from components.services.postgres import HOST, PASSWORD, VERIFIED, Database, DatabaseArgs, authority, database
from components.services.space import Space
from components.services.workload import Container, Pod, Probe, SecretKey, claim, config_files, scratch, secret_files
from gdcc.identity import names
from gdcc.model import Binding, Estate, bindings
from gdcc.model.templates import mounted
from gdcc.services.recipe import RANDOM, Recipe

SERVICE = "notify"
API, WORKER = "notify-api", "notify-worker"
PORT = 8080
DATABASE = "notify"
PREFIX = "NOTIFY_"
"""As `gdcc.notify.settings` has it, which loads more than a program that only names variables should."""
MASTER_KEYS = "notify-master-keys"
PROVIDERS = "notify-providers"
BOUND = "notify-bindings"
TEMPLATES = "notify-templates"
JOURNAL = "notify-journal"
"""Volume of the relay's Maildir; the relay writes it and the workers read it, so it is shared."""
_FOLDER = "/etc/gdcc/notify"


def recipes(ground: Ground) -> tuple[Recipe, ...]:
    """The Secrets that are made here: of the database's user, and the master key."""
    return (*database(ground), Recipe(MASTER_KEYS, {"keys": f"{RANDOM}\n"}))


def bound(estate: Estate) -> str:
    """Who may use it, in the form of `gdcc.notify.bindings.BindingsFile` (JSON is YAML)."""
    plans = {
        plan.value: {
            "requests_per_minute": one.limits.requests_per_minute,
            "messages_per_month": one.limits.per_month,
        }
        for plan, one in estate.services[SERVICE].plans.items()
    }
    each = [
        {
            "agency": names.agency(one.tenant),  # as tokens say it
            "environment": one.environment.value,
            "plan": one.plan.value,
            "allowed": list(_allowed(estate, one)),
        }
        for one in bindings(estate)
        if one.service == SERVICE
    ]
    return json.dumps({"plans": plans, "bindings": each}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _allowed(estate: Estate, binding: Binding) -> tuple[str, ...]:
    file = estate.templates.get(binding.tenant.agency)
    return file.allowed if file else ()


def templates(estate: Estate) -> dict[str, str]:
    """The templates of the agencies that may use it, a file each."""
    agencies = {one.tenant.agency for one in bindings(estate) if one.service == SERVICE}
    return mounted({agency: one for agency, one in estate.templates.items() if agency in agencies})


def environment(ground: Ground) -> dict[str, str | SecretKey]:
    """What `python -m gdcc.notify settings` lists."""
    settings = {
        "DATABASE_URL": f"postgresql://{DATABASE}@{HOST}/{DATABASE}?{VERIFIED}&connect_timeout=5",
        "MASTER_KEYS_FILE": f"{_FOLDER}/keys/keys",
        "BINDINGS_FILE": f"{_FOLDER}/bindings/bindings.yaml",
        "TEMPLATES_DIR": f"{_FOLDER}/templates",
        "PROVIDERS_FILE": f"{_FOLDER}/providers/providers.yaml",
        "ISSUER": ground.estate.identity.issuer,
        "JWKS_URL": f"{identity.url()}{identity.key_set(ground)}",
        "AUDIENCE": SERVICE,
        "LISTEN": f"0.0.0.0:{PORT}",
        "PUBLIC_URL": ground.estate.services[SERVICE].endpoints[0].url.removesuffix("/v2"),
    }
    # libpq takes the password from here, so that the address holds none.
    variables: dict[str, str | SecretKey] = {f"{PREFIX}{name}": value for name, value in settings.items()}
    return variables | {"PGPASSWORD": PASSWORD, "SSL_CERT_FILE": AUTHORITY_FILE}


def container(name: str, verb: str, ground: Ground) -> Container:
    """`python -m gdcc.notify` with one verb."""
    probe = None if verb == "migrate" else Probe(PORT, "/readyz")
    alive = None if verb == "migrate" else Probe(PORT, "/healthz", patience=6)
    return Container(
        name,
        ground.images["gdcc"],
        ("python", "-m", "gdcc.notify"),
        (verb,),
        environment=environment(ground),
        ports={"http": PORT} if probe else {},
        mounts=(
            secret_files(f"{_FOLDER}/keys", MASTER_KEYS, "keys"),
            secret_files(f"{_FOLDER}/providers", PROVIDERS, "providers.yaml"),
            config_files(f"{_FOLDER}/bindings", BOUND),
            config_files(f"{_FOLDER}/templates", TEMPLATES),
            authority(ground),
            trusted(),
            scratch(),
            *((claim("/var/spool/gdcc/journal", JOURNAL),) if verb == "worker" else ()),
        ),
        ready=probe,
        alive=alive,
        cpu="250m",
        memory="512Mi",
    )


def pod(name: str, verb: str, ground: Ground) -> Pod:
    """Of the API or of the workers."""
    return Pod(SERVICE, name, (container(name, verb, ground),), first=(container("migrate", "migrate", ground),))


class NotifyService(pulumi.ComponentResource):
    """API, workers, database and files."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:NotifyService", name, {}, opts)
        ground, space = args.ground, Space(name, SERVICE, args.namespace, self)
        ground.authority(space)
        makes_secrets(space, ground, recipes(ground))
        Database(f"{name}-database", DatabaseArgs(SERVICE, args.namespace, ground, DATABASE), space.child)
        space.config(BOUND, {"bindings.yaml": bound(ground.estate)})
        space.config(TEMPLATES, templates(ground.estate))
        space.volume_claim(JOURNAL, "20Gi", ground.storage_class, shared=True)
        api = pod(API, "serve", ground)
        space.deployment(api, 3)
        space.service_of(api, {"http": PORT})
        space.deployment(pod(WORKER, "worker", ground), 2)
        self.register_outputs({})
