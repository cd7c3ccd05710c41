"""The verb ``gdcc services run``; `gdcc.services.commands` mounts it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import typer
from rich.text import Text

from gdcc.cluster.config import CONTEXT
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.cluster.state import state_directory
from gdcc.console import err, out
from gdcc.engine.api import connect
from gdcc.engine.commands import local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.errors import GdccError
from gdcc.model import load_estate, load_settings
from gdcc.pods import Machine
from gdcc.services.market import service_named
from gdcc.services.running import RUNNABLE, Running


def run(root: Path, stack: str, services: list[str], *, as_json: bool) -> None:
    """Start the services, tell where they are, and keep them until Ctrl-C.

    Raises:
        GdccError: not the local control plane, not root, or a pod fails.
    """
    estate = load_estate(root, load_settings(root, stack))
    for name in services:
        service_named(estate, name)
        if name not in RUNNABLE:
            known = ", ".join(f"`{one}`" for one in RUNNABLE)
            raise GdccError(f"`{name}` does not run on one machine yet", f"those that do are {known}")
    wanted = [one for one in RUNNABLE if not services or one in services or "notify" in services]
    context = load_program(root, stack).config.get("kubernetes:context", "")
    if context != CONTEXT:
        raise GdccError(
            f"stack {stack} is of the context `{context}`, and only `{CONTEXT}` gets certificates and a relay to try",
            "use a stack of the local control plane, as stacks/Pulumi.local.yaml is",
        )
    report, folder = Report(), state_directory() / "services"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with locked(folder, report, "waiting for another `gdcc services run` to end"):
            api = connect(local_kubeconfig(context), context)
            with Machine(folder / stack, api, report) as machine:
                running = Running(machine, api, estate, wanted, report)
                running.start()
                _tell(running, as_json=as_json)
                running.watch(lambda line: err.print(Text(line)))
    except KeyboardInterrupt:
        err.print(Text("ended; what the databases hold stays for the next run"))


def _tell(running: Running, *, as_json: bool) -> None:
    outside = running.outside
    found: dict[str, Any] = {
        "services": {
            name: {"url": f"https://{place.host}:{place.port}", "address": place.address}
            for name, place in running.places().items()
        },
        "authority": str(running.authority.certificate),
        **({"mailbox": str(outside.mailbox), "telephone": str(outside.messages)} if outside else {}),
        "logs": str(running.machine.log_folder),
    }
    if as_json:
        typer.echo(json.dumps(found))  # one line, for a program that waits for it
        return
    for name, one in found.pop("services").items():
        out.print(Text(f"{name:<9} {one['url']}"))
    for name, path in found.items():
        out.print(Text(f"{name:<9} {path}"))
    out.print(Text("\nTo reach them by their names from this machine, in /etc/hosts:"))
    for place in running.places().values():
        out.print(Text(f"  {place.address} {place.host}"))
    err.print(Text("\nCtrl-C ends them; what is applied meanwhile (`gdcc up`) is taken up."))
