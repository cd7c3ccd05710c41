"""Carries a plan out: applies in the order of dependence, deletes last, and can say at any point what was done."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter

from gdcc.engine.api import CONNECTIONS, ApiError, Key, Object, Served, served_or_raise
from gdcc.engine.applyset import OPTIONS, PART_OF, URN
from gdcc.engine.registration import Registration
from gdcc.engine.site import Site
from gdcc.engine.step import DEFINITION, NAMESPACE, Op, Plan, Step, defined_by, is_leaving
from gdcc.errors import GdccError

GONE_TIMEOUT = 600
"""Seconds to wait for what is deleted to be gone."""
_DEFINED_TIMEOUT = 60
_RETRIES = 5


@dataclass
class Outcome:
    """What came of a plan.

    Attributes:
        done: the steps that were carried out, in that order, each with its object as it is now.
        failed: the steps that the server refused, with its words.
    """

    done: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, GdccError]] = field(default_factory=list)


class IncompleteError(GdccError):
    """An update ended before its plan was carried out; what is done stays, and a new run goes on from there."""

    def __init__(self, plan: Plan, outcome: Outcome, cause: str) -> None:
        done = {step.urn for step in outcome.done}
        failed = {step.urn for step, _ in outcome.failed}
        left = [step for step in plan.changing if step.urn not in done and step.urn not in failed]
        lines = [f"  {step.op} {step.key}: failed: {error.message}" for step, error in outcome.failed[:10]]
        lines += [f"  {step.op} {step.key}: not done" for step in left[:10]]
        if len(left) > 10:
            lines.append(f"  ... and {len(left) - 10} more not done")
        super().__init__(
            f"{cause}: {len(outcome.done)} of {len(plan.changing)} changes are done, {len(left) + len(failed)} not\n"
            + "\n".join(lines),
            next(
                (error.hint for _, error in outcome.failed if error.hint), "Run it again: it goes on from what is done."
            ),
        )
        self.outcome = outcome


class Executor:
    """Carries out one plan.

    Args:
        may_go_on: raises when it must stop, because the lock is lost.
        report: called with the number of steps that were carried out.
    """

    def __init__(self, plan: Plan, may_go_on: Callable[[], None], report: Callable[[int], None]) -> None:
        self.plan = plan
        self.outcome = Outcome()
        self._may_go_on = may_go_on
        self._report = report
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Begin no further step."""
        self._stop.set()

    def carry_out(self, step: Step) -> Step:
        """Carry out one step and note what came of it.

        Raises:
            GdccError: it failed, or the run is stopped.
        """
        if self._stop.is_set():
            raise GdccError("stopped")
        try:
            self._may_go_on()
            done = replace(step, live=perform(step))
        except GdccError as error:
            self._stop.set()
            with self._lock:
                self.outcome.failed.append((step, error))
            raise
        with self._lock:
            self.outcome.done.append(done)
            self._report(len(self.outcome.done))
        return done

    def apply_all(self) -> None:
        """Apply what the plan creates, updates and replaces, each after what it depends on.

        Raises:
            IncompleteError: a step failed; those that had begun were ended.
        """
        steps = {step.urn: step for step in self.plan.of(Op.CREATE, Op.UPDATE, Op.REPLACE)}
        order = TopologicalSorter(dependencies(steps.values(), self.plan.recording.registrations))
        try:
            order.prepare()
        except CycleError as error:
            raise GdccError(f"these resources depend on each other: {' -> '.join(error.args[1])}") from error
        finished: queue.SimpleQueue[tuple[str, Future[Step]]] = queue.SimpleQueue()
        running = 0
        with ThreadPoolExecutor(CONNECTIONS, "apply") as pool:
            try:
                while order.is_active():
                    for urn in () if self._stop.is_set() else order.get_ready():
                        running += 1
                        pool.submit(self.carry_out, steps[urn]).add_done_callback(partial(_note, finished, urn))
                    if not running:
                        break
                    urn, future = finished.get()
                    running -= 1
                    if _succeeded(future):
                        order.done(urn)
            except BaseException:
                self._stop.set()
                raise
        self.raise_if_failed()

    def delete_all(self) -> None:
        """Delete what the program no longer has, namespaces and definitions last, and wait until it is gone.

        Raises:
            IncompleteError: a step failed.
        """
        deletes = self.plan.of(Op.DELETE)
        doomed = {
            (step.site, step.key.name) for step in deletes if step.key.group_kind == NAMESPACE and not step.retained
        }
        cascading = [step for step in deletes if (step.site, step.key.namespace) in doomed]
        others = [step for step in deletes if (step.site, step.key.namespace) not in doomed]
        last = [step for step in others if step.key.group_kind in (NAMESPACE, DEFINITION)]
        for phase in ([step for step in others if step not in last], last):
            with ThreadPoolExecutor(CONNECTIONS, "delete") as pool:
                for future in [pool.submit(self.carry_out, step) for step in phase]:
                    _succeeded(future)
            self.raise_if_failed()
        self._wait_until_gone([step for step in (*others, *cascading) if not step.retained])
        self.outcome.done.extend(cascading)
        self._report(len(self.outcome.done))

    def _wait_until_gone(self, steps: list[Step]) -> None:
        deadline = time.monotonic() + GONE_TIMEOUT
        left = {(step.site, step.key): step for step in steps}
        while left:
            try:
                self._may_go_on()
                present = {pair for pair in _present(left) if pair in left}
            except GdccError as error:
                raise IncompleteError(self.plan, self.outcome, error.message) from error
            left = {pair: left[pair] for pair in left if pair in present}
            if left and time.monotonic() > deadline:
                names = ", ".join(str(key) for _, key in list(left)[:5])
                raise IncompleteError(
                    self.plan,
                    self.outcome,
                    f"{len(left)} deleted objects are still there after {GONE_TIMEOUT} s, held by finalizers: {names}",
                )
            if left:
                time.sleep(0.3)

    def raise_if_failed(self) -> None:
        """Say what was done and what was not, when a step failed."""
        if self.outcome.failed:
            first = self.outcome.failed[0][1]
            lost = not isinstance(first, ApiError)
            raise IncompleteError(
                self.plan, self.outcome, first.message if lost else "the API server refused a change"
            ) from first
        if self._stop.is_set():
            raise IncompleteError(self.plan, self.outcome, "interrupted")


