"""The verbs `gdcc identity render`, `plan`, `sync` and `rotate`; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gdcc.console import err, out
from gdcc.engine.api import connect
from gdcc.engine.commands import local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.errors import FindingError, GdccError
from gdcc.identity.incluster import in_cluster
from gdcc.identity.plan import apply, plan
from gdcc.identity.realm import Realm, realm
from gdcc.identity.secrets import KubernetesSecrets
from gdcc.identity.server import Server
from gdcc.identity.step import Rotate, Step
from gdcc.model import load_estate, load_settings
from gdcc.model.binding import bindings
from gdcc.project import project_root

_COLOURS = {"create": "green", "update": "yellow", "delete": "red"}
_SHOWN = 6
"""Fields of a step that are shown; `--json` has all."""


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The ID service's realm: what it should be, and Keycloak brought to it.",
)

Stack = Annotated[str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.")]
File = Annotated[Path | None, typer.Option("--file", "-f", help="The realm as `render` wrote it, in place of a stack.")]
Url = Annotated[
    str | None, typer.Option("--url", envvar="GDCC_IDENTITY_URL", help="Keycloak; by default as in identity.yaml.")
]
Client = Annotated[
    str, typer.Option("--admin-client", envvar="GDCC_IDENTITY_CLIENT", help="The client in realm master that acts.")
]
SecretFile = Annotated[
    Path, typer.Option("--secret-file", envvar="GDCC_IDENTITY_SECRET_FILE", help="The file of that client's secret.")
]
Authority = Annotated[
    Path | None, typer.Option("--ca", envvar="GDCC_IDENTITY_CA", help="Certificate authorities to trust, PEM.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    epilog=_examples("gdcc identity render > realm.json", "gdcc identity render --stack local | jq .clients.each")
)
def render(stack: Stack = "local") -> None:
    """Print the realm that should be, as JSON: what the ConfigMap holds. It has no secret in it."""
    typer.echo(_of_stack(stack).rendered(), nl=False)


@app.command(
    "plan",
    epilog=_examples(
        "gdcc identity plan --secret-file admin-secret",
        "gdcc identity plan --file realm.json --json | jq '.steps[] | {action, kind, name}'",
        "gdcc identity plan --expect-no-changes     # exit code 1 when something differs",
    ),
)
def show(
    secret_file: SecretFile,
    stack: Stack = "local",
    file: File = None,
    url: Url = None,
    client: Client = "gdcc-sync",
    authority: Authority = None,
    expect_no_changes: Annotated[bool, typer.Option("--expect-no-changes", help="Exit 1 when there are any.")] = False,
    as_json: Json = False,
) -> None:
    """Show what `sync` would do: objects made, changed and removed, with their fields. Changes nothing."""
    steps = _plan(stack, file, url, client, secret_file, authority, frozenset())
    _show(steps, as_json=as_json, done=False)
    if expect_no_changes and steps:
        raise FindingError(
            f"the realm is not as it should be: {len(steps)} steps", "run `gdcc identity sync` to put it right"
        )


@app.command(
    epilog=_examples(
        "gdcc identity sync --secret-file admin-secret",
        "gdcc identity sync --file /etc/gdcc/realm.json --json     # as the Job in the cluster does",
    )
)
def sync(
    secret_file: SecretFile,
    stack: Stack = "local",
    file: File = None,
    url: Url = None,
    client: Client = "gdcc-sync",
    authority: Authority = None,
    as_json: Json = False,
) -> None:
    """Bring Keycloak to the realm that should be, and each application's key into its tenant's Secret.

    What was changed by hand is put right; what this sync did not make is left alone. Kill it anywhere and run it again.
    """
    _run(_plan(stack, file, url, client, secret_file, authority, frozenset()), as_json=as_json)


@app.command(
    epilog=_examples(
        "gdcc identity rotate --secret-file admin-secret          # keys that are old enough; run it daily",
        "gdcc identity rotate --client t9sx3obp-prod              # this one now",
    )
)
def rotate(
    secret_file: SecretFile,
    clients: Annotated[
        list[str] | None, typer.Option("--client", help="Change this client's key now; may be given again.")
    ] = None,
    stack: Stack = "local",
    file: File = None,
    url: Url = None,
    client: Client = "gdcc-sync",
    authority: Authority = None,
    as_json: Json = False,
) -> None:
    """Change applications' keys: those older than `keys.rotate_after` of identity.yaml, or the clients named.

    The former key is accepted until `keys.grace` is over or the next rotation, so that no application notices.
    """
    turn: Rotate = frozenset(clients) if clients else "due"
    _run(_plan(stack, file, url, client, secret_file, authority, turn), as_json=as_json)


def _of_stack(stack: str) -> Realm:
    root = project_root()
    estate = load_estate(root, load_settings(root, stack))
    return realm(estate.identity, bindings(estate))


def _plan(
    stack: str, file: Path | None, url: str | None, client: str, secret: Path, authority: Path | None, turn: Rotate
) -> list[Step]:
    wanted = Realm.read(_text(file), str(file)) if file else _of_stack(stack)
    unknown = sorted(set(turn) - {one["clientId"] for one in wanted.parts["clients"]}) if turn != "due" else []
    if unknown:
        raise FindingError(
            f"no client is named {', '.join(unknown)}", "see `gdcc identity render | jq .clients.each[].clientId`"
        )
    issuer_url = wanted.issuer.removesuffix(f"/realms/{wanted.name}")
    server = Server(url or issuer_url, client, _text(secret).strip(), authority)
    inside = in_cluster()
    if inside:
        api = connect(inside)
    else:
        context = load_program(project_root(), stack).config.get("kubernetes:context", "")
        api = connect(local_kubeconfig(context), context or None)
    with err.status("comparing the realm with Keycloak") if err.is_terminal else nullcontext():
        return plan(server, KubernetesSecrets(api), wanted, int(time.time()), turn)


def _run(steps: list[Step], *, as_json: bool) -> None:
    number = iter(range(1, len(steps) + 1))
    apply(steps, lambda step: err.print(Text(f"{next(number)} of {len(steps)}: {_line(step)}")))
    _show(steps, as_json=as_json, done=True)


def _show(steps: list[Step], *, as_json: bool, done: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"done": done, "steps": [_entry(step) for step in steps]}, ensure_ascii=False, indent=2))
        return
    for step in steps if not done else ():
        out.print(Text(_line(step), style=_COLOURS[step.action]))
        for change in step.changes[:_SHOWN] if step.action == "update" else ():
            out.print(Text(f"    {change.field}: {_short(change.now)} -> {_short(change.wanted)}"))
        if step.action == "update" and len(step.changes) > _SHOWN:
            out.print(Text(f"    and {len(step.changes) - _SHOWN} more"))
    counts = {action: sum(step.action == action for step in steps) for action in _COLOURS}
    told = ", ".join(f"{count} to {action}" if not done else f"{count} {action}d" for action, count in counts.items())
    out.print(Text(told if steps else "nothing to do: Keycloak is as it should be"))


def _line(step: Step) -> str:
    return f"{step.action} {step.kind} {step.name}"


def _entry(step: Step) -> dict[str, object]:
    fields = [{"field": one.field, "now": one.now, "wanted": one.wanted} for one in step.changes]
    return {"action": step.action, "kind": step.kind, "name": step.name, "changes": fields}


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GdccError(
            f"{file} cannot be read: {getattr(error, 'strerror', error)}", "name a file that exists"
        ) from error
