"""A real Keycloak on a real PostgreSQL, once for the run; both end with it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gdcc.cluster import process
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.identity import Realm, ServiceBinding, realm
from gdcc.identity.plan import apply, plan
from gdcc.identity.secrets import Secrets
from gdcc.identity.server import Server
from gdcc.identity.step import Rotate, Step
from gdcc.model import Environment, Estate, Tenant, load_estate, load_settings
from gdcc.model.service import plan_for
from gdcc.programs import Authority, Keycloak, KeycloakBuild, Postgres, Site

ROOT = Path(__file__).resolve().parents[2]
KEPT = "GDCC_SERVICES_STATE"


@dataclass(frozen=True)
class Bound:
    """A binding as the realm sees one."""

    tenant: Tenant
    environment: Environment
    service: str
    plan: str = "trial"
    redirect_uris: tuple[str, ...] = ()


def bound_to(tenant: Tenant, environment: Environment, *services: str, uris: tuple[str, ...] = ()) -> list[Bound]:
    """A binding to the ID service, which every client has, and those to others."""
    plan = plan_for(environment).value
    return [Bound(tenant, environment, one, plan, uris) for one in ("identity", *services)]


@dataclass(frozen=True)
class Identities:
    """The ID service that runs."""

    site: Site
    postgres: Postgres
    keycloak: Keycloak
    secret: str

    def server(self) -> Server:
        return Server(self.keycloak.url, "gdcc-sync", self.secret, self.keycloak.authority)

    def start(self) -> None:
        self.site.start(self.keycloak.program, Report())

    def sync(
        self, desired: Realm, secrets: Secrets, now: int | None = None, rotate: Rotate = frozenset()
    ) -> list[Step]:
        server = self.server()
        steps = plan(server, secrets, desired, int(time.time()) if now is None else now, rotate)
        apply(steps)
        return steps


class Shelf:
    """Secrets in memory, where a test needs no API server."""

    def __init__(self) -> None:
        self.data: dict[str, dict[str, str]] = {}

    def read(self, target: str) -> dict[str, str] | None:
        return self.data.get(target)

    def write(self, target: str, data: dict[str, str]) -> None:
        self.data[target] = dict(data)

    def clear(self, target: str) -> None:
        if target in self.data:
            self.data[target] = {}


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identities]:
    report = Report()
    try:
        build = KeycloakBuild.obtain(report)
    except GdccError as error:
        if "checksum" in error.message:
            raise
        pytest.skip(f"{error.message}: {error.hint}")
    kept = os.environ.get(KEPT)  # servers that outlive the run, for whoever runs these tests many times a day
    root = Path(kept) if kept else tmp_path_factory.mktemp("identity")
    site = Site(root, attached=not kept)
    authority = Authority.ensure(root / "pki")
    ports = root / "ports.json"
    if not ports.exists():
        ports.write_text(json.dumps([process.free_port(()) for _ in range(3)]))
    database, port, management = json.loads(ports.read_text())
    postgres = Postgres.prepare(root / "postgres", database, authority, report)
    try:
        site.start(postgres.program, report)
        secret = postgres.password  # as good as any other here
        postgres.database("keycloak", secret)
        keycloak = Keycloak(
            build,
            root / "keycloak",
            port,
            management,
            authority.certificate,
            *authority.issue("keycloak"),
            environment={
                "KC_DB_URL": postgres.jdbc_url("keycloak"),
                "KC_DB_USERNAME": "keycloak",
                "KC_DB_PASSWORD": secret,
                "KC_HOSTNAME": f"https://localhost:{port}",
                "KC_BOOTSTRAP_ADMIN_CLIENT_ID": "gdcc-sync",
                "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": secret,
            },
        )
        site.start(keycloak.program, report)
        yield Identities(site, postgres, keycloak, secret)
    finally:
        if not kept:
            site.stop_all()
            postgres.remove()


@pytest.fixture(scope="session")
def estate() -> Estate:
    return load_estate(ROOT, load_settings(ROOT, "local"))


@pytest.fixture(scope="session")
def tenants(estate: Estate) -> dict[str, Tenant]:
    return {one.agency: one for one in estate.tenants}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def desired(identities: Identities, estate: Estate, name: str, *bound: ServiceBinding) -> Realm:
    """A realm of a test's own in the one Keycloak."""
    identity = estate.identity.model_copy(update={"realm": name, "url": identities.keycloak.url})
    return realm(identity, bound)
