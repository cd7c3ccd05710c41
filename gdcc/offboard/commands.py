"""The verbs ``gdcc offboard`` and ``gdcc offboard hash``; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gdcc.console import err, out
from gdcc.engine.api import Api, Kind, connect, served_or_raise
from gdcc.engine.commands import local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.errors import GdccError
from gdcc.model import Estate, load_estate, load_settings
from gdcc.model.offboarding import to_approve
from gdcc.model.problems import nearest
from gdcc.offboard.path import Live, Offboarding, offboarding_of, offboardings
from gdcc.project import project_root

EXAMPLES = (
    "\b\nExamples:\n"
    "  gdcc offboard                       # every tenant on its way out\n"
    "  gdcc offboard show dms              # one of them: what is done, what comes next\n"
    "  gdcc offboard show dms --live       # also what the cluster still holds\n"
    "  gdcc offboard hash stacks/tombstones/t7k2m9qx.yaml\n"
    "  gdcc offboard --json | jq '.[] | {agency, stage, next}'"
)
_HASH_EXAMPLES = "\b\nExamples:\n  gdcc offboard hash stacks/tombstones/t7k2m9qx.yaml"
_SHOW_EXAMPLES = "\b\nExamples:\n  gdcc offboard show dms\n  gdcc offboard show t7k2m9qx --live"

app = typer.Typer(rich_markup_mode=None, epilog=EXAMPLES)

Stack = Annotated[str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_POD, _NAMESPACE = Kind("v1", "Pod"), Kind("v1", "Namespace")


@app.callback(invoke_without_command=True)
def offboard(context: typer.Context, stack: Stack = "local", as_json: Json = False) -> None:
    """Tenants on their way out: frozen, drained, backed up, approved, retained, deleted.

    Nothing that holds a tenant's data is deleted without a tombstone, stacks/tombstones/<tenant id>.yaml, that two
    people other than its author have approved. Without a command, lists all tombstones and what comes next for each.
    """
    if context.invoked_subcommand is not None:
        return
    listed = offboardings(_estate(stack))
    if as_json:
        typer.echo(json.dumps([_entry(one, None) for one in listed], ensure_ascii=False, indent=2))
    elif not listed:
        out.print(Text("no tenant is on its way out; `gdcc offboard show AGENCY` says how one would be"))
    else:
        table = Table("agency", "tenant", "stage", "next", box=None, pad_edge=False)
        for one in listed:
            coming = one.next
            table.add_row(one.agency, one.tenant, str(one.stage), f"{coming.name}: {coming.how[0]}" if coming else "-")
        out.print(table)


@app.command(epilog=_SHOW_EXAMPLES)
def show(
    agency: Annotated[str, typer.Argument(help="An agency, or a tenant's id.", show_default=False)],
    stack: Stack = "local",
    live: Annotated[bool, typer.Option("--live", help="Also ask the stack's cluster what is still there.")] = False,
    as_json: Json = False,
) -> None:
    """Show the path of one tenant: what is done, what comes next, and how."""
    estate = _estate(stack)
    found = offboarding_of(estate, agency)
    if found is None:
        known = [one.agency for one in estate.tenants] + [one.tenant for one in estate.tombstones]
        raise GdccError(f"no agency of this stack is named `{agency}`", f"write {nearest(agency, known)}")
    held = _held(stack, found) if live else None
    if as_json:
        typer.echo(json.dumps(_entry(found, held), ensure_ascii=False, indent=2))
        return
    out.print(Text.assemble((found.agency, "bold"), f" ({found.tenant}): {', '.join(found.namespaces) or 'gone'}"))
    if held:
        out.print(
            Text(
                f"in the cluster: {len(held.namespaces)} of its namespaces, {held.pods} pods; no longer protected: "
                f"{', '.join(held.released) or 'none'}"
            )
        )
    coming = True
    for step in found.steps(held):
        mark, style = ("x", "green") if step.done else (">", "bold yellow") if coming else (" ", "dim")
        out.print(Text.assemble((f"[{mark}] {step.name} / {step.thai}", style), f"  {step.done}"))
        if not step.done:
            for line in step.how if coming else ():
                out.print(Text(f"      {line}"), soft_wrap=True)
            coming = False


@app.command(name="hash", epilog=_HASH_EXAMPLES)
def content_hash(file: Annotated[Path, typer.Argument(help="The file of a tombstone.", show_default=False)]) -> None:
    """Print the hash of a tombstone's content: what both approvers sign.

    It covers everything but `approvals` and `deleted`; comments and the order of fields do not count.
    """
    digest = to_approve(file, project_root(), date.today())
    out.print(Text(digest))
    err.print(Text("Two people other than the author write it in `approvals`, each with name, email and day."))


def _estate(stack: str) -> Estate:
    root = project_root()
    return load_estate(root, load_settings(root, stack))


def _held(stack: str, one: Offboarding) -> Live:
    context = load_program(project_root(), stack).config.get("kubernetes:context", "")
    api: Api = connect(local_kubeconfig(context), context or None)
    namespaces = {each["metadata"]["name"]: each["metadata"] for each in api.list(served_or_raise(api, _NAMESPACE))}
    pods = api.list(served_or_raise(api, _POD), metadata_only=True)
    prefix = f"{one.tenant}-"
    mine = one.namespaces or tuple(name for name in sorted(namespaces) if name.startswith(prefix))
    there = tuple(name for name in mine if name in namespaces)
    released = tuple(name for name in there if "gdcc.go.th/tombstone" in (namespaces[name].get("annotations") or {}))
    return Live(there, sum(1 for pod in pods if pod["metadata"]["namespace"] in there), released)


def _entry(one: Offboarding, live: Live | None) -> dict[str, Any]:
    steps = [
        {"step": step.name, "th": step.thai, "done": step.done, "how": [] if step.done else list(step.how)}
        for step in one.steps(live)
    ]
    coming = next((step for step in steps if not step["done"]), None)
    entry: dict[str, Any] = {
        "agency": one.agency,
        "tenant": one.tenant,
        "stage": str(one.stage) if one.stage else None,
        "namespaces": list(one.namespaces),
        "next": coming["step"] if coming else None,
        "steps": steps,
    }
    if live:
        entry["live"] = {"namespaces": list(live.namespaces), "pods": live.pods, "not_protected": list(live.released)}
    return entry
