"""The verbs `gdcc nodes up`, `down` and `status`; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from gdcc.cluster.progress import Report
from gdcc.console import out
from gdcc.nodes import abandoned, guest, lab
from gdcc.nodes.layout import HOSTS

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Test hosts: real Debian 12 systems with systemd and sshd, to try the playbooks on. Needs root.",
)

COLOURS = {"reachable": "green", "unreachable": "red", "stopped": "yellow"}


def _examples(*lines: str) -> str:
    r"""An epilog that keeps its lines: \b tells Click not to wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@app.command(
    epilog=_examples(
        "gdcc nodes up",
        "gdcc nodes up --hosts 3",
        "gdcc nodes up --guest                  # after harden.yml: what is persisted, on a kernel of its own",
        "GDCC_STATE=~/second gdcc nodes up      # a second set, beside the first",
    )
)
def up(
    hosts: Annotated[int, typer.Option("--hosts", min=1, max=9, help="How many.")] = HOSTS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew from the clean image.")] = False,
    with_guest: Annotated[
        bool,
        typer.Option("--guest", help="Also boot the disk of the first one, as it is now, on a kernel of its own."),
    ] = False,
) -> None:
    """Start the test hosts, or repair them; does nothing when all answer.

    The first time makes a Debian 12 image in the cache (about a minute; moved by XDG_CACHE_HOME), from the mirror that
    this machine's apt uses, and installs debootstrap and systemd-container if they are missing.

    With --guest, what test hosts cannot show is seen: the kernel's values, its modules, audit and the clock. Harden the
    test hosts first, for the guest is a copy of the disk of the first one. The kernel is Debian's user-mode-linux (no
    KVM is needed), fetched once into the cache. `up --guest` again begins anew from the host's disk.
    """
    report = Report()
    if with_guest:
        guest.require()
    found = lab.up(count=hosts, report=report)
    if fresh:
        with report.step("booting from the clean image"):
            found.begin_anew()
    out.print(f"{len(found.hosts)} test hosts are up. To harden them, and to look at one:", markup=False)
    out.print(f"  ansible-playbook -i {shlex.quote(str(found.layout.inventory))} playbooks/harden.yml", markup=False)
    out.print(f"  ssh -F {shlex.quote(str(found.layout.ssh_config))} {found.hosts[0].name}", markup=False)
    if with_guest:
        booted = guest.up(found, report)
        out.print("The guest is up. To see all checks on it, and to look at it:", markup=False)
        out.print(f"  gdcc comply --nodes {shlex.quote(str(booted.layout.inventory))}", markup=False)
        out.print(f"  ssh -F {shlex.quote(str(booted.layout.ssh_config))} {booted.host.name}", markup=False)


@app.command(
    epilog=_examples(
        "gdcc nodes down             # disks stay: `up` goes on where it stopped",
        "gdcc nodes down --purge     # begin anew next time",
    )
)
def down(
    purge: Annotated[bool, typer.Option("--purge", help="Remove their disks and keys too.")] = False,
    lost: Annotated[
        bool,
        typer.Option("--abandoned", help="Instead, end those of this machine whose run or state directory is gone."),
    ] = False,
) -> None:
    """Stop exactly what `up` started."""
    stopped = abandoned.reap() if lost else lab.down(purge=purge)
    out.print(f"{len(stopped)} test hosts are down." if stopped else "No test host was up.", markup=False)


@app.command(
    epilog=_examples(
        "gdcc nodes status",
        "gdcc nodes status --json | jq -r '.hosts[] | select(.health != \"reachable\").name'",
    )
)
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which test hosts run and answer; exit code 0 if there are any and all do, 2 otherwise."""
    found = lab.status()
    well = bool(found) and all(host.health == "reachable" for host in found)
    if as_json:
        typer.echo(json.dumps({"healthy": well, "hosts": [asdict(host) for host in found]}, indent=2))
    elif not found:
        out.print("There are no test hosts; `gdcc nodes up` makes them.", markup=False)
    else:
        table = Table(box=None, pad_edge=False)
        for heading in ("host", "health", "address", "pid"):
            table.add_column(heading)
        for host in found:
            coloured = f"[{COLOURS[host.health]}]{host.health}[/]"
            table.add_row(host.name, coloured, host.address, str(host.pid or "-"))
        out.print(table)
    raise typer.Exit(0 if well else 2)
