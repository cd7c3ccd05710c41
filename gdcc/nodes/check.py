"""A check of a node: where a setting can be seen, in force and on disk, and what it has to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gdcc.compliance.evidence import State
from gdcc.nodes.probe import Answer, Answers

Read = Callable[[Answer], str]
Accept = Callable[[str], bool]


@dataclass(frozen=True)
class View:
    """One place where a setting can be seen.

    Attributes:
        where: `in force` or `on disk`.
        command: shows it; only looks.
        read: the value in the answer; empty when it is not there.
        expected: what it should be, in words or as it is.
        accept: whether a value will do; equal to `expected` by default.
        own_kernel: only a node with a kernel of its own can show it; why.
        real_kernel: user-mode Linux cannot show it; why.
    """

    where: str
    command: str
    read: Read
    expected: str
    accept: Accept | None = None
    own_kernel: str = ""
    real_kernel: str = ""

    def accepts(self, value: str) -> bool:
        """Whether the value will do."""
        return self.accept(value) if self.accept else value == self.expected


@dataclass(frozen=True)
class Seen:
    """What a check saw on one node.

    Attributes:
        state: `PASS`, `FAIL`, or `NOT_RUN` when a place cannot be seen and no other is wrong.
        expected: what should be, by place.
        actual: what is, by place; with the reason where it cannot be seen.
        command: shows the same again.
    """

    state: State
    expected: str
    actual: str
    command: str


@dataclass(frozen=True)
class NodeCheck:
    """One thing that must hold on a node.

    Attributes:
        id: unique, `ssh-permitrootlogin`.
        control: of the catalogue, `GC-43`.
        title: what holds.
        views: every place where it shows.
        benchmark: rule ids of CIS Debian 12 (`D5.1.20`) and CIS Kubernetes (`K4.2.1`); provisional, as the draft of
            ComplianceAsCode numbers them.
    """

    id: str
    control: str
    title: str
    views: tuple[View, ...]
    benchmark: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """Everything to ask the node."""
        return tuple(view.command for view in self.views)

    def judge(self, answers: Answers) -> Seen:
        """What the node's answers say."""
        said, states = [], []
        for view in self.views:
            hidden = "" if answers.own_kernel else view.own_kernel
            if hidden := hidden or (view.real_kernel if answers.user_mode else ""):
                said.append(f"{view.where}: not seen, {hidden}")
                states.append(State.NOT_RUN)
                continue
            value = view.read(answers.of(view.command))
            said.append(f"{view.where}: {value or '(nothing)'}")
            states.append(State.PASS if view.accepts(value) else State.FAIL)
        state = next((worst for worst in (State.FAIL, State.NOT_RUN) if worst in states), State.PASS)
        expected = "; ".join(f"{view.where}: {view.expected}" for view in self.views)
        return Seen(state, expected, "; ".join(said), " ; ".join(dict.fromkeys(self.commands)))