def _note(finished: queue.SimpleQueue[tuple[str, Future[Step]]], urn: str, future: Future[Step]) -> None:
    finished.put((urn, future))


def _succeeded(future: Future[Step]) -> bool:
    """Whether a step was carried out; a refusal is in the outcome already, anything else is a defect and is raised."""
    error = future.exception()
    if error is not None and not isinstance(error, GdccError):
        raise error
    return error is None


def _present(left: Mapping[tuple[Site, Key], Step]) -> Iterable[tuple[Site, Key]]:
    """Those of the deleted objects (by uid) that are still there."""
    for site, group_kind in {(site, key.group_kind) for site, key in left}:
        served = site.api.preferred(group_kind)
        if served is None:
            continue
        try:
            listed = list(site.api.list(served, selector=site.applyset.selector, metadata_only=True))
        except ApiError as error:
            if error.status == 404:
                continue  # its definition went, and all of the kind with it
            raise
        for live in listed:
            key = Key(group_kind, live["metadata"].get("namespace", ""), live["metadata"]["name"])
            step = left.get((site, key))
            if step and step.live and step.live["metadata"]["uid"] == live["metadata"]["uid"]:
                yield site, key


def dependencies(steps: Iterable[Step], registrations: Mapping[str, Registration]) -> dict[str, set[str]]:
    """For each step the steps that come before it.

    Those that the program says (`depends_on`, outputs used, parents), a namespace before what is in it, and a
    definition before its objects.
    """
    steps = list(steps)
    known = {step.urn for step in steps}
    namespaces = {(step.site, step.key.name): step.urn for step in steps if step.key.group_kind == NAMESPACE}
    definitions = {
        (step.site, defined_by(step.manifest)): step.urn
        for step in steps
        if step.key.group_kind == DEFINITION and step.manifest
    }
    graph: dict[str, set[str]] = {}
    for step in steps:
        before = set(step.asked.dependencies) if step.asked else set()
        parent = step.asked.parent if step.asked else ""
        while parent:
            before.add(parent)
            parent = registrations[parent].parent if parent in registrations else ""
        before.add(namespaces.get((step.site, step.key.namespace), ""))
        before.add(definitions.get((step.site, step.key.group_kind), ""))
        graph[step.urn] = (before & known) - {step.urn}
    return graph


def perform(step: Step) -> Object | None:
    """Make one change in the cluster; returns the object as it is then."""
    if step.op is Op.DELETE:
        _release(step) if step.retained else _delete(step)
        return step.live
    if step.op is Op.REPLACE or is_leaving(step.live):
        _delete(step)
        _wait_for_absence(step)
    return _apply(step)


def _apply(step: Step) -> Object:
    """Apply, again after a moment when the server says that it was a race."""
    manifest = step.manifest or {}
    for attempt in range(_RETRIES):
        served = step.site.api.served(step.kind) or _defined(step)
        try:
            return step.site.api.apply(served, manifest, force=step.force)[1]
        except ApiError as error:
            race = error.status == 409 and not error.causes  # written at the same time; no field conflict
            unserved = error.status == 404 and step.op is Op.CREATE  # just defined, or its namespace is
            leaving = error.status == 403 and "being terminated" in error.message
            if attempt == _RETRIES - 1 or not (race or unserved or leaving):
                raise
            time.sleep(0.2 * 2**attempt)
    raise AssertionError


def _defined(step: Step) -> Served:
    """Wait until a kind that was just defined is served."""
    deadline = time.monotonic() + _DEFINED_TIMEOUT
    while (served := step.site.api.served(step.kind)) is None and time.monotonic() < deadline:
        time.sleep(0.3)
        step.site.api.discover()
    return served or served_or_raise(step.site.api, step.kind)


def _delete(step: Step) -> None:
    served = step.site.api.preferred(step.key.group_kind)
    if served and step.live:
        step.site.api.delete(served, step.key.namespace, step.key.name, step.live["metadata"]["uid"])


def _wait_for_absence(step: Step) -> None:
    served = step.site.api.preferred(step.key.group_kind)
    uid = (step.live or {})["metadata"]["uid"]
    deadline = time.monotonic() + GONE_TIMEOUT
    while served and (live := step.site.api.get(served, step.key.namespace, step.key.name)):
        if live["metadata"]["uid"] != uid:
            return
        if time.monotonic() > deadline:
            raise GdccError(f"{step.key} is still being deleted after {GONE_TIMEOUT} s", "See its finalizers.")
        time.sleep(0.2)


def _release(step: Step) -> None:
    """End the membership of an object that stays."""
    served = step.site.api.preferred(step.key.group_kind)
    if served and step.live:
        marks = {"labels": {PART_OF: None}, "annotations": {URN: None, OPTIONS: None}}
        body = {"metadata": {**marks, "uid": step.live["metadata"]["uid"]}}
        path = served.path(step.key.namespace, step.key.name)
        try:
            step.site.api.request("PATCH", path, {"fieldManager": "gdcc"}, body, "application/merge-patch+json")
        except ApiError as error:
            if error.status != 404:
                raise
