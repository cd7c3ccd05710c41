"""Keycloak: its distribution from Maven Central, built once for its options, and run on loopback with TLS."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gdcc.cluster.api import Endpoint, trusting
from gdcc.cluster.build import SETTING, cache_root
from gdcc.cluster.disk import guarded, private_directory
from gdcc.cluster.golang import tail
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.programs.java import java_home
from gdcc.programs.maven import coordinates, fetch
from gdcc.programs.site import Program

ARTIFACT = "keycloak-quarkus-dist"
JAVA = 21
"""Keycloak 26 runs on Java 21 and later."""
BUILD_OPTIONS = ("--db=postgres", "--health-enabled=true", "--metrics-enabled=true")
"""What `kc.sh build` fixes; everything else is set at start."""
START = 400.0
"""Seconds; the first start on a new database makes 100 tables, and on a busy machine takes minutes."""
# Without the first, the second compiler alone takes a core for the first minute; without the others, each server takes
# a share of this machine's memory.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -Xms64m -Xmx640m"


@dataclass(frozen=True)
class KeycloakBuild:
    """A distribution that `kc.sh build` has prepared for its options.

    Attributes:
        home: holds `bin/kc.sh`; shared by all that run it, and not written to.
        java: JAVA_HOME.
    """

    home: Path
    java: Path

    @classmethod
    def obtain(cls, report: Report, options: tuple[str, ...] = BUILD_OPTIONS) -> KeycloakBuild:
        """The build for these options, from the cache; the first time it is fetched and built (a minute).

        Raises:
            GdccError: no Java 21, no Maven, no repository, no space, or options that Keycloak refuses.
        """
        java = java_home(JAVA)
        name, digest = coordinates(ARTIFACT)
        key = hashlib.sha256(repr((name, digest, options)).encode()).hexdigest()[:16]
        folder = cache_root() / "keycloak" / key
        home = folder / "home"
        with guarded(folder, SETTING), locked(folder, report, "waiting for another build of Keycloak"):
            if not home.exists():
                archive = fetch(ARTIFACT, report)
                part = folder / ".part"
                shutil.rmtree(part, ignore_errors=True)
                _unpack(archive, part)
                unpacked = next(part.iterdir())
                with report.step("building Keycloak for its options, once"):
                    _build(unpacked, java, options)
                unpacked.replace(home)
                shutil.rmtree(part, ignore_errors=True)
        return cls(home, java)


@dataclass(frozen=True)
class Keycloak:
    """One server.

    Attributes:
        build: what it runs.
        folder: its own, under the site's; named as the program.
        port: HTTPS, on loopback.
        management_port: HTTPS, on loopback: health and metrics.
        authority: the certificate authority of its certificate.
        certificate: PEM.
        key: PEM.
        arguments: of `kc.sh`, as the container has them; without `start`, `--optimized` and ports.
        environment: as the container has it.
    """

    build: KeycloakBuild
    folder: Path
    port: int
    management_port: int
    authority: Path
    certificate: Path
    key: Path
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it serves, without a trailing slash."""
        return f"https://localhost:{self.port}"

    @property
    def program(self) -> Program:
        """How it is run; the process is recognised by a Java property that names the folder."""
        private_directory(self.folder)
        loopback = {
            "KC_HTTP_HOST": "127.0.0.1",
            "KC_HTTP_MANAGEMENT_HOST": "127.0.0.1",
            "KC_HTTPS_PORT": str(self.port),
            "KC_HTTP_MANAGEMENT_PORT": str(self.management_port),
            "KC_HTTPS_CERTIFICATE_FILE": str(self.certificate),
            "KC_HTTPS_CERTIFICATE_KEY_FILE": str(self.key),
            "KC_CACHE": "local",  # one server; with a cluster's cache it would look for others on the network
            "JAVA_HOME": str(self.build.java),
            "JAVA_OPTS_APPEND": f"{JAVA_OPTIONS} -Dgdcc.folder={self.folder}/ -Djava.io.tmpdir={self.folder}",
        }
        command = (str(self.build.home / "bin" / "kc.sh"), "start", "--optimized", *self.arguments)
        environment = {**self.environment, **loopback}
        return Program(self.folder.name, command, self.ready, environment, self.folder, patience=START)

    def ready(self) -> bool:
        """Whether it says so, its database included."""
        endpoint = Endpoint(self.management_port, trusting(self.authority))
        status, _ = endpoint.request("GET", "/health/ready")
        return status == 200


def _unpack(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as contents:
        contents.extractall(target)
        for entry in contents.infolist():
            if mode := entry.external_attr >> 16 & 0o777:
                (target / entry.filename).chmod(mode)


def _build(home: Path, java: Path, options: tuple[str, ...]) -> None:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "JAVA_HOME": str(java), "HOME": str(home)}
    answer = subprocess.run(
        [home / "bin" / "kc.sh", "build", *options],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if answer.returncode:
        raise GdccError(
            f"building Keycloak failed; the end of what it said:\n{tail(answer.stdout + answer.stderr)}",
            "check the options, and that the disk has room",
        )
