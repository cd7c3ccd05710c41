"""The verb ``gdcc services`` and what is asked of one service; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gdcc.console import err, out
from gdcc.errors import FindingError, GdccError
from gdcc.model import Environment, Estate, load_estate, load_settings
from gdcc.model.binding import content_hash
from gdcc.model.problems import nearest
from gdcc.project import project_root
from gdcc.services import report
from gdcc.services.impact import impact
from gdcc.services.market import Listing, listings, service_named
from gdcc.services.page import page


def _examples(*lines: str) -> str:
    r"""An epilog that keeps its lines: \b tells Click not to wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    rich_markup_mode=None,
    epilog=_examples(
        "gdcc services",
        "gdcc services --html services.html            # the catalogue, Thai and English",
        "gdcc services --json | jq '.[] | {name, status}'",
        "gdcc services show notify",
        "gdcc services impact identity                 # who stops when it stops",
        "gdcc services hash ddc notify                 # what is approved before prod is bound",
        "sudo gdcc services run                        # the real software, on this machine",
    ),
)

Stack = Annotated[
    str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.", envvar="PULUMI_STACK")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]
Name = Annotated[str, typer.Argument(metavar="SERVICE", help="A service, as `gdcc services` names it.")]

_WIDEST = 1000
_COLOURS = {"available": "green", "planned": "dim"}


@app.callback(invoke_without_command=True)
def services(
    context: typer.Context,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the catalogue as one page, Thai and English.")
    ] = None,
    as_json: AsJson = False,
    stack: Stack = "local",
) -> None:
    """The marketplace of common services: what can be bound, on which plans, and who is.

    An agency asks for a service in its own file, under `services`; dev and uat are bound to the plan `trial` at once,
    prod to the plan `live` once the roles that the service lists have approved. Nothing is changed here.
    """
    if context.invoked_subcommand is not None:
        return
    estate = _estate(stack)
    found = listings(estate)
    if html:
        html.write_text(page(estate, found), encoding="utf-8")
    if as_json:
        _print_json([report.listing_json(one) for one in found])
        return
    if html:
        out.print(Text(f"wrote {html}"))
        return
    table = _table(found)
    table.width = out.measure(table, options=out.options.update(width=_WIDEST)).maximum
    out.print(table, crop=False)


@app.command(epilog=_examples("gdcc services show notify", "gdcc services show payment --json | jq .plans"))
def show(name: Name, as_json: AsJson = False, stack: Stack = "local") -> None:
    """Show all that is declared of one service, and who is bound to it."""
    estate = _estate(stack)
    service_named(estate, name)
    listing = next(one for one in listings(estate) if one.name == name)
    if as_json:
        _print_json(report.listing_json(listing))
    else:
        _print_lines(list(report.show_lines(listing)))


@app.command(name="impact", epilog=_examples("gdcc services impact identity", "gdcc services impact notify --json"))
def show_impact(name: Name, as_json: AsJson = False, stack: Stack = "local") -> None:
    """Show who stops when a service stops.

    The services that need it, the agencies bound to one of these, and those that rely on data of such an agency by an
    agreement, each followed to the end.
    """
    estate = _estate(stack)
    service_named(estate, name)
    found = impact(estate, name)
    if as_json:
        _print_json(report.impact_json(found))
    else:
        _print_lines(list(report.impact_lines(found)))


@app.command(name="hash", epilog=_examples("gdcc services hash ddc notify"))
def approval_hash(
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help="The name of the agency's file.")],
    name: Name,
    stack: Stack = "local",
) -> None:
    """Print the hash of what is approved before an agency's prod is bound to a service.

    It covers the tenant, its zone, the service, the quota, the data class and the addresses that logins return to; a
    change of these asks for new approvals, and a change of anything else in the file does not.
    """
    estate = _estate(stack)
    service = service_named(estate, name)
    tenants = {tenant.agency: tenant for tenant in estate.tenants}
    if agency not in tenants:
        near = nearest(agency, tenants)
        raise GdccError(f"no agency is named `{agency}`", f"write {near}; they are the files of stacks/agencies")
    tenant = tenants[agency]
    asked = [one for one in tenant.request.service_requests if one.name == name and one.covers(Environment.PROD)]
    if not asked or Environment.PROD not in tenant.quota:
        raise FindingError(f"`{agency}` does not ask for `{name}` in prod", f"ask for it in {tenant.source}")
    out.print(Text(content_hash(tenant, asked[0])))
    roles = ", ".join(f"{one.role} <{one.email}>" for one in service.approvals)
    told = f"Who approves: {roles}." if roles else "Nobody has to approve this service."
    err.print(Text(f"{told} Each approval carries this hash, under `approvals` in {tenant.source}."))


@app.command(
    name="run",
    epilog=_examples(
        "sudo gdcc services run                        # the ID service and Notify, until Ctrl-C",
        "sudo gdcc services run identity",
        "sudo gdcc services run --json | jq .services",
    ),
)
def run_here(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Which; all that can run here by default.")
    ] = None,
    as_json: AsJson = False,
    stack: Stack = "local",
) -> None:
    """Run the common services' real software on this machine, as the pods that `gdcc up` made say.

    Keycloak, PostgreSQL, Envoy, Notify, a mail relay and Kannel are processes in namespaces of their own, with the
    arguments, variables and files of their pods in the local control plane. It needs root, and ends all of it with
    Ctrl-C; what the databases hold stays. In place of images stands the software that this machine gets from package
    registries; no network policy is enforced.
    """
    from gdcc.services.commands_run import run  # noqa: PLC0415 - databases and clusters, which no other verb needs

    run(project_root(), stack, names or [], as_json=as_json)


def _estate(stack: str) -> Estate:
    root = project_root()
    return load_estate(root, load_settings(root, stack))


def _print_json(data: Any) -> None:
    out.print(Text(json.dumps(data, ensure_ascii=False, indent=2)))


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        out.print(Text(line))


def _table(found: list[Listing]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "status", "plans"):
        table.add_column(heading, no_wrap=True)
    for heading in ("trial", "live", "pending", "awaited"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("title", no_wrap=True)
    for one in found:
        plans = ", ".join(f"{plan.value} {baht}" for plan, baht in _prices(one))
        numbers = [str(number) if number else "-" for number in report.counts(one)]
        status = Text(one.service.status, style=_COLOURS[one.service.status])
        title = f"{one.service.title.th} / {one.service.title.en}"
        table.add_row(one.name, status, plans or "-", *numbers, title)
    return table


def _prices(listing: Listing) -> list[tuple[Any, str]]:
    return [(name, report.baht(plan.price.thb)) for name, plan in listing.service.plans.items()]
