"""The verb `gdcc capacity`; `gdcc.cli` mounts it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gdcc.capacity.ledger import GOAL_VCPU, RESOURCES, UNITS, Account, Ledger, figure, ledger_of
from gdcc.capacity.live import granted
from gdcc.capacity.picture import page
from gdcc.console import out
from gdcc.engine.api import connect
from gdcc.engine.commands import local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.model import load_estate, load_settings
from gdcc.model.solvency import Amounts
from gdcc.project import project_root

EXAMPLES = (
    "\b\nExamples:\n"
    "  gdcc capacity\n"
    "  gdcc capacity --live                 # also what the cluster has granted\n"
    "  gdcc capacity --html capacity.html   # a page with bars\n"
    "  gdcc capacity --json | jq .goal"
)


def capacity(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.")] = "local",
    live: Annotated[bool, typer.Option("--live", help="Ask the stack's cluster what it has granted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; cores and bytes.")] = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with bars.")] = None,
) -> None:
    """Show what is asked of each pool and zone, and what is free.

    Asked is the sum of the quotas in tenants' files; what may be promised is what there is times the overcommit. More
    than that is refused by `gdcc validate`, in the change that asks for it.
    """
    root = project_root()
    estate = load_estate(root, load_settings(root, stack))
    quotas = None
    if live:
        context = load_program(root, stack).config.get("kubernetes:context", "")
        quotas = granted(connect(local_kubeconfig(context), context or None))
    ledger = ledger_of(estate, quotas)
    if html:
        html.write_text(page(ledger), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(_report(ledger), ensure_ascii=False, indent=2))
        return
    _show(ledger)
    if html:
        out.print(f"wrote {html}", markup=False)


def _show(ledger: Ledger) -> None:
    live = any(pool.granted for pool in ledger.pools)
    headings = ["tenants", "there is", "promised", "asked", *(["granted"] if live else []), "free", "share"]
    for resource in RESOURCES:
        table = Table(title=f"{resource}, {UNITS[resource][0]}", title_justify="left", box=None, pad_edge=False)
        table.add_column("pool, zone", no_wrap=True)
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
        for pool in ledger.pools:
            table.add_row(*_cells(pool, resource, live=live))
            for zone in ledger.zones[pool.name]:
                table.add_row(*_cells(zone, resource, live=live, indent="  "))
        out.print(table)
        out.print()
    out.print("promised: the most that may be promised, with overcommit; share: asked of promised", markup=False)
    goal = f"{ledger.vcpu:,.0f} of {GOAL_VCPU:,} vCPU ({ledger.vcpu / GOAL_VCPU:.0%})"
    out.print(f"the plan's goal: {goal}", markup=False)


def _cells(account: Account, resource: str, *, live: bool, indent: str = "") -> list[str]:
    def cell(amounts: Amounts | None) -> str:
        return figure(resource, amounts[resource]) if amounts else ""

    share = f"{account.asked[resource] / account.promised[resource]:.0%}" if account.promised.get(resource) else ""
    granted_cell = [cell(account.granted)] if live else []
    before = [cell(amounts) for amounts in (account.there_is, account.promised, account.asked)]
    return [indent + account.name, str(account.tenants), *before, *granted_cell, cell(account.free), share]


def _report(ledger: Ledger) -> dict[str, object]:
    def entry(account: Account) -> dict[str, object]:
        return {**asdict(account), "free": account.free}

    return {
        "goal": {"vcpu": GOAL_VCPU, "there_is": ledger.vcpu, "share": ledger.vcpu / GOAL_VCPU},
        "units": {"cpu": "thousandths of a core", "memory": "bytes", "storage": "bytes"},
        "pools": [{**entry(pool), "zones": [entry(zone) for zone in ledger.zones[pool.name]]} for pool in ledger.pools],
    }
