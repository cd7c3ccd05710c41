"""The policy pack in its own process, asked as an engine asks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gdcc.engine.monitor import Recording
from gdcc.engine.policy import Pack
from gdcc.engine.problems import Problem
from gdcc.engine.program import Program
from gdcc.engine.registration import Options, Registration
from gdcc.engine.values import UNKNOWN
from tests.checkout import REPOSITORY
from tests.policies.examples import Example

PACK = REPOSITORY / "policies"
CONFIG = {"gdcc:agencies": '["moph/ddc", "moph/dms"]'}


def program(directory: Path = REPOSITORY, config: Mapping[str, str] = CONFIG) -> Program:
    return Program(directory, "gdcc", "test", dict(config))


def registered(manifest: Mapping[str, Any], name: str, **options: Any) -> Registration:
    """An object as a program registers it."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    type_ = f"kubernetes:{group or 'core'}/{version}:{manifest['kind']}"
    urn = f"urn:pulumi:test::gdcc::{type_}::{name}"
    return Registration(urn, type_, name, True, "", dict(manifest), options=Options(**options))


def recorded(registrations: Iterable[Registration]) -> Recording:
    return Recording({each.urn: each for each in registrations})


class Said:
    """What the pack says of many objects at once, by URN."""

    def __init__(self, registrations: Iterable[Registration], folder: Path = PACK) -> None:
        pack = Pack(folder, program(), preview=True)
        try:
            verdict = pack.judge(recorded(registrations))
        finally:
            pack.close()
        self.violations = _by_urn(verdict.violations)
        self.advice = _by_urn(verdict.advice)
        self.asked = verdict.asked


def _by_urn(problems: Iterable[Problem]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        text, _, urn = problem.message.partition(" (urn:")
        found[f"urn:{urn.removesuffix(')')}" if urn else ""].append(text)
    return found


def of_examples(chosen: Iterable[Example]) -> Said:
    """What it says of examples, each registered under its id."""
    return Said(registered(each.with_unknowns(UNKNOWN), each.id.replace(" ", "-"), protect=True) for each in chosen)


def urn_of(example: Example) -> str:
    return registered(example.manifest, example.id.replace(" ", "-")).urn
