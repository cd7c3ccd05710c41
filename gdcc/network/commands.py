"""The verbs ``gdcc agreements`` and ``gdcc agreements hash``; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gdcc.console import err, out
from gdcc.model import Agreement, StackSettings, State, load_estate
from gdcc.model.register import to_sign
from gdcc.project import project_root


def _examples(*lines: str) -> str:
    r"""An epilog that keeps its lines: \b tells Click not to wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    rich_markup_mode=None,
    epilog=_examples(
        "gdcc agreements",
        "gdcc agreements --expiring 90",
        "gdcc agreements --json | jq -r '.[] | select(.state == \"pending\").id'",
        "gdcc agreements hash stacks/agreements/dopa-rd-population.yaml",
    ),
)

_WIDEST = 1000
_COLOURS = {State.ACTIVE: "green", State.NOT_YET: "cyan", State.PENDING: "yellow"}


@app.callback(invoke_without_command=True)
def agreements(
    context: typer.Context,
    expiring: Annotated[
        int | None, typer.Option("--expiring", min=0, metavar="DAYS", help="Only those that end within so many days.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Data-sharing agreements between agencies: what each opens, and the days left.

    Without a command, lists all of them, those that end first on top. Only an active agreement opens traffic: a pending
    one lacks a signature, the others are not yet or no longer in force.
    """
    if context.invoked_subcommand is not None:
        return
    estate = load_estate(project_root(), StackSettings())
    listed = sorted(estate.agreements, key=lambda one: (one.state(estate.today).over, one.terms.expires, one.id))
    if expiring is not None:
        listed = [one for one in listed if _ends_within(one, estate.today, expiring)]
    if as_json:
        rows = [_entry(one, estate.today) for one in listed]
        out.print(Text(json.dumps(rows, ensure_ascii=False, indent=2)))
    elif listed:
        table = _table(listed, estate.today)
        table.width = out.measure(table, options=out.options.update(width=_WIDEST)).maximum
        out.print(table, crop=False)  # lines that a narrow terminal wraps say more than shortened words
    else:
        out.print(Text("no agreement" if expiring is None else f"no agreement ends within {expiring} days"))


@app.command(name="hash", epilog=_examples("gdcc agreements hash stacks/agreements/dopa-rd-population.yaml"))
def content_hash(
    file: Annotated[Path, typer.Argument(help="The file of an agreement.", show_default=False)],
) -> None:
    """Print the hash of an agreement's content: what the owner of each party signs.

    It covers everything but `signatures` and `withdrawn`; comments and the order of fields do not count.
    """
    digest = to_sign(file, project_root(), date.today())
    out.print(Text(digest))
    err.print(Text("Whoever approves this content writes it in signatures.provider.content or .consumer.content."))


def _ends_within(agreement: Agreement, today: date, days: int) -> bool:
    return not agreement.state(today).over and _days_left(agreement, today) <= days


def _days_left(agreement: Agreement, today: date) -> int:
    """Days after this one in which it can be in force; 0 on the last day and when it is over."""
    return 0 if agreement.state(today).over else (agreement.terms.expires - today).days


def _entry(agreement: Agreement, today: date) -> dict[str, Any]:
    terms = agreement.terms
    return {
        "id": agreement.id,
        "file": agreement.source,
        "title": terms.title.model_dump(),
        "provider": terms.provider,
        "consumer": terms.consumer,
        "service": terms.service,
        "ports": [str(port) for port in terms.ports],
        "environments": [environment.value for environment in agreement.environments],
        "data_class": terms.data_class.value,
        "state": agreement.state(today).value,
        "starts": str(terms.starts),
        "expires": str(terms.expires),
        "days_left": _days_left(agreement, today),
    }


def _table(listed: list[Agreement], today: date) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("provider", "consumer", "service", "ports", "environments", "class", "state"):
        table.add_column(heading, no_wrap=True)
    table.add_column("days left", justify="right", no_wrap=True)
    table.add_column("agreement", no_wrap=True)
    for agreement in listed:
        terms, state = agreement.terms, agreement.state(today)
        table.add_row(
            terms.provider,
            terms.consumer,
            terms.service,
            " ".join(map(str, terms.ports)),
            " ".join(environment.value for environment in agreement.environments),
            terms.data_class.label,
            Text(state.value, style=_COLOURS.get(state, "dim")),
            "-" if state.over else str(_days_left(agreement, today)),
            agreement.id,
        )
    return table
