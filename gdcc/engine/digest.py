"""A plan as JSON in the shape of `pulumi preview --json` (Pulumi's `PreviewDigest`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gdcc.engine.api import Object
from gdcc.engine.display import outputs_of
from gdcc.engine.program import Program
from gdcc.engine.step import Op, Plan, Step
from gdcc.engine.values import REDACTED, redact
from gdcc.errors import GdccError


def digest(program: Program, plan: Plan, seconds: float, error: GdccError | None = None) -> dict[str, Any]:
    """The plan for machines: `config`, `steps`, `duration` (nanoseconds), `changeSummary`, `diagnostics`.

    As in Pulumi's own, unchanged objects are counted in `changeSummary` and are not steps; secrets are `[secret]`.
    Only Kubernetes objects are steps: without a state file, components are neither created nor deleted.
    """
    config = {key: REDACTED if key in program.secret_keys else value for key, value in program.config.items()}
    return {
        "config": config,
        "steps": [step for each in plan.changing for step in _steps(program, each)],
        "duration": int(seconds * 1e9),
        "changeSummary": {str(op): count for op, count in Counter(step.op for step in plan.steps).items()},
        "outputs": outputs_of(plan.recording),
    } | ({"diagnostics": [{"severity": "error", "message": error.message}]} if error else {})


def refused(program: Program | None, error: GdccError) -> dict[str, Any]:
    """The answer when no plan could be made."""
    config = (
        {}
        if program is None
        else {key: REDACTED if key in program.secret_keys else value for key, value in program.config.items()}
    )
    message = f"{error.message}\n{error.hint}" if error.hint else error.message
    return {
        "config": config,
        "steps": [],
        "duration": 0,
        "changeSummary": {},
        "diagnostics": [{"severity": "error", "message": message}],
    }


def _steps(program: Program, step: Step) -> Iterator[dict[str, Any]]:
    """A replacement is three steps, deleting first, since an object's name is taken while it lives."""
    ops = ("delete-replaced", "replace", "create-replacement") if step.op is Op.REPLACE else (str(step.op),)
    for op in ops:
        entry: dict[str, Any] = {"op": op, "urn": step.urn, "provider": step.asked.provider if step.asked else ""}
        if step.live is not None:
            entry["oldState"] = _state(program, step, step.live)
        if step.manifest is not None and op != "delete-replaced":
            entry["newState"] = _state(program, step, step.manifest)
        if step.changes:
            entry |= _difference(step)
        yield entry


def _difference(step: Step) -> dict[str, Any]:
    reasons = list(dict.fromkeys(str(change.path[0]) for change in step.changes))
    detailed = {change.field: {"kind": change.kind, "inputDiff": True} for change in step.changes}
    more = {"replaceReasons": reasons} if step.op is Op.REPLACE else {}
    return {"diffReasons": reasons, "detailedDiff": detailed} | more


def _state(program: Program, step: Step, state: Object) -> dict[str, Any]:
    metadata = {key: value for key, value in state["metadata"].items() if key != "managedFields"}
    shown: Mapping[str, Any] = redact({**state, "metadata": metadata}, step.secrets)
    asked = step.asked
    options = asked.options if asked else None
    return {
        "urn": step.urn,
        "custom": True,
        "id": step.key.id,
        "type": step.type,
        "inputs" if state is step.manifest else "outputs": shown,
        "parent": asked.parent
        if asked
        else f"urn:pulumi:{program.stack}::{program.project}::pulumi:pulumi:Stack::{program.project}-{program.stack}",
        "dependencies": sorted(asked.dependencies) if asked else [],
        "protect": bool(options and options.protect),
        "retainOnDelete": bool(options and options.retain_on_delete) or step.retained,
    }
