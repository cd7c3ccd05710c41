"""Undoing settings one after another in one connection, with a look at everything while each is undone."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from testinfra.host import Host

from gdcc.compliance.evidence import State
from gdcc.nodes.check import NodeCheck
from gdcc.nodes.probe import CONTAINER, ENVIRONMENT, Answer, Answers
from tests.nodes.mutations import Mutation

# Each command in a shell of its own, as `gdcc.nodes.probe.ask` runs it; what follows is run even when one fails.
_TOLD = 'told() {{ ( eval "$1" ) </dev/null 2>&1; echo {mark} $?; }}'


@dataclass(frozen=True)
class Undone:
    """What was seen while one setting was undone; the other settings were as they should be."""

    undo: Answer
    mend: Answer
    failing: frozenset[str]


def undone(
    host: Host, mutations: Mapping[str, Mutation], checks: Sequence[NodeCheck], wrong: Collection[State]
) -> dict[str, Undone]:
    """For each mutation, which of the checks, looked at in their order, fail: their state is one that is `wrong`."""
    asked = [command for one in checks for command in one.commands]
    found = {}
    for name, (undo, answers, mend) in zip(mutations, _rounds(host, mutations.values(), asked), strict=True):
        failing = frozenset(one.id for one in checks if one.judge(answers).state in wrong)
        found[name] = Undone(undo, mend, failing)
    return found


def _rounds(
    host: Host, mutations: Collection[Mutation], commands: Sequence[str]
) -> Iterator[tuple[Answer, Answers, Answer]]:
    """Undo, look and mend, for each of `mutations`.

    Yields:
        The answer of what undoes, the answers of `commands` while it is undone, and that of what mends.
    """
    wanted = list(dict.fromkeys([CONTAINER, *commands]))
    mark = secrets.token_hex(16)
    lines = [ENVIRONMENT]
    lines += [_TOLD.format(mark=mark), "look() {", *(f"told {shlex.quote(command)}" for command in wanted), "}"]
    for one in mutations:
        lines += [f"told {shlex.quote(one.undo)}", "look", f"told {shlex.quote(one.mend)}"]
    said = host.run("sh -c %s", "\n".join(lines)).stdout
    answers = []
    rest = said
    while mark in rest:
        output, rest = rest.split(mark, 1)
        code, _, rest = rest.partition("\n")
        answers.append(Answer(int(code), output))
    each = len(wanted) + 2
    assert len(answers) == each * len(mutations), f"the connection ended after {len(answers)} answers: {said[-500:]}"
    for number in range(len(mutations)):
        undo_said, *looked, mend_said = answers[number * each : (number + 1) * each]
        yield undo_said, Answers(dict(zip(wanted, looked, strict=True))), mend_said
