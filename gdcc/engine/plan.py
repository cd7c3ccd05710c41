"""What an update would do, object by object, asked of the API server itself before anything changes."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from gdcc.engine import diff, guard
from gdcc.engine.api import CONNECTIONS, ApiError, key_of, served_or_raise
from gdcc.engine.applyset import URN
from gdcc.engine.diff import Change
from gdcc.engine.likeness import likeness
from gdcc.engine.manifest import manifest_of
from gdcc.engine.monitor import Recording, State
from gdcc.engine.outlook import outlook
from gdcc.engine.problems import Problem, RefusedError
from gdcc.engine.progress import Advance
from gdcc.engine.registration import Registration
from gdcc.engine.site import Site, Sites
from gdcc.engine.step import DEFINITION, NAMESPACE, PROTECT, RETAIN, Op, Plan, Selection, Step, is_leaving, marks_of
from gdcc.engine.support import UnsupportedError
from gdcc.engine.values import UNKNOWN, Path
from gdcc.errors import GdccError

_STAND_IN = "default"
"""The namespace in which objects are checked whose own namespace is not there yet."""
_IMMUTABLE = re.compile(r"immutable|cannot change|may not be changed|updates to .* are forbidden", re.IGNORECASE)
_CONFLICT = re.compile(
    r'conflict with "(?P<manager>[^"]*)"(?P<subresource> with subresource "[^"]*")?(?P<update> using )?'
)
_TAKE_OVER = "Agree with its owner who sets it, or take it over with --force-conflicts."


@dataclass(frozen=True)
class Surroundings:
    """What the program itself brings about that an object may need.

    Attributes:
        namespaces: the namespaces that it makes.
        definitions: `Kind.group` names that its CustomResourceDefinitions define.
    """

    namespaces: frozenset[tuple[Site, str]]
    definitions: frozenset[str]

    @classmethod
    def of(cls, steps: list[Step]) -> Surroundings:
        """Those of a program's steps."""
        return cls(
            frozenset((step.site, step.key.name) for step in steps if step.key.group_kind == NAMESPACE),
            frozenset(_defined(step.manifest or {}) for step in steps if step.key.group_kind == DEFINITION),
        )


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
    return State(_id(step), outputs, _secret_outputs(step))


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
    return State(_id(step), outputs, _secret_outputs(step))


def _id(step: Step) -> str:
    return f"{step.key.namespace}/{step.key.name}" if step.key.namespace else step.key.name


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
            text = likeness(step.manifest or {}) if _is_elsewhere(step, around) else step.urn
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


def ask(step: Step, around: Surroundings, *, force: bool) -> Step | Problem:
    """Ask the server, by a dry run, what applying an object would do; nothing is changed.

    Args:
        force: take over fields that other managers apply.
    """
    if step.asked is None or step.manifest is None:
        return step
    if step.asked.unknown:
        changes = tuple(_unknown_changes((), step.manifest)) if step.op is Op.UPDATE else ()
        return replace(step, changes=changes, force=force)
    if step.key.group_kind in around.definitions and step.site.api.served(step.kind) is None:
        return step
    if is_leaving(step.live):
        return step
    if _is_elsewhere(step, around):
        return _ask_elsewhere(step)
    namespace = step.key.namespace
    if namespace and not step.site.has_namespace(namespace):
        return Problem(str(step.key), f"namespace {namespace} does not exist, and the program does not make it")
    return _ask_in_place(step, force=force)


def _is_elsewhere(step: Step, around: Surroundings) -> bool:
    """Whether an object's namespace is still to be made by the program, so that it cannot be tried in its place."""
    namespace = step.key.namespace
    known = step.asked is not None and not step.asked.unknown and step.site.api.served(step.kind) is not None
    return known and (step.site, namespace) in around.namespaces and not step.site.has_namespace(namespace)


def _ask_elsewhere(step: Step) -> Step:
    """Check the schema of an object whose own namespace is not there yet, in one that is."""
    manifest = step.manifest or {}
    manifest = {**manifest, "metadata": {**manifest["metadata"], "namespace": _STAND_IN}}
    try:
        step.site.api.apply(served_or_raise(step.site.api, step.kind), manifest, dry_run=True, force=True)
    except ApiError as error:
        # An object of that name in the stand-in says nothing about this one.
        if not _IMMUTABLE.search(error.message):
            raise
    return step


def _ask_in_place(step: Step, *, force: bool) -> Step | Problem:
    api, served, manifest, live = (
        step.site.api,
        served_or_raise(step.site.api, step.kind),
        step.manifest or {},
        step.live,
    )
    if live is None or live["apiVersion"] != manifest["apiVersion"]:
        live = api.get(served, step.key.namespace, step.key.name)
    owner = step.site.owner(live) if live else ""
    if owner not in ("", step.site.applyset.id) and not force:
        return Problem(str(step.key), f"belongs to another ApplySet, {owner}", _TAKE_OVER, owner)
    try:
        try:
            _, result = api.apply(served, manifest, dry_run=True, force=force)
        except ApiError as error:
            if error.reason != "Conflict":
                raise
            if conflicts := _conflicts(error, member=bool(owner)):
                return Problem(str(step.key), conflicts, _TAKE_OVER)
            force = True
            _, result = api.apply(served, manifest, dry_run=True, force=True)
    except ApiError as error:
        if live is None or error.status not in (403, 422) or not _IMMUTABLE.search(error.message):
            raise
        changes = tuple(diff.changes(live, diff.overlaid(live, manifest)))
        return replace(step, op=Op.REPLACE, live=live, changes=changes, force=force)
    if live is None:
        return replace(step, op=Op.CREATE)
    changes = tuple(diff.changes(live, result))
    if not changes:
        return replace(step, op=Op.SAME, live=live)
    on = step.asked.options.replace_on_changes if step.asked else ()
    op = Op.REPLACE if any(diff.touches(change, on) for change in changes) else Op.UPDATE
    return replace(step, op=op, live=live, changes=changes, force=force)


def _conflicts(error: ApiError, *, member: bool) -> str:
    """The fields that somebody else sets, as a sentence; "" when all are edits by hand of an object of ours.

    What a person wrote over a member (`kubectl edit`, `label`, `patch`: an Update) is drift, and is put right. What
    another tool applies, a controller writes through a subresource, or anyone wrote on an object that is not of this
    stack, is theirs until someone decides otherwise.
    """
    found = []
    for cause in error.causes:
        match = _CONFLICT.search(cause.get("message", ""))
        if member and match and match["update"] and not match["subresource"]:
            continue
        manager = match["manager"] if match else cause.get("message", "another manager")
        found.append(f"{cause.get('field', '').removeprefix('.')} is set by {manager}")
    return "; ".join(found) if found or error.causes else error.message


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
            hint = "Set protect=False in the program and run `gdcc up` first."
            yield Problem(str(step.key), f"is protected, and this run would {step.op} it", hint)


def _defined(definition: Mapping[str, Any]) -> str:
    spec = definition.get("spec") or {}
    return f"{(spec.get('names') or {}).get('kind')}.{spec.get('group')}"


def _unknown_changes(path: Path, asked: Any) -> Iterator[Change]:
    if asked == UNKNOWN:
        yield Change(path, None, UNKNOWN)
    elif isinstance(asked, Mapping):
        for key, value in asked.items():
            yield from _unknown_changes((*path, key), value)
    elif isinstance(asked, list):
        for index, value in enumerate(asked):
            yield from _unknown_changes((*path, index), value)
