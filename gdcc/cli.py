"""The `gdcc` command: the verbs, each from its own part of the house, which is loaded when the verb is used."""

from __future__ import annotations

import errno
import sys
from functools import partial

import typer
from rich.text import Text

from gdcc.console import err
from gdcc.errors import GdccError
from gdcc.verbs import Verb, group_of

_ENGINE = "gdcc.engine.commands"
VERBS = (
    Verb("preview", _ENGINE, "preview", "Show what `up` would do; change nothing.", "PREVIEW_EXAMPLES"),
    Verb("up", _ENGINE, "up", "Bring the cluster to what the stack asks for.", "UP_EXAMPLES"),
    Verb("refresh", _ENGINE, "refresh", "Report what was changed by hand, by whom and when.", "REFRESH_EXAMPLES"),
    Verb("destroy", _ENGINE, "destroy", "Remove everything that the stack has made.", "DESTROY_EXAMPLES"),
    Verb(
        *("validate", "gdcc.model.commands", "validate"),
        "Check the files under stacks/ and say, for each problem, what to write instead.",
    ),
    Verb(
        *("schema", "gdcc.model.commands", "schema"),
        "Write the JSON Schemas in stacks/schema/ that editors use to complete and check stack files.",
    ),
    Verb(
        *("capacity", "gdcc.capacity.commands", "capacity"),
        "Show what is asked of each pool and zone, and what is free.",
        "EXAMPLES",
    ),
    Verb(
        *("reach", "gdcc.reach.commands", "reach"),
        "Show who can reach whom, computed from the network policies before anything is applied.",
        "EXAMPLES",
    ),
    Verb(
        *("incident", "gdcc.compliance.commands_incident", "incident"),
        "Whose is this, whom to call, what data it holds, whom it touches, and how to stop it.",
        "INCIDENT_EXAMPLES",
    ),
    Verb(
        *("agreements", "gdcc.network.commands", "app"),
        "Data-sharing agreements between agencies: what each opens, and the days left.",
    ),
    Verb(
        *("cluster", "gdcc.cluster.commands", "app"),
        "The local control plane: real Kubernetes on loopback, with fake nodes.",
    ),
    Verb(
        *("comply", "gdcc.compliance.commands", "comply"),
        "Run every automatic check, write the evidence, and make the reports from it.",
    ),
    Verb(
        *("identity", "gdcc.identity.commands", "app"),
        "The ID service's realm: what it should be, and Keycloak brought to it.",
    ),
    Verb(
        *("nodes", "gdcc.nodes.commands", "app"),
        "Test hosts: real Debian 12 systems with systemd and sshd, to try the playbooks on.",
    ),
    Verb(
        *("offboard", "gdcc.offboard.commands", "app"),
        "Tenants on their way out: frozen, drained, backed up, approved, retained, deleted.",
    ),
    Verb(
        *("services", "gdcc.services.commands", "app"),
        "The marketplace of common services: what can be bound, on which plans, and who is.",
    ),
)

app = typer.Typer(
    name="gdcc",
    cls=group_of(VERBS),
    help="Infrastructure as code for a Thai government cloud: tenants, networks, controls and evidence.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _start() -> None:
    """Nothing comes before a verb."""


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
