"""What this machine has in place of an image: the same software from package registries, or from this project.

Each entry is what an image would add to the manifest: an entry point, variables, and files in their places.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gdcc.cluster.debian import install
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.programs.envoy import envoy_program
from gdcc.programs.keycloak import JAVA_OPTIONS, KeycloakBuild
from gdcc.programs.postgres import postgres_programs

_SYSTEM = "/usr/local/bin:/usr/bin:/bin"
_PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class StandIn:
    """In place of one image.

    Attributes:
        entrypoint: what runs where the container names no command.
        environment: the image's own variables.
        places: folders of this machine, by where the image has them.
        seen: further files and folders that must be readable in there.
        stop: the signal that asks for an orderly end.
    """

    entrypoint: tuple[str, ...]
    environment: Mapping[str, str]
    places: Mapping[str, Path] = field(default_factory=dict)
    seen: tuple[Path, ...] = ()
    stop: signal.Signals = signal.SIGTERM


def stand_in(image: str, report: Report) -> StandIn:
    """What stands for an image, by the last part of its repository.

    Raises:
        GdccError: nothing does.
    """
    name = image.partition("@")[0].rpartition("/")[2]
    make = _KNOWN.get(name)
    if make is None:
        known = ", ".join(sorted(_KNOWN))
        raise GdccError(f"nothing on this machine stands in for the image {name}", f"known are {known}")
    return make(report)


def _python() -> tuple[str, tuple[Path, ...]]:
    """PATH with this Python's programs, and what they are made of."""
    return f"{Path(sys.prefix) / 'bin'}:{_SYSTEM}", (Path(sys.prefix), Path(sys.base_prefix), _PROJECT)


def _gdcc(report: Report) -> StandIn:
    path, seen = _python()
    return StandIn((), {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}, seen=seen)


def _envoy(report: Report) -> StandIn:
    program = envoy_program()
    return StandIn((), {"PATH": f"{program.parent}:{_SYSTEM}"}, seen=(program.parent,))


def _keycloak(report: Report) -> StandIn:
    build = KeycloakBuild.obtain(report)
    variables = {"PATH": _SYSTEM, "JAVA_HOME": str(build.java), "JAVA_OPTS_APPEND": JAVA_OPTIONS}
    return StandIn(("/opt/keycloak/bin/kc.sh",), variables, {"/opt/keycloak": build.home}, (build.java,))


def _postgresql(report: Report) -> StandIn:
    programs = postgres_programs(report)
    path, seen = _python()
    variables = {"PATH": f"{programs}:{path}", "LC_ALL": "C.UTF-8"}
    # As the image says: at SIGTERM it would wait until its clients have gone.
    return StandIn(("python", "-m", "gdcc.pods.postgres"), variables, seen=seen, stop=signal.SIGINT)


def _kannel(report: Report) -> StandIn:
    fakes = Path("/usr/lib/kannel/test")  # where Debian's package has its test programs
    if not (Path("/usr/sbin/bearerbox").exists() and fakes.exists()):
        install(("kannel", "kannel-extras"), report)
    return StandIn((), {"PATH": f"/usr/sbin:{fakes}:{_SYSTEM}"})


_KNOWN: Mapping[str, Callable[[Report], StandIn]] = {
    "gdcc": _gdcc,
    "envoy": _envoy,
    "kannel": _kannel,
    "keycloak": _keycloak,
    "postgresql": _postgresql,
}
