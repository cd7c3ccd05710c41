"""The verbs `gdcc cluster up`, `down`, `status`, `env` and `rotate-key`."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from gdcc.cluster import binaries, convergence, health, rotation
from gdcc.cluster.progress import Report
from gdcc.console import out

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The local control plane: real Kubernetes on loopback, with fake nodes.",
)

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say also where each program was looked for.")]

COLOURS = {"healthy": "green", "unhealthy": "red", "stopped": "yellow"}


def _examples(*lines: str) -> str:
    r"""An epilog that keeps its lines: \b tells Click not to wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@app.command(
    epilog=_examples(
        "gdcc cluster up",
        "KUBEBUILDER_ASSETS=~/k8s/bin gdcc cluster up --verbose",
        "GDCC_STATE=~/second gdcc cluster up      # a second one, beside the first",
    )
)
def up(verbose: Verbose = False) -> None:
    """Start the control plane, or repair it; does nothing when all is well.

    Takes the Kubernetes programs from KUBEBUILDER_ASSETS or PATH when they have the right version, and else builds
    them once into the cache (about 6 minutes; moved by XDG_CACHE_HOME). State is kept in .gdcc (moved by GDCC_STATE).
    """
    cluster = convergence.up(report=Report(verbose=verbose))
    out.print(f"The control plane is up at {cluster.server}. To look at it:", markup=False)
    out.print('  eval "$(gdcc cluster env)"', markup=False)
    out.print("  kubectl get nodes,namespaces", markup=False)


@app.command(
    epilog=_examples(
        "gdcc cluster down             # the data stays: `up` goes on where it stopped",
        "gdcc cluster down --purge     # begin anew next time",
    )
)
def down(
    purge: Annotated[bool, typer.Option("--purge", help="Remove its data, keys and logs too.")] = False,
) -> None:
    """Stop exactly what `up` started."""
    stopped = convergence.down(purge=purge)
    out.print("The control plane is down." if stopped else "No control plane was up.", markup=False)


@app.command(
    epilog=_examples(
        "gdcc cluster status",
        "gdcc cluster status --json | jq -r '.members[] | select(.health != \"healthy\").name'",
        "gdcc cluster status --verbose     # which programs would be used, and which are passed over",
    )
)
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    verbose: Verbose = False,
) -> None:
    """Show what runs and whether it is well; exit code 0 if all is, 2 otherwise."""
    found = health.status()
    if as_json:
        typer.echo(json.dumps({"healthy": found.healthy, **asdict(found)}, indent=2, default=str))
    else:
        _show(found)
        if verbose:
            _show_binaries()
    raise typer.Exit(0 if found.healthy else 2)


@app.command(
    epilog=_examples(
        'eval "$(gdcc cluster env)" && kubectl get nodes',
    )
)
def env() -> None:
    """Print the shell's `export` lines for KUBECONFIG and a PATH with the right kubectl."""
    cluster = health.current()
    typer.echo(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    typer.echo(f'export PATH={shlex.quote(str(cluster.bin_dir))}:"$PATH"')


@app.command(name="rotate-key", epilog=_examples("gdcc cluster rotate-key"))
def rotate_key() -> None:
    """Seal every Secret with a new key, and drop the old one; about 15 seconds, in which the API server restarts twice.

    The new key is put first, every Secret is written again, etcd is looked at, and only then the old key is dropped.
    Ended anywhere, it goes on from there when it is run again.
    """
    name = rotation.rotate()
    out.print(f"Every Secret is sealed by {name}.", markup=False)


def _show(found: health.Status) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("member", "health", "pid", "port", ""):
        table.add_column(heading)
    for member in found.members:
        coloured = f"[{COLOURS[member.health]}]{member.health}[/]"
        table.add_row(member.name, coloured, str(member.pid or "-"), str(member.port or "-"), member.detail)
    out.print(table)
    out.print(f"nodes Ready: {found.nodes_ready} of {found.nodes}; state: {found.state}", markup=False)


def _show_binaries() -> None:
    search = binaries.locate()
    for name, version in binaries.versions().items():
        where = f"{search.paths[name]} ({search.sources[name]})" if name in search.paths else "not built yet"
        out.print(f"{name} {version}: {where}", markup=False)
    for sentence in search.passed_over:
        out.print(sentence, markup=False)
