"""A run in a terminal: a line for each control, what it came to, and what to look at first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

from gdcc.compliance.evidence import State
from gdcc.compliance.groups import Group, counts, groups_of, verdict
from gdcc.compliance.pack import Pack
from gdcc.model.document import printable

COLOURS = {
    State.PASS: "green",
    State.FAIL: "bold red",
    State.WAIVED: "yellow",
    State.MANUAL: "cyan",
    State.NOT_APPLICABLE: "dim",
    State.NOT_RUN: "magenta",
}
_HEADINGS = {State.NOT_APPLICABLE: "n/a"}
_MOST = 20
"""Findings told in the terminal; the report has all."""


def table(pack: Pack) -> Iterator[Text]:
    """A line for each control that the run was about, in columns of one width whatever the terminal's."""
    headings = [_HEADINGS.get(state, state.value) for state in State]
    widths = [max(len(heading), len(f"{pack.counts[state]}")) for heading, state in zip(headings, State, strict=True)]
    titles = {control.id: control.title.en for control in pack.run.catalogue.controls}

    def line(name: str, worst: Text, cells: Iterable[Text], title: str) -> Text:
        told = Text(f"{name:<9}")
        told.append_text(worst)
        told.append(" " * (16 - len(worst)))
        for cell, width in zip(cells, widths, strict=True):
            told.append(" " * (width - len(cell) + 1))
            told.append_text(cell)
        return told.append(f"  {title}")

    yield line("control", Text("comes to"), map(Text, headings), "")
    for control, records in pack.by_control.items():
        worst = verdict(records)
        cells = [Text(str(number or ""), COLOURS[state]) for state, number in counts(records).items()]
        yield line(control, Text(worst.value, COLOURS[worst]), cells, titles.get(control, ""))
    totals = [Text(str(number or ""), "bold") for number in pack.counts.values()]
    yield line("records", Text(str(len(pack.records)), "bold"), totals, "")


def findings(pack: Pack) -> Iterator[str]:
    """What does not hold, told once for all targets that it is the same of."""
    failed = [group for group in groups_of(pack.records) if group.state is State.FAIL]
    yield from (_finding(group) for group in failed[:_MOST])
    if len(failed) > _MOST:
        yield f"... and {len(failed) - _MOST} more findings; the report has all"


def _finding(group: Group) -> str:
    first = group.first.target
    more = f" and {len(group.records) - 1} more" if len(group.records) > 1 else ""
    line = f":{first.line}" if first.line else ""
    place = f" ({first.file}{line})" if first.file else ""
    told = f"{group.control} {group.check}: {first.name}{place}{more}: {group.answers[0]}; expected: {group.expected}"
    return printable(told)  # what a cluster names may hold what moves a terminal's cursor


def as_json(pack: Pack) -> dict[str, Any]:
    """The run for machines: counts by state, and for each control."""
    titles = {control.id: control.title for control in pack.run.catalogue.controls}
    return {
        "stack": pack.run.stack,
        "cluster": pack.run.cluster,
        "started": pack.run.started.isoformat(),
        "commit": pack.run.commit,
        "filters": dict(pack.run.filters),
        "evidence": f"sha256:{pack.sha256}",
        "records": len(pack.records),
        "counts": {state.value: number for state, number in pack.counts.items()},
        "controls": [
            {
                "id": control,
                "title": titles[control].model_dump() if control in titles else None,
                "state": verdict(records).value,
                "counts": {state.value: number for state, number in counts(records).items()},
            }
            for control, records in pack.by_control.items()
        ],
        "waivers": [waiver.model_dump(mode="json") for waiver in pack.run.waivers],
    }
