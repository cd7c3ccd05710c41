"""The verbs ``gdcc validate`` and ``gdcc schema``; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gdcc import console
from gdcc.errors import FindingError, GdccError
from gdcc.model import schema as schemas
from gdcc.model.estate import Estate
from gdcc.model.problems import Problem
from gdcc.model.quantity import Cpu
from gdcc.model.solvency import asked_of
from gdcc.model.survey import Validation
from gdcc.model.survey import validate as validate_tree
from gdcc.project import project_root

_COLOURS = {"error": "red", "warning": "yellow"}


def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders under stacks/ to report on; all by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Check the files under stacks/ and say, for each problem, what to write instead.

    Nothing is changed. Exit code 0: no errors (perhaps warnings); 1: errors; 2: the command could not run.

    Examples:
      gdcc validate
      gdcc validate stacks/agencies/moph
      gdcc validate stacks/agencies/moph/ddc.yaml --json
    """
    result = validate_tree(project_root(), paths or ())
    errors = sum(problem.severity == "error" for problem in result.problems)
    if as_json:
        _say(Text(json.dumps(_report(result, errors), ensure_ascii=False, indent=2)))
    else:
        _say(*map(_line, result.problems), _summary(result, errors))
    if errors:
        raise typer.Exit(FindingError.exit_code)


def schema(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if a schema is out of date.")] = False,
) -> None:
    """Write the JSON Schemas in stacks/schema/ that editors use to complete and check stack files.

    Examples:
      gdcc schema
      gdcc schema --check
    """
    root = project_root()
    if check:
        if old := schemas.outdated(root):
            raise FindingError(f"out of date: {', '.join(old)}", "run `gdcc schema`")
        changed = []
    else:
        changed = schemas.write(root)
    told = [f"wrote {path}" for path in changed] or ["the schemas are up to date"]
    _say(*map(Text, told))


def _say(*lines: Text) -> None:
    """Prints lines, and makes sure that they arrived.

    Raises:
        GdccError: the output cannot be written, as when a disk is full.
    """
    try:
        for line in lines:
            console.out.print(line)
        console.out.file.flush()
    except BrokenPipeError:
        raise  # whoever read has seen enough; the command line ends quietly
    except OSError as error:
        # What is still in the buffer would fail again, with a traceback, when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise GdccError(f"the output cannot be written: {error.strerror}", "free some space") from error


def _line(problem: Problem) -> Text:
    """``place: severity: field: message; write ...`` with the place and severity in colour."""
    rest = str(problem).removeprefix(f"{problem.place}: ")
    colour = _COLOURS[problem.severity]
    return Text.assemble((problem.place, "bold"), ": ", (problem.severity, colour), f": {rest}")


def _cpu(estate: Estate) -> tuple[float, float]:
    """Cores asked by the tenants, and cores that all pools together may promise."""
    asked = asked_of(quota for tenant in estate.tenants for quota in tenant.quota.values())["cpu"]
    return Cpu.of(asked).cores, Cpu.of(sum(pool.promised()["cpu"] for pool in estate.pools.values())).cores


def _summary(result: Validation, errors: int) -> Text:
    warnings = len(result.problems) - errors
    told = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}" if result.problems else "no problems"
    if result.estate is None:
        told += "" if errors else " in the files asked for, and errors in others"
        return Text(f"{_count(result.files, 'file')}: {told}")
    asked, promised = _cpu(result.estate)
    namespaces = sum(len(tenant.quota) for tenant in result.estate.tenants)
    agencies = f"{len(result.estate.tenants)} agencies" if len(result.estate.tenants) != 1 else "1 agency"
    return Text(f"{agencies}, {_count(namespaces, 'namespace')}, {asked:,.0f} vCPU asked of {promised:,.0f}: {told}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _report(result: Validation, errors: int) -> dict[str, object]:
    tenants = len(result.estate.tenants) if result.estate else None
    return {
        "problems": [asdict(problem) for problem in result.problems],
        "summary": {
            "files": result.files,
            "tenants": tenants,
            "errors": errors,
            "warnings": len(result.problems) - errors,
        },
    }
