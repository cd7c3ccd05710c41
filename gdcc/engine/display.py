"""Plans and what came of them, as text in the words of Pulumi's own output."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from gdcc.console import out
from gdcc.engine.diff import Change, owner_of
from gdcc.engine.monitor import Recording
from gdcc.engine.step import Op, Plan, Step
from gdcc.engine.values import REDACTED, UNKNOWN, redact

SHOWN = 30
"""Objects listed for each kind of step unless all are asked for."""
_FIELDS = 12
_SIGNS = {Op.CREATE: "+", Op.UPDATE: "~", Op.REPLACE: "+-", Op.DELETE: "-"}
_COLOURS = {Op.CREATE: "green", Op.UPDATE: "yellow", Op.REPLACE: "magenta", Op.DELETE: "red"}
_PAST = {Op.CREATE: "created", Op.UPDATE: "updated", Op.REPLACE: "replaced", Op.DELETE: "deleted"}


def show_plan(plan: Plan, *, everything: bool = False) -> None:
    """Print each object that would change, and the counts."""
    for op in _SIGNS:
        steps = plan.of(op)
        for step in steps if everything else steps[:SHOWN]:
            _show_step(step)
        if len(steps) > SHOWN and not everything:
            out.print(f"   ... and {len(steps) - SHOWN} more to {op} (--show-all lists them)", markup=False)
    _show_counts(plan, {op: f"to {op}" for op in _SIGNS})


def show_drift(plan: Plan, *, everything: bool = False) -> None:
    """Print what is live and not as the program has it, and who made it so."""
    for step in plan.of(Op.UPDATE, Op.REPLACE):
        out.print(Text.assemble((" ~ ", "yellow"), str(step.key)))
        for change in step.changes if everything else step.changes[:_FIELDS]:
            sides = f"is {_value(step, change, 'old')}, should be {_value(step, change, 'new')}"
            out.print(Text(f"     {change.field}: {sides}{_writer(step, change)}"))
    missing = plan.of(Op.CREATE)
    for step in missing if everything else missing[:SHOWN]:
        out.print(Text.assemble((" + ", "green"), f"{step.key}: is not there"))
    for step in plan.of(Op.DELETE):
        out.print(Text.assemble((" - ", "red"), f"{step.key}: the program no longer has it"))
    _show_counts(
        plan,
        {
            Op.CREATE: "missing",
            Op.UPDATE: "changed",
            Op.REPLACE: "changed, and need a replacement",
            Op.DELETE: "left over",
        },
    )


def show_outcome(plan: Plan, seconds: float) -> None:
    """Print what was done, and how long it took."""
    _show_counts(plan, _PAST)
    out.print(f"Duration: {seconds:.1f}s", markup=False)


def show_advice(advice: Sequence[str], *, everything: bool = False) -> None:
    """Print what policies advise; it stops nothing."""
    if advice:
        out.print(Text("Policies:", "bold"))
    for line in advice if everything else advice[:SHOWN]:
        out.print(Text.assemble(("    warning: ", "yellow"), line))
    if len(advice) > SHOWN and not everything:
        out.print(f"    ... and {len(advice) - SHOWN} more (--show-all lists them)", markup=False)


def show_outputs(recording: Recording) -> None:
    """Print the stack's outputs; secrets are not shown."""
    shown = outputs_of(recording)
    if shown:
        out.print(Text("Outputs:", "bold"))
    for name, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        out.print(f"    {name}: {text}", markup=False)


def outputs_of(recording: Recording) -> Mapping[str, Any]:
    """The stack's outputs as they may be shown."""
    outputs: Mapping[str, Any] = _known(redact(recording.outputs, recording.output_secrets))
    return outputs


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return "[unknown]" if value == UNKNOWN else value


def _show_step(step: Step) -> None:
    note = " [retain: stays in the cluster]" if step.retained else ""
    out.print(
        Text.assemble(
            (f" {_SIGNS[step.op]:2} ", _COLOURS[step.op]), (str(step.key), "bold"), f"  {step.type} {step.name}{note}"
        )
    )
    if step.op in (Op.UPDATE, Op.REPLACE):
        for change in step.changes[:_FIELDS]:
            sign, colour = {"add": ("+", "green"), "delete": ("-", "red")}.get(change.kind, ("~", "yellow"))
            out.print(Text.assemble((f"      {sign} ", colour), f"{change.field}: {_arrow(step, change)}"))
        if len(step.changes) > _FIELDS:
            out.print(f"      ... and {len(step.changes) - _FIELDS} more fields", markup=False)


def _arrow(step: Step, change: Change) -> str:
    if change.kind == "add":
        return _value(step, change, "new")
    if change.kind == "delete":
        return _value(step, change, "old")
    return f"{_value(step, change, 'old')} => {_value(step, change, 'new')}"


def _value(step: Step, change: Change, side: str) -> str:
    """One side of a change on one line; secrets are not shown."""
    value = getattr(change, side)
    if value is None:
        return "absent"
    if is_secret(step, change):
        return REDACTED
    if value == UNKNOWN:
        return "[unknown]"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else text[:97] + "..."


def is_secret(step: Step, change: Change) -> bool:
    """Whether a change lies at, under or over a secret value."""
    return any(all(a == b for a, b in zip(path, change.path, strict=False)) for path in step.secrets)


def _writer(step: Step, change: Change) -> str:
    """Who wrote what is live, as the server's field managers tell."""
    owner = owner_of(change.path, step.live or {"metadata": {}}, removed=change.kind == "add")
    return f" ({owner.operation} by {owner.manager} at {owner.time})" if owner else ""


def _show_counts(plan: Plan, words: Mapping[Op, str]) -> None:
    counts = Counter(step.op for step in plan.steps)
    out.print(Text("Resources:", "bold"))
    for op, word in words.items():
        if counts[op]:
            out.print(Text.assemble((f"    {_SIGNS[op]:2} ", _COLOURS[op]), f"{counts[op]} {word}"))
    out.print(f"    {counts[Op.SAME]} unchanged", markup=False)
