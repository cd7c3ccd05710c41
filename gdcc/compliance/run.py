"""The runner: every check of the controls asked about looks once, and each answer becomes a record of evidence."""

from __future__ import annotations

import platform
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gdcc.compliance.catalogue import Catalogue, Control
from gdcc.compliance.check import Check, Observation, Scene, Unreachable
from gdcc.compliance.evidence import Evidence, Run, State, Target
from gdcc.compliance.selection import Selection
from gdcc.compliance.waiving import Waivers, namespace_of
from gdcc.errors import GdccError
from gdcc.model.problems import Problem
from gdcc.model.waivers import Waiver
from gdcc.network import namespaces

MANUAL = "manual"
"""Stands for the check where a person has to look."""
_AT_ONCE = 4
"""Checks that look at the same time: they wait for the API server more than they compute."""

Advance = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        run: its first line.
        records: one for each control, check and observation.
        problems: waivers that should not be there.
        seconds: by check, how long it looked.
    """

    run: Run
    records: tuple[Evidence, ...]
    problems: tuple[Problem, ...]
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Inspection:
    """What to run.

    Attributes:
        waivers: those whose files have no errors.
        selection: the controls asked about.
        whole: whether the stack has every agency there is.
        facts: computed for `--since`; not asked for when the run is narrowed.
    """

    catalogue: Catalogue
    checks: Sequence[Check]
    scene: Scene
    waivers: Sequence[Waiver] = ()
    selection: Selection = field(default_factory=Selection)
    whole: bool = True
    facts: Callable[[Scene], Mapping[str, Any]] = lambda _: {}

    def run(self, advance: Advance = lambda done, total: None) -> Outcome:
        """Look at everything.

        Args:
            advance: is told how many checks are done, and of how many.

        Raises:
            GdccError: two checks have the same id.
        """
        started = datetime.now(UTC)
        known = _by_id(self.checks)
        controls = [one for one in self.catalogue.controls if self.selection.holds(self.catalogue, one)]
        wanted = list(dict.fromkeys(name for control in controls for name in control.checks))
        looks = self._look(wanted, known, advance)
        commit, tools = commit_of(self.scene.root), tools_of(self.scene)
        waivers = Waivers(self.waivers, self.scene.estate.today)
        records: list[Evidence] = []
        for control in controls:
            answers = [(name, looks[name]) for name in control.checks] or [(MANUAL, _manual(control, self.scene))]
            for name, look in answers:
                for seen in look.observations:
                    waiver = waivers.cover(control, seen.target) if seen.state is State.FAIL else ""
                    record = Evidence(
                        control=control.id,
                        check=name,
                        state=State.WAIVED if waiver else seen.state,
                        clauses=control.clauses,
                        target=seen.target,
                        expected=seen.expected,
                        actual=seen.actual,
                        command=seen.command,
                        time=look.at,
                        commit=commit,
                        tools=tools,
                        waiver=waiver,
                    )
                    records.append(record.sealed())
        problems = tuple(waivers.problems(records, self.scene.estate, whole=self.whole))
        run = Run(
            stack=self.scene.stack,
            cluster="" if isinstance(self.scene.api, Unreachable) else self.scene.api.server,
            started=started,
            commit=commit,
            tools=tools,
            ministries=dict(self.scene.estate.ministries),
            catalogue=self.catalogue,
            waivers=waivers.seen(problems),
            facts={} if self.selection.filters else self.facts(self.scene),
            filters=self.selection.filters,
        )
        return Outcome(run, tuple(records), problems, {name: look.seconds for name, look in looks.items()})

    def _look(self, wanted: Sequence[str], known: Mapping[str, Check], advance: Advance) -> dict[str, _Look]:
        owners = {one.name: one.tenant for one in namespaces(self.scene.estate)}

        def placed(seen: Observation) -> Observation:
            """An observation whose target says whose it is, also when the check did not."""
            owner = owners.get(namespace_of(seen.target))
            if owner is None or seen.target.agency:
                return seen
            whose = {"ministry": owner.ministry, "agency": owner.agency, "file": seen.target.file or owner.source}
            target = seen.target.model_copy(update=whose)
            return Observation(seen.state, target, seen.expected, seen.actual, seen.command)

        def one(name: str) -> _Look:
            look = _looked(known[name], self.scene) if name in known else _missing(name, self.scene)
            observations = sorted(map(placed, look.observations), key=lambda seen: (seen.target.kind, seen.target.name))
            return _Look(tuple(observations), look.at, look.seconds)

        looks: dict[str, _Look] = {}
        advance(0, len(wanted))
        with ThreadPoolExecutor(_AT_ONCE, "check") as pool:
            for name, look in zip(wanted, pool.map(one, wanted), strict=True):
                looks[name] = look
                advance(len(looks), len(wanted))
        return looks


@dataclass(frozen=True)
class _Look:
    """What one check saw, when, and how long it took in seconds."""

    observations: tuple[Observation, ...]
    at: datetime
    seconds: float = 0.0


def _looked(check: Check, scene: Scene) -> _Look:
    """Lets a check look; what it cannot answer is not run, whatever the reason."""
    at, began = datetime.now(UTC), time.monotonic()
    seen: list[Observation] = []
    try:
        seen.extend(check.look(scene))
        if not seen:
            seen.append(_not_run(scene, "the check said nothing of any target"))
    except GdccError as error:
        seen.append(_not_run(scene, error.message))
    except Exception as error:  # a check that breaks says nothing, and nobody may take that for a pass
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}, line {last.lineno}"
        seen.append(_not_run(scene, f"the check itself failed: {type(error).__name__}: {error} ({where})"))
    return _Look(tuple(seen), at, time.monotonic() - began)


def _missing(name: str, scene: Scene) -> _Look:
    return _Look((_not_run(scene, f"there is no check named `{name}`"),), datetime.now(UTC))


def _not_run(scene: Scene, reason: str) -> Observation:
    target = Target(kind="platform", name=scene.stack)
    return Observation(State.NOT_RUN, target, "an answer of this check", reason, f"gdcc comply --stack {scene.stack}")


def _manual(control: Control, scene: Scene) -> _Look:
    """The record of a control that a person has to look at."""
    reason = control.manual.en if control.manual else "no check answers it"
    target = Target(kind="platform", name=scene.stack)
    return _Look((Observation(State.MANUAL, target, control.statement.en, reason, ""),), datetime.now(UTC))


def _by_id(checks: Sequence[Check]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for check in checks:
        if check.id in found:
            raise GdccError(f"two checks are named `{check.id}`", "give one of them another id")
        found[check.id] = check
    return found


def tools_of(scene: Scene) -> dict[str, str]:
    """Versions of what looks and of what is looked at."""
    tools = {name: version(name) for name in ("gdcc", "pulumi", "pulumi-kubernetes", "pydantic")}
    tools["python"] = platform.python_version()
    if not isinstance(scene.api, Unreachable):
        try:
            tools["kubernetes"] = str(scene.api.request("GET", "/version")[1].get("gitVersion", ""))
        except GdccError as error:
            tools["kubernetes"] = f"unknown: {error.message}"
    return dict(sorted(tools.items()))


def commit_of(root: Path) -> str:
    """The project's commit, with `-dirty` when files differ from it; empty when there is none."""
    found = next(_git(root, "rev-parse", "--verify", "--quiet", "HEAD"), "")
    changed = any(_git(root, "status", "--porcelain", "--untracked-files=normal"))
    return f"{found}-dirty" if found and changed else found


def _git(root: Path, *arguments: str) -> Iterator[str]:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return
    if done.returncode == 0:
        yield from done.stdout.splitlines()
