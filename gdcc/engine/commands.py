"""The verbs `gdcc preview`, `up`, `refresh` and `destroy`; `gdcc.cli` mounts them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gdcc.cluster.state import Layout
from gdcc.console import out
from gdcc.engine import digest, display
from gdcc.engine.config import load_program
from gdcc.engine.operations import Manner, Operation
from gdcc.engine.policy import advice_lines, own_pack
from gdcc.engine.program import Program
from gdcc.engine.progress import say
from gdcc.engine.step import Plan, Selection
from gdcc.errors import FindingError, GdccError
from gdcc.project import project_root

Stack = Annotated[
    str, typer.Option("--stack", "-s", help="Which stack: stacks/Pulumi.NAME.yaml.", envvar="PULUMI_STACK")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object in the shape of `pulumi preview --json`.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
NoChanges = Annotated[bool, typer.Option("--expect-no-changes", help="Fail (exit code 1) if anything would change.")]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-t",
        metavar="GLOB",
        help="Only objects whose URN, name or namespace/name matches; may be repeated.",
    ),
]
Force = Annotated[bool, typer.Option("--force-conflicts", help="Take over fields that other managers apply.")]
LockTimeout = Annotated[
    float, typer.Option("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another run to end.")
]
PolicyPack = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy-pack",
        metavar="PATH",
        help="Run a policy pack besides the project's own in policies/, which always runs; may be repeated.",
    ),
]
ShowAll = Annotated[bool, typer.Option("--show-all", help="List every object, however many.")]

DEFAULT_STACK = "local"
LOCAL_CONTEXT = "gdcc-local"


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


PREVIEW_EXAMPLES = _examples(
    "gdcc preview",
    "gdcc preview --expect-no-changes",
    "gdcc preview --policy-pack ../our-policies",
    "gdcc preview --json | jq .changeSummary",
)
UP_EXAMPLES = _examples("gdcc up", "gdcc up --yes --stack local", "gdcc up --target 't7k2m9qx-*/*'")
REFRESH_EXAMPLES = _examples("gdcc refresh", "gdcc refresh --expect-no-changes    # exit code 1 if anything drifted")
DESTROY_EXAMPLES = _examples("gdcc destroy", "gdcc destroy --yes --target '*-dev/*'")


class _Run:
    """One verb on one stack: makes its plan, carries it out, and speaks of it to people or to machines."""

    def __init__(self, stack: str, manner: Manner, *, as_json: bool, show_all: bool) -> None:
        self.as_json = as_json
        self.show_all = show_all
        self._began = time.monotonic()
        self._stack = stack
        self._manner = manner
        self._program: Program | None = None
        self._operation: Operation | None = None
        self._planned: Callable[[Operation], Plan] = Operation.plan

    def plan(self, title: str, planned: Callable[[Operation], Plan] = Operation.plan) -> Plan:
        """Make the plan; machines read on stdout why there is none."""
        self._planned = planned
        try:
            self._program = load_program(project_root(), self._stack)
            context = self._program.config.get("kubernetes:context", "")
            self._operation = Operation(self._program, self._manner, local_kubeconfig(context))
            if not self.as_json:
                out.print(f"{title} ({self._stack}, {self._operation.server}):", markup=False)
            return planned(self._operation)
        except GdccError as error:
            if self.as_json:
                _dump(digest.refused(self._program, error))
            raise

    def show(self, plan: Plan) -> None:
        """The plan, for people or for machines."""
        advice = advice_lines(self._operation.verdict.advice) if self._operation else []
        if not self.as_json:
            display.show_plan(plan, everything=self.show_all)
            display.show_advice(advice, everything=self.show_all)
        elif self._program:
            warnings = [{"severity": "warning", "message": line} for line in advice]
            answer = digest.digest(self._program, plan, self._seconds)
            _dump(answer | ({"diagnostics": warnings} if warnings else {}))

    def carry_out(self, plan: Plan, question: str, *, yes: bool, forget: bool = False) -> None:
        """Show, ask, do, and say what was done."""
        operation, program = self._operation, self._program
        if operation is None or program is None:
            raise AssertionError("carried out before it was planned")

        def agree(to: Plan) -> None:
            if not self.as_json:
                self.show(to)
            if to.changing:
                _confirm(question, yes=yes)

        def again() -> Plan:
            say("another run went in between; this is the plan now:")
            operation.refresh()
            new = self._planned(operation)
            agree(new)
            return new

        agree(plan)
        if plan.changing or forget:
            try:
                plan = operation.carry_out(plan, again, forget=forget)
            except GdccError as error:
                if self.as_json:
                    _dump(digest.digest(program, plan, self._seconds, error))
                raise
        if self.as_json:
            self.show(plan)
        elif plan.changing:
            display.show_outputs(plan.recording)
            display.show_outcome(plan, self._seconds)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began


def _dump(answer: Any) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))


def preview(
    stack: Stack = DEFAULT_STACK,
    as_json: Json = False,
    expect_no_changes: NoChanges = False,
    target: Target = None,
    force_conflicts: Force = False,
    policy_pack: PolicyPack = None,
    show_all: ShowAll = False,
) -> None:
    """Show what `up` would do; change nothing.

    The API server is asked by dry runs, so that what it would refuse shows here; policy packs are asked as well.
    """
    manner = Manner(Selection(tuple(target or ())), force_conflicts, policy_packs=_packs(policy_pack))
    run = _Run(stack, manner, as_json=as_json, show_all=show_all)
    plan = run.plan("Previewing update")
    run.show(plan)
    if not as_json:
        display.show_outputs(plan.recording)
    _expect(plan, expect_no_changes)


def up(
    stack: Stack = DEFAULT_STACK,
    yes: Yes = False,
    as_json: Json = False,
    expect_no_changes: NoChanges = False,
    target: Target = None,
    force_conflicts: Force = False,
    lock_timeout: LockTimeout = 60,
    policy_pack: PolicyPack = None,
    show_all: ShowAll = False,
) -> None:
    """Bring the cluster to what the stack asks for.

    Shows the plan and asks first. Run it again after an interruption: it goes on from what is done. Nothing that this
    stack did not make is removed, and nothing is applied that a policy pack forbids.
    """
    manner = Manner(Selection(tuple(target or ())), force_conflicts, lock_timeout, _packs(policy_pack))
    run = _Run(stack, manner, as_json=as_json, show_all=show_all)
    plan = run.plan("Updating")
    if expect_no_changes and plan.changing:
        run.show(plan)
        _expect(plan, expect_no_changes)
    run.carry_out(plan, "Apply this plan?", yes=yes)


def refresh(
    stack: Stack = DEFAULT_STACK,
    as_json: Json = False,
    expect_no_changes: NoChanges = False,
    target: Target = None,
    show_all: ShowAll = False,
) -> None:
    """Report what was changed by hand, by whom and when.

    There is no state file to refresh, so nothing is changed; `up` puts it right.
    """
    run = _Run(stack, Manner(Selection(tuple(target or ()))), as_json=as_json, show_all=show_all)
    plan = run.plan("Refreshing")
    if as_json:
        run.show(plan)
    else:
        display.show_drift(plan, everything=show_all)
    _expect(plan, expect_no_changes)


def destroy(
    stack: Stack = DEFAULT_STACK,
    yes: Yes = False,
    as_json: Json = False,
    target: Target = None,
    lock_timeout: LockTimeout = 60,
    show_all: ShowAll = False,
) -> None:
    """Remove everything that the stack has made.

    Refused, before anything is removed, while a namespace holds what the stack did not make, or an object is protected.
    """
    manner = Manner(Selection(tuple(target or ())), lock_timeout=lock_timeout)
    run = _Run(stack, manner, as_json=as_json, show_all=show_all)
    plan = run.plan("Destroying", Operation.plan_destroy)
    run.carry_out(plan, "Delete all of this?", yes=yes, forget=not target)


def _packs(given: list[Path] | None) -> tuple[Path, ...]:
    return (*own_pack(project_root()), *(path.absolute() for path in given or ()))


def local_kubeconfig(context: str) -> Path | None:
    """The local control plane's kubeconfig, when the stack is for it and KUBECONFIG names no other."""
    if context != LOCAL_CONTEXT or os.environ.get("KUBECONFIG"):
        return None
    path = Layout.at(None).kubeconfig
    if not path.is_file():
        raise GdccError(
            "there is no local control plane",
            "Start it with `gdcc cluster up` (or `make up`), or point KUBECONFIG at your cluster.",
        )
    return path


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise GdccError(
            "nobody is there to confirm this", "Give --yes to do it without asking, or look first with `gdcc preview`."
        )
    if not typer.confirm(question, err=True):
        raise FindingError("not confirmed, nothing was changed")


def _expect(plan: Plan, expect_no_changes: bool) -> None:
    if expect_no_changes and plan.changing:
        raise FindingError(f"no changes were expected, and there are {len(plan.changing)}")
