"""Carries attacks out, those of the same walls together: taking a wall away costs a second, an attack a hundredth."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from tests.escape.attack import Answer, Attack
from tests.escape.identities import Actor
from tests.escape.walls import Walls

PATIENCE = 10.0
"""Seconds in which the API server notices that a wall has come or gone; it takes about one."""


@dataclass(frozen=True)
class Trial:
    """What came of an attack while some of its walls stood."""

    standing: tuple[str, ...]
    answer: Answer

    @property
    def as_it_should(self) -> bool:
        """Refused by a wall that stands, or done when none does."""
        if not self.standing:
            return self.answer.done
        return any(self.answer.refused_by(wall) for wall in self.standing)

    def __str__(self) -> str:
        standing = ", ".join(self.standing) or "nothing"
        told = "it was done" if self.answer.done else f"{self.answer.status}: {self.answer.message}"
        return f"with {standing} in the way: {told}"


class Campaign:
    """All attacks, carried out when first asked for."""

    def __init__(self, actors: Mapping[str, Actor], attacks: Iterable[Attack]) -> None:
        self._actors = actors
        self._attacks = tuple(attacks)
        self._walls = Walls(actors)
        self._trials: dict[str, list[Trial]] = {}

    def trials(self, attack: Attack) -> list[Trial]:
        """What came of an attack: with all its walls, with each alone, and with none."""
        if attack.name not in self._trials:
            together = [one for one in self._attacks if (one.walls, one.after) == (attack.walls, attack.after)]
            for standing in _states(attack.walls):
                for one, trial in zip(together, self._carry_out(together, standing), strict=True):
                    self._trials.setdefault(one.name, []).append(trial)
        return self._trials[attack.name]

    def _carry_out(self, attacks: list[Attack], standing: tuple[str, ...]) -> list[Trial]:
        actors = {attack.actor for attack in attacks}
        replaced: dict[str, str] = {}
        with ExitStack() as stack:
            for wall in (*attacks[0].walls, *attacks[0].after):
                if wall not in standing:
                    replaced |= stack.enter_context(self._walls.lifted(wall, actors))
            return [self._try(attack, standing, replaced) for attack in attacks]

    def _try(self, attack: Attack, standing: tuple[str, ...], replaced: Mapping[str, str]) -> Trial:
        actor = self._actors[replaced.get(attack.actor, attack.actor)]
        request = attack.twin if attack.twin and not standing else attack.request
        deadline = time.monotonic() + PATIENCE
        while True:
            trial = Trial(standing, actor.send(request))
            if trial.as_it_should or time.monotonic() > deadline:
                return trial
            time.sleep(0.1)


def _states(walls: tuple[str, ...]) -> list[tuple[str, ...]]:
    alone = [(wall,) for wall in walls] if len(walls) > 1 else []
    return [walls, *alone, ()]
