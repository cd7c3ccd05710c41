"""What applying one object would do, asked of the API server by a dry run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gdcc.engine import diff
from gdcc.engine.api import ApiError, served_or_raise
from gdcc.engine.diff import Change
from gdcc.engine.problems import Problem
from gdcc.engine.site import Site
from gdcc.engine.step import DEFINITION, NAMESPACE, Op, Step, defined_by, is_leaving
from gdcc.engine.values import UNKNOWN, Path

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
            frozenset(defined_by(step.manifest or {}) for step in steps if step.key.group_kind == DEFINITION),
        )


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
    if is_elsewhere(step, around):
        return _ask_elsewhere(step)
    namespace = step.key.namespace
    if namespace and not step.site.has_namespace(namespace):
        return Problem(str(step.key), f"namespace {namespace} does not exist, and the program does not make it")
    return _ask_in_place(step, force=force)


def is_elsewhere(step: Step, around: Surroundings) -> bool:
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


def _unknown_changes(path: Path, asked: Any) -> Iterator[Change]:
    if asked == UNKNOWN:
        yield Change(path, None, UNKNOWN)
    elif isinstance(asked, Mapping):
        for key, value in asked.items():
            yield from _unknown_changes((*path, key), value)
    elif isinstance(asked, list):
        for index, value in enumerate(asked):
            yield from _unknown_changes((*path, index), value)
