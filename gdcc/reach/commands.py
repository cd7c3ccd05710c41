"""The verb `gdcc reach`; `gdcc.cli` mounts it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gdcc.console import err, out
from gdcc.errors import GdccError
from gdcc.model import Estate, load_estate, load_settings
from gdcc.model.problems import StackError, nearest
from gdcc.project import project_root
from gdcc.reach import report
from gdcc.reach.difference import Difference, difference
from gdcc.reach.explain import explain
from gdcc.reach.landscape import Landscape, survey
from gdcc.reach.ledger import Entry, entries
from gdcc.reach.matrix import OUTSIDE, Part
from gdcc.reach.page import page
from gdcc.reach.revision import stacks_at

OUTSIDE_NAME = "outside"
_PATIENCE = 2.0
"""Seconds until a person is told what takes so long."""

EXAMPLES = """\b
Examples:
  gdcc reach
  gdcc reach --from rd --to dopa
  gdcc reach --from outside --json
  gdcc reach --ports > ports.tsv
  gdcc reach --diff main
  gdcc reach --html reach.html"""


@dataclass(frozen=True)
class Question:
    """Whose traffic is asked about; all namespaces and the outside, unless an end is named."""

    landscape: Landscape
    sources: frozenset[str]
    targets: frozenset[str]

    @classmethod
    def of(cls, landscape: Landscape, source: str | None, target: str | None) -> Question:
        """From the names of the ends.

        Raises:
            GdccError: there is no such name.
        """
        return cls(landscape, _named(landscape, source), _named(landscape, target))

    def entries(self) -> list[Entry]:
        """The lines that it is answered with; traffic among the rest of the platform is not asked about."""
        proven = self.landscape.proven
        parts = self.landscape.matrix.parts(self.sources, self.targets)
        return entries(self.landscape, (part for part in parts if not proven.isdisjoint(part.sources | part.targets)))

    def keeps(self, part: Part) -> bool:
        """Whether some of a part is asked about."""
        return not (self.sources.isdisjoint(part.sources) or self.targets.isdisjoint(part.targets))


def reach(
    source: Annotated[
        str | None, typer.Option("--from", metavar="AGENCY", help="Only what this agency reaches; or `outside`.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="AGENCY", help="Only what reaches this agency; or `outside`.")
    ] = None,
    ports: Annotated[bool, typer.Option("--ports", help="The auditor's list: protocols, ports and services.")] = False,
    diff: Annotated[
        str | None, typer.Option("--diff", metavar="REV", help="Only what is opened and closed since a git revision.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with a picture and the whole table.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
    stack: Annotated[
        str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.", envvar="PULUMI_STACK")
    ] = "local",
) -> None:
    """Show who can reach whom, computed from the network policies before anything is applied.

    With both --from and --to, explain that one pair: which policies allow it and from which files, or what stands in
    the way. Nothing is changed and no cluster is needed. Exit code 0: answered; 1: the files have errors; 2: usage.
    """
    if ports and diff:
        raise GdccError("--ports and --diff are two different lists", "leave out one of them")
    root = project_root()
    with _patiently("computing who reaches whom"):
        landscape = survey(load_estate(root, load_settings(root, stack)))
        question = Question.of(landscape, source, target)
        change = _change(root, stack, diff, question) if diff else None
        data: dict[str, Any]
        if html:
            html.write_text(page(landscape, question.entries(), change, diff or ""), encoding="utf-8")
            lines, data = [f"wrote {html}"], {"html": str(html)}
        elif change and diff:
            lines, data = list(report.difference_lines(diff, change)), _change_json(diff, change)
        elif ports:
            listed = question.entries()
            lines, data = list(report.ports_lines(listed)), {"ports": report.ports_json_list(listed)}
        elif source and target:
            lines, data = _answer(question)
        else:
            listed = question.entries()
            lines = list(report.matrix_lines(landscape, listed))
            data = {"reach": [report.entry_json(entry) for entry in listed]}
    _print(landscape, lines, data, as_json=as_json)


def _answer(question: Question) -> tuple[list[str], dict[str, Any]]:
    landscape = question.landscape
    pairs = [
        (one, other) for one in landscape.ordered(question.sources) for other in landscape.ordered(question.targets)
    ]
    explained = [explain(landscape, one, other) for one, other in pairs]
    data = {
        "reachable": any(one.parts for one in explained),
        "pairs": report.answer_json(landscape, explained),
    }
    return list(report.answer_lines(landscape, explained)), data


def _print(landscape: Landscape, lines: list[str], data: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        told = {"summary": report.summary(landscape), **data, "limits": report.limits_json(landscape)}
        lines = [json.dumps(told, ensure_ascii=False, indent=2)]
    # Past rich, which would turn the tabs of a list into spaces.
    out.file.writelines(f"{line}\n" for line in lines)
    if not as_json:
        for line in report.limits_lines(landscape):
            out.print(Text(line, style="dim"))


def _named(landscape: Landscape, name: str | None) -> frozenset[str]:
    if name is None:
        return frozenset((*landscape.parties, OUTSIDE))
    if name == OUTSIDE_NAME:
        return frozenset({OUTSIDE})
    if name in landscape.by_id:
        return landscape.by_id[name]
    if name in landscape.parties:
        return frozenset({name})
    known = (*landscape.by_id, OUTSIDE_NAME)
    raise GdccError(f"no agency is named `{name}`", f"write {nearest(name, known)}; `gdcc reach` lists all")


def _change(root: Path, stack: str, revision: str, question: Question) -> Difference:
    before = survey(_estate_at(root, stack, revision, question.landscape.estate))
    return difference(before, question.landscape, question.keeps)


def _estate_at(root: Path, stack: str, revision: str, now: Estate) -> Estate:
    with stacks_at(root, revision) as old:
        try:
            # On the same day: a rule that runs out tonight is no part of a change made today.
            return load_estate(old, load_settings(old, stack), now.today)
        except StackError as error:
            first = error.problems[0]
            raise GdccError(
                f"the stacks of `{revision}` have errors as this version of gdcc reads them; the first: {first}",
                "compare with a revision that this version reads",
            ) from error


def _change_json(revision: str, change: Difference) -> dict[str, Any]:
    return {
        "since": revision,
        "opened": [report.entry_json(entry) for entry in change.opened],
        "closed": [report.entry_json(entry) for entry in change.closed],
    }


@contextmanager
def _patiently(text: str) -> Iterator[None]:
    """Says what is being done, once, if it takes longer than people wait without wondering."""
    timer = threading.Timer(_PATIENCE, lambda: err.print(Text(f"{text} ...")))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
