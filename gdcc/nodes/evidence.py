"""The checks of nodes as checks of compliance: a node is asked once, whatever the number of checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.evidence import State, Target
from gdcc.nodes.check import NodeCheck
from gdcc.nodes.checks import CHECKS, Result, look

OPTION = "nodes"
"""The scene's option that names the inventory."""


@dataclass
class _Round:
    """The results of the scene that was looked at last; held with it, so that another is never taken for it."""

    scene: Scene | None = None
    results: dict[str, list[Result]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def of(self, scene: Scene, inventory: Path) -> dict[str, list[Result]]:
        with self.lock:  # checks look at the same time
            if self.scene is not scene:
                found: dict[str, list[Result]] = {check.id: [] for check in CHECKS}
                for result in look(inventory):
                    found[result.check.id].append(result)
                self.scene, self.results = scene, found
            return self.results


_ROUND = _Round()


def _observe(check: NodeCheck, scene: Scene) -> Iterable[Observation]:
    inventory = scene.options.get(OPTION)
    if inventory is None:
        expected = "; ".join(f"{view.where}: {view.expected}" for view in check.views)
        reason = "no inventory of nodes was given: gdcc comply --nodes INVENTORY"
        everyone = Target(kind="node", name="every node")
        yield Observation(State.NOT_RUN, everyone, expected, reason, " ; ".join(check.commands))
        return
    for result in _ROUND.of(scene, Path(inventory))[check.id]:
        seen = result.seen
        target = Target(kind="node", name=result.node)
        yield Observation(seen.state, target, seen.expected, seen.actual, seen.command)


NODE_CHECKS: tuple[Check, ...] = tuple(Check(f"node-{check.id}", partial(_observe, check)) for check in CHECKS)
"""One for each of `gdcc.nodes.checks.CHECKS`, its id with `node-` before it."""
