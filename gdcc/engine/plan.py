"""What an update would do, object by object, asked of the API server itself before anything changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from gdcc.engine import diff, guard
from gdcc.engine.api import CONNECTIONS, ApiError, key_of
from gdcc.engine.applyset import URN
from gdcc.engine.likeness import likeness
from gdcc.engine.manifest import manifest_of
from gdcc.engine.monitor import Recording, State
from gdcc.engine.outlook import outlook
from gdcc.engine.problems import Problem, RefusedError
from gdcc.engine.progress import Advance
from gdcc.engine.registration import Registration
from gdcc.engine.rehearsal import Surroundings, ask, is_elsewhere
from gdcc.engine.site import Sites
from gdcc.engine.step import PROTECT, RETAIN, Op, Plan, Selection, Step, is_leaving, marks_of
from gdcc.engine.support import UnsupportedError
from gdcc.engine.values import Path
from gdcc.errors import GdccError


def prepare(sites: Sites, asked: Registration, provider: Registration | None) -> Step:
    """Tell what is asked for and what is live, without asking the server about the difference.

    The step is `same` when that is certain, else `create` or `update` for now.

    Args:
        provider: the explicit provider of the object, if it has one.
    """
    site, namespace = sites.of(provider.urn, provider.inputs) if provider else sites.of("")
    options = [name for name, on in ((PROTECT, asked.options.protect), (RETAIN, asked.options.retain_on_delete)) if on]
    manifest = site.applyset.marked(manifest_of(asked, site, namespace), asked.urn, options)
    key = key_of(manifest)
    live = site.member(key)
    if key.namespace and not site.has_namespace(key.namespace):
        live = None  # still listed perhaps, but going with its namespace
    if live is not None and asked.options.ignore_changes:
        manifest = diff.without(manifest, asked.options.ignore_changes, live)
    same = live is not None and not asked.unknown and not is_leaving(live) and diff.is_current(manifest, live)
    op = Op.SAME if same else Op.CREATE if live is None or is_leaving(live) else Op.UPDATE
    return Step(op, site, key, asked.urn, asked, manifest, live)


def answer(step: Step) -> State:
    """What the program is told of an object that is live as it should be."""
    live = step.live or {}
    outputs = {**live, "metadata": {key: value for key, value in live["metadata"].items() if key != "managedFields"}}
    return State(step.key.id, outputs, _secret_outputs(step))


def foreseen(step: Step) -> State:
    """What the program is told before an update: what it asked for, what no update changes, the rest as unknown."""
    if step.op is Op.SAME:
        return answer(step)
    inputs = {key: value for key, value in (step.asked.inputs if step.asked else {}).items() if value is not None}
    metadata = {**(inputs.get("metadata") or {}), "name": step.key.name}
    if step.key.namespace:
        metadata["namespace"] = step.key.namespace
    if step.live is not None and step.op is Op.UPDATE:
        metadata |= {key: step.live["metadata"][key] for key in ("uid", "creationTimestamp")}
    outputs = outlook(step.asked.type if step.asked else "", {**inputs, "metadata": metadata})
    return State(step.key.id, outputs, _secret_outputs(step))


def _secret_outputs(step: Step) -> tuple[Path, ...]:
    more = step.asked.options.additional_secret_outputs if step.asked else ()
    return tuple(dict.fromkeys((*step.secrets, *((name,) for name in more))))


class Planner:
    """Makes the plan of one run: answers the program as it registers, then asks the server about what may differ.

    Args:
        force: take over fields that other managers apply.
        report: told how many objects the program has registered, and then about how many the server was asked.
    """

    def __init__(
        self,
        sites: Sites,
        selection: Selection,
        *,
        force: bool = False,
        report: Advance = lambda _done, _total: None,
    ) -> None:
        self._sites = sites
        self._selection = selection
        self._force = force
        self._report = report
        self._steps: list[Step] = []
        self._lock = threading.Lock()
        self._failure: GdccError | None = None

    def resolve(self, asked: Registration, provider: Registration | None) -> State:
        """Answer a registration while planning. What goes wrong is kept for `plan`, as the SDK would wrap it."""
        try:
            step = prepare(self._sites, asked, provider)
        except GdccError as error:
            self._failure = self._failure or error
            return State(asked.name, asked.inputs, asked.secrets)
        with self._lock:
            self._steps.append(step)
            self._report(len(self._steps), None)
        return foreseen(step)

    def plan(self, recording: Recording) -> Plan:
        """Ask the server about all that may differ, and find what the program no longer has.

        Raises:
            UnsupportedError: the program uses what only the Pulumi CLI can do.
            RefusedError: what the server or the engine refuses, all of it.
        """
        if recording.problems:
            raise UnsupportedError(recording.problems)
        if self._failure:
            raise self._failure
        problems = list(_twice(self._steps))
        around = Surroundings.of(self._steps)
        selected = [step for step in self._steps if self._selection.holds(step.urn, step.key)]
        pending = [step for step in selected if step.op is not Op.SAME]
        answers: dict[str, Step] = {}
        for step, told in self._ask_all(pending, around):
            if isinstance(told, Problem):
                problems.append(told)
            else:
                answers[step.urn] = told
        deletes = self.deletes()
        steps = [answers.get(step.urn, step) for step in selected] + deletes
        problems += protections(steps)
        problems += guard.foreign_contents(deletes)
        if problems:
            raise RefusedError(problems)
        return Plan(recording, steps)

    def deletes(self, *, everything: bool = False) -> list[Step]:
        """The live members that the program no longer has, or all of them."""
        asked = set() if everything else {(step.site, step.key) for step in self._steps}
        found = []
        for site in self._sites:
            for key, live in site.members().items():
                urn = (live["metadata"].get("annotations") or {}).get(URN, "")
                if (site, key) not in asked and self._selection.holds(urn, key):
                    found.append(Step(Op.DELETE, site, key, urn, live=live))
        return found

    def _ask_all(self, pending: list[Step], around: Surroundings) -> Iterator[tuple[Step, Step | Problem]]:
        """Ask about each step, and about those alike that have no namespace yet only once."""
        alike: dict[str, list[Step]] = {}
        for step in pending:
            text = likeness(step.manifest or {}) if is_elsewhere(step, around) else step.urn
            alike.setdefault(text, []).append(step)
        groups = list(alike.values())
        with ThreadPoolExecutor(CONNECTIONS, "ask") as pool:
            answers = pool.map(lambda group: self._ask(group[0], around), groups)
            for done, (group, told) in enumerate(zip(groups, answers, strict=True), 1):
                self._report(done, len(groups))
                yield group[0], told
                for step in group[1:]:
                    yield step, replace(told, where=str(step.key)) if isinstance(told, Problem) else step

    def _ask(self, step: Step, around: Surroundings) -> Step | Problem:
        try:
            return ask(step, around, force=self._force)
        except ApiError as error:
            return Problem.of(step.key, error)


def _twice(steps: list[Step]) -> Iterator[Problem]:
    seen: dict[Any, str] = {}
    for step in steps:
        first = seen.setdefault((step.site, step.key), step.urn)
        if first != step.urn:
            yield Problem(str(step.key), f"two resources of the program ask for it: {first} and {step.urn}")


def protections(steps: list[Step]) -> Iterator[Problem]:
    """The protected objects that a step would delete or replace."""
    for step in steps:
        if step.op in (Op.DELETE, Op.REPLACE) and PROTECT in marks_of(step.live):
            hint = "Set protect=False in the program and run `gdcc up` first; a tenant's namespace needs a tombstone"
            hint += " for that: `gdcc offboard` says how."
            yield Problem(str(step.key), f"is protected, and this run would {step.op} it", hint)
