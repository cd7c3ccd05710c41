"""Waivers at work: which findings each covers, and which of them should not be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase

from gdcc.compliance.catalogue import Control
from gdcc.compliance.evidence import Evidence, State, Target, WaiverSeen
from gdcc.model import Estate
from gdcc.model.problems import Problem
from gdcc.model.waiver import Match
from gdcc.model.waivers import Waiver


def covers(match: Match, target: Target) -> bool:
    """Whether a target is what a waiver names, or is in it."""
    if match.agency is not None:
        return match.agency in (f"{target.ministry}/{target.agency}", target.name)
    if match.namespace is not None:
        return namespace_of(target) == match.namespace
    return fnmatchcase(target.name, match.name)


def namespace_of(target: Target) -> str:
    """The namespace that a target is or is in; empty for all others."""
    if target.kind == "namespace":
        return target.name
    if target.kind == "object" and "/" in target.name:
        return target.name.partition("/")[0].rpartition(" ")[2]
    return ""


class Waivers:
    """The waivers of one run.

    Args:
        waivers: those whose files have no errors.
        today: the day of the run.
    """

    def __init__(self, waivers: Sequence[Waiver], today: date) -> None:
        self.waivers = waivers
        self.today = today
        self.used: Counter[str] = Counter()

    def cover(self, control: Control, target: Target) -> str:
        """The id of the waiver in force for a finding, which is counted as used; empty if there is none."""
        if not control.waivable:
            return ""
        for waiver in self.waivers:
            terms = waiver.terms
            if terms.control == control.id and terms.days_left(self.today) >= 0 and covers(terms.match, target):
                self.used[waiver.id] += 1
                return waiver.id
        return ""

    def seen(self, problems: Iterable[Problem]) -> tuple[WaiverSeen, ...]:
        """Every waiver as the run's evidence tells of it."""
        wrong = {problem.file: problem.message for problem in problems}
        return tuple(
            WaiverSeen(
                id=waiver.id,
                control=waiver.terms.control,
                reason=waiver.terms.reason,
                approver=f"{waiver.terms.approver.name} <{waiver.terms.approver.email}>",
                expires=str(waiver.terms.expires),
                days_left=waiver.terms.days_left(self.today),
                used=self.used[waiver.id],
                file=waiver.document.file,
                match=f"{waiver.terms.match.kind} {waiver.terms.match.name}",
                compensating=waiver.terms.compensating,
                problem=wrong.get(waiver.document.file, ""),
            )
            for waiver in self.waivers
        )

    def problems(self, records: Sequence[Evidence], estate: Estate, *, whole: bool) -> Iterator[Problem]:
        """The waivers that cover nothing any more: expired ones, and those that no finding needed.

        Whether one is needed is judged only where every check of its control could look, and only for agencies of
        this stack.

        Args:
            records: of the run.
            estate: of the stack.
            whole: whether the stack has every agency there is, so that what is not found in it is nowhere.
        """
        ran = {record.control for record in records}
        blind = {record.control for record in records if record.state is State.NOT_RUN}
        here = {f"{tenant.ministry}/{tenant.agency}" for tenant in estate.tenants}
        spaces = {f"{tenant.id}-{one.value}" for tenant in estate.tenants for one in tenant.quota}
        for waiver in self.waivers:
            terms = waiver.terms
            if (left := terms.days_left(self.today)) < 0:
                message = f"expired {-left} days ago, on {terms.expires}: it covers nothing"
                yield waiver.problem(("expires",), message, "a new waiver, approved anew, or remove the file")
            elif terms.control in ran - blind and not self.used[waiver.id]:
                place = namespace_of(Target(kind="object", name=terms.match.name)) or terms.match.name
                if whole or place in here or place in spaces:
                    message = f"unused: nothing that it covers falls short of {terms.control}"
                    yield waiver.problem(("match",), message, "nothing: remove the file")
