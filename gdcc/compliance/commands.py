"""The verbs `gdcc comply`, `gdcc comply verify` and `gdcc comply approve`; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gdcc.compliance import pack as packs
from gdcc.compliance import reports, summary
from gdcc.compliance.approvals import chain_of, proposal
from gdcc.compliance.approvals import verify as verify_packs
from gdcc.compliance.catalogue import load_catalogue
from gdcc.compliance.checks import CHECKS
from gdcc.compliance.evidence import State
from gdcc.compliance.facts import facts
from gdcc.compliance.pack import Pack
from gdcc.compliance.run import Inspection
from gdcc.compliance.scene import scene_of
from gdcc.compliance.selection import Selection
from gdcc.compliance.since import Difference, difference, lines
from gdcc.console import out
from gdcc.engine.progress import working
from gdcc.errors import FindingError, GdccError
from gdcc.model.problems import Problem
from gdcc.model.survey import load_waivers
from gdcc.model.tree import agency_files
from gdcc.model.types import LocalizedName
from gdcc.project import project_root

DEFAULT_OUT = Path("evidence")
NODES = "nodes"
"""The scene's option that names the inventory of nodes."""

EXAMPLES = """\b
Examples:
  gdcc comply
  gdcc comply --control GC-33 --control GC-36
  gdcc comply --framework ncsa-cloud --out /srv/audit/2026-11
  gdcc comply --since /srv/audit/2026-08       # what changed since that run
  gdcc comply approve --name 'CISO' --email ciso@dga.or.th --write
  gdcc comply verify --evidence evidence"""

comply = typer.Typer(invoke_without_command=True, rich_markup_mode=None, epilog=EXAMPLES)

Stack = Annotated[
    str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.", envvar="PULUMI_STACK")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")]


