"""Undoing settings one after another in one connection, with a look at everything while each is undone."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence

from testinfra.host import Host

from gdcc.nodes.probe import CONTAINER, Answer, Answers

# Each command in a shell of its own, as `gdcc.nodes.probe.ask` runs it; what follows is run even when one fails.
_TOLD = 'told() {{ ( eval "$1" ) </dev/null 2>&1; echo {mark} $?; }}'


def rounds(
    host: Host, mutations: Sequence[tuple[str, str]], commands: Sequence[str]
) -> Iterator[tuple[Answer, Answers, Answer]]:
    """Undo, look and mend, for each of `mutations`.

    Yields:
        The answer of what undoes, the answers of `commands` while it is undone, and that of what mends.
    """
    wanted = list(dict.fromkeys([CONTAINER, *commands]))
    mark = secrets.token_hex(16)
    lines = ["export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    lines += [_TOLD.format(mark=mark), "look() {", *(f"told {shlex.quote(command)}" for command in wanted), "}"]
    for undo, mend in mutations:
        lines += [f"told {shlex.quote(undo)}", "look", f"told {shlex.quote(mend)}"]
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
