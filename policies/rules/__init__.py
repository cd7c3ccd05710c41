"""Every rule, and the one question to ask of a manifest: `findings`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from policies.rules import (
    containers,
    host,
    images,
    namespaces,
    placement,
    pods,
    rights,
    routing,
    storage,
    walls,
)
from policies.rules.rule import Finding, Parameters, Place, Rule, Subject, subject_of
from policies.rules.sets import SETS, SetRule
from policies.rules.view import UNKNOWN

__all__ = ["RULES", "SETS", "UNKNOWN", "Finding", "Parameters", "Place", "Rule", "SetRule", "Subject", "findings"]

RULES: tuple[Rule, ...] = tuple(
    rule
    for topic in (namespaces, host, pods, containers, images, placement, storage, routing, rights, walls)
    for rule in topic.RULES
)
"""Those about one object each."""


def findings(
    manifest: Mapping[str, Any],
    parameters: Parameters,
    place: Place | None = None,
    *,
    stored: bool = False,
    rules: Iterable[Rule] = RULES,
) -> list[Finding]:
    """Everything that the rules say of an object, unknown values included.

    Args:
        place: the namespace it is in; a Namespace is its own.
        stored: whether it is as the API server keeps it, with defaults filled in.
    """
    subject = subject_of(manifest, parameters, place, stored=stored)
    return [finding for rule in rules for finding in rule.look(subject)]
