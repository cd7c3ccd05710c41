"""Everything that is made from a pack of evidence, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gdcc.compliance import junit, sarif
from gdcc.compliance.assessment import assessment_results
from gdcc.compliance.catalogue import Control
from gdcc.compliance.definition import assessment_plan, component_definition
from gdcc.compliance.oscal import DEFINITION, PLAN, RESULTS
from gdcc.compliance.pack import Pack, replace
from gdcc.compliance.page import FILE as PAGE
from gdcc.compliance.page import render as page
from gdcc.compliance.selection import Selection

REPORTS: Mapping[str, Callable[[Pack], bytes]] = {
    junit.FILE: junit.render,
    sarif.FILE: sarif.render,
    f"{PLAN}.json": lambda pack: assessment_plan(pack, controls_of(pack)),
    f"{RESULTS}.json": lambda pack: assessment_results(pack, controls_of(pack)),
    f"{DEFINITION}.json": component_definition,
    PAGE: page,
}
"""By the file's name, how it is made; the same pack makes the same bytes."""


def controls_of(pack: Pack) -> list[Control]:
    """The controls that a run was about."""
    run = pack.run
    wanted = tuple(filter(None, run.filters.get("control", "").split(",")))
    selection = Selection(wanted, run.filters.get("framework", ""))
    return [control for control in run.catalogue.controls if selection.holds(run.catalogue, control)]


def write(folder: Path, pack: Pack) -> list[Path]:
    """Writes every report beside the evidence, each in one step.

    Raises:
        GdccError: the folder cannot be written.
    """
    for name, render in REPORTS.items():
        replace(folder / name, (render(pack),))
    return [folder / name for name in REPORTS]