@comply.callback()
def run(
    context: typer.Context,
    stack: Stack = "local",
    control: Annotated[
        list[str] | None, typer.Option("--control", metavar="GC-NN", help="Only this control; may be repeated.")
    ] = None,
    framework: Annotated[
        str,
        typer.Option(help="Only controls of this framework: ncsa-cloud, ncsa-code, pdpa, cis-k8s, nist-800-53, ..."),
    ] = "",
    out_folder: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where evidence and reports go.")
    ] = DEFAULT_OUT,
    nodes: Annotated[
        Path | None, typer.Option("--nodes", metavar="INVENTORY", help="An Ansible inventory: look at these nodes too.")
    ] = None,
    since: Annotated[
        Path | None, typer.Option("--since", metavar="RECORD", help="Also show what changed since that evidence.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run every automatic check, write the evidence, and make the reports from it.

    Into DIR go evidence.jsonl and, from it alone, report.html, junit.xml, results.sarif and three OSCAL documents. Exit
    code 0: nothing fails; 1: something does, or a waiver should not be there; 2: usage or environment. What is waived,
    manual, not applicable or not run is shown as that and never counts as pass.
    """
    if context.invoked_subcommand is not None:
        return
    root = project_root()
    began = time.monotonic()
    before = packs.read(since) if since else None  # before --out may replace it
    options: dict[str, Any] = {NODES: _existing(nodes)} if nodes else {}
    made, problems = _inspect(root, stack, (control or [], framework), options, out_folder)
    change = difference(before, made) if before else None
    if as_json:
        told = summary.as_json(made) | {"problems": [asdict(problem) for problem in problems]}
        told |= {"reports": [str(out_folder / name) for name in (packs.FILE, *reports.REPORTS)]}
        typer.echo(json.dumps(told | ({"since": change.as_json()} if change else {}), ensure_ascii=False, indent=2))
    else:
        _show(root, made, problems, change, before)
        out.print(f"{out_folder / packs.FILE}  sha256:{made.sha256}", markup=False)
        out.print(f"{out_folder / 'report.html'}  and {len(reports.REPORTS) - 1} more reports", markup=False)
        out.print(f"{len(made.records)} records in {time.monotonic() - began:.0f} s", markup=False, style="dim")
    if problems or made.counts[State.FAIL]:
        raise typer.Exit(FindingError.exit_code)


@comply.command()
def verify(
    evidence: Annotated[
        list[Path] | None, typer.Option("--evidence", metavar="DIR", help="Evidence that must be approved; repeatable.")
    ] = None,
    tip: Annotated[
        str, typer.Option(metavar="HASH", help="Content hash of an approval that the chain must hold, noted elsewhere.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Check the chain of approvals in stacks/approvals, and that evidence is what was approved.

    Every record's own hash, their order and number, each approval's content and its link to the one before are
    computed again. Exit code 0: whole; 1: something was changed, left out or put in, and it is named.

    Examples:
      gdcc comply verify
      gdcc comply verify --evidence evidence --tip sha256:4f2a...
    """
    chain = chain_of(project_root(), date.today(), tip)
    found = [(place, packs.read(place)) for place in evidence or ()]
    if problems := verify_packs(chain, found):
        raise FindingError("\n".join(problems), "look at the project's history, or approve the run that is meant")
    if as_json:
        told = {
            "approvals": len(chain.approvals),
            "tip": chain.tip,
            "evidence": [f"sha256:{p.sha256}" for _, p in found],
        }
        typer.echo(json.dumps(told, indent=2))
        return
    for place, pack in found:
        approval = chain.of(pack)
        if approval:
            who, day = approval.terms.approver.name, approval.terms.approved
            told_of = f"{len(pack.records)} records, approved by {who} on {day} ({approval.document.file})"
            out.print(f"{place}: whole: {told_of}", markup=False)
    tip_told = f"; the last one's content is {chain.tip}" if chain.tip else ""
    out.print(f"{len(chain.approvals)} approvals: the chain is whole{tip_told}", markup=False)


@comply.command()
def approve(
    name: Annotated[str, typer.Option(help="Name or position of who approves.")],
    email: Annotated[str, typer.Option(help="Their e-mail address.")],
    evidence: Annotated[
        Path, typer.Option("--evidence", metavar="DIR", help="What they have looked at.")
    ] = DEFAULT_OUT,
    note_th: Annotated[str, typer.Option(help="What is to be remembered, in Thai.")] = "",
    note_en: Annotated[str, typer.Option(help="The same in English.")] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Put it into stacks/approvals instead of printing it.")
    ] = False,
) -> None:
    """Make the next approval of the chain, to be read and committed by who approves.

    It takes effect by the review of its commit, like any other change.

    Examples:
      gdcc comply approve --name 'CISO' --email ciso@dga.or.th
      gdcc comply approve --name 'CISO' --email ciso@dga.or.th --write
    """
    root = project_root()
    if bool(note_th) != bool(note_en):
        raise GdccError("a note is in both languages", "give --note-th and --note-en")
    note = LocalizedName(th=note_th, en=note_en) if note_th else None
    chain = chain_of(root, date.today())
    file, text = proposal(chain, packs.read(evidence), name, email, date.today(), note)
    if write:
        packs.replace(root / file, (text.encode(),))
        out.print(f"wrote {file}; read it and commit it", markup=False)
    else:
        typer.echo(text, nl=False)


def _inspect(
    root: Path, stack: str, selection: tuple[list[str], str], options: dict[str, Any], folder: Path
) -> tuple[Pack, list[Problem]]:
    """Looks, and writes the evidence and its reports."""
    catalogue = load_catalogue(root)
    chosen = Selection.of(catalogue, *selection)
    with working("reading the stack"):
        scene = scene_of(root, stack, options)
    problems: list[Problem] = []
    waivers = load_waivers(root, scene.estate, problems)
    problems = [problem for problem in problems if problem.severity == "error"]
    whole = len(scene.estate.tenants) == len(agency_files(root, []))
    with working("checking") as advance:
        outcome = Inspection(catalogue, CHECKS, scene, waivers, chosen, whole, facts).run(advance)
    with working("writing the evidence and its reports"):
        made = packs.write(folder, outcome.run, outcome.records)
        reports.write(folder, made)
    return made, [*problems, *outcome.problems]


def _show(root: Path, made: Pack, problems: list[Problem], change: Difference | None, before: Pack | None) -> None:
    """The run for people."""
    where = made.run.cluster or "no cluster answers: only files were looked at"
    out.print(f"gdcc comply ({made.run.stack}, {where})", markup=False)
    for row in summary.table(made):
        out.print(row)
    for finding in summary.findings(made):
        out.print(Text.assemble(("fail: ", "bold red"), finding))
    for problem in problems:
        out.print(Text.assemble(("waiver: ", "bold red"), str(problem)))
    if change and before:
        approval = chain_of(root, date.today()).of(before)
        state = (
            f"approved by {approval.terms.approver.name} on {approval.terms.approved}" if approval else "not approved"
        )
        out.print(f"\nsince {before.run.started:%Y-%m-%d} ({state}):", markup=False)
        for line in lines(change):
            out.print(line, markup=False)


def _existing(inventory: Path) -> Path:
    if not inventory.exists():
        raise GdccError(f"{inventory} does not exist", "name an Ansible inventory")
    return inventory.resolve()
