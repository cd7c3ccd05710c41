"""The `gdcc` command: the verbs, each from its own part of the house."""

from __future__ import annotations

import errno
import sys
from functools import partial

import typer
from rich.text import Text

from gdcc.capacity import commands as capacity
from gdcc.cluster.commands import app as cluster
from gdcc.compliance.commands import comply
from gdcc.compliance.commands_incident import INCIDENT_EXAMPLES, incident
from gdcc.console import err
from gdcc.engine import commands as engine
from gdcc.errors import GdccError
from gdcc.identity.commands import app as identity
from gdcc.model import commands as model
from gdcc.network.commands import app as agreements
from gdcc.nodes.commands import app as nodes
from gdcc.offboard.commands import app as offboard
from gdcc.reach import commands as reach
from gdcc.services.commands import app as services

app = typer.Typer(
    name="gdcc",
    help="Infrastructure as code for a Thai government cloud: tenants, networks, controls and evidence.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=engine.PREVIEW_EXAMPLES)(engine.preview)
app.command(epilog=engine.UP_EXAMPLES)(engine.up)
app.command(epilog=engine.REFRESH_EXAMPLES)(engine.refresh)
app.command(epilog=engine.DESTROY_EXAMPLES)(engine.destroy)
app.command()(model.validate)
app.command()(model.schema)
app.command(epilog=capacity.EXAMPLES)(capacity.capacity)
app.command(epilog=reach.EXAMPLES)(reach.reach)
app.command(epilog=INCIDENT_EXAMPLES)(incident)
app.add_typer(agreements, name="agreements")
app.add_typer(cluster, name="cluster")
app.add_typer(comply, name="comply")
app.add_typer(identity, name="identity")
app.add_typer(nodes, name="nodes")
app.add_typer(offboard, name="offboard")
app.add_typer(services, name="services")


def main() -> None:
    """Run the command; errors are words and an exit code (1: findings, 2: usage or environment), never a traceback."""
    try:
        code = app(standalone_mode=False)
    except GdccError as error:
        _say(error.message, error.hint)
        code = error.exit_code
    except typer.TyperException as error:
        getattr(error, "show", partial(_say, str(error), ""))()
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted", "Run it again: it goes on from what is done.")
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:
        hint = "Free some space and run it again." if error.errno == errno.ENOSPC else ""
        _say(f"{error.strerror}: {error.filename}" if error.filename else str(error), hint)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _say(message: str, hint: str) -> None:
    err.print(Text.assemble(("error: ", "bold red"), message))
    for line in hint.splitlines():
        err.print(Text(f"  {line}"))
