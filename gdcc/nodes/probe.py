"""Asking a node: all commands of all checks in one connection, each command once."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from testinfra.host import Host

CONTAINER = "systemd-detect-virt --container"
"""Prints what kind of container the node is in; `none` when it has a kernel of its own."""

MACHINE = "systemd-detect-virt --vm"
"""Prints what kind of virtual machine the node is; `uml` for a guest of ours (user-mode Linux)."""

ENVIRONMENT = "export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What every command is asked in, whatever the node's own settings."""


@dataclass(frozen=True)
class Answer:
    """What a command said.

    Attributes:
        code: how it ended.
        output: both its outputs, as they came.
    """

    code: int
    output: str


@dataclass(frozen=True)
class Answers:
    """What a node said at one moment.

    Attributes:
        by_command: every command that was asked.
    """

    by_command: Mapping[str, Answer]

    def of(self, command: str) -> Answer:
        """The answer to a command that was asked."""
        return self.by_command[command]

    @property
    def own_kernel(self) -> bool:
        """Whether the kernel's values, audit and modules are the node's own."""
        return self.by_command[CONTAINER].output.strip() == "none"

    @property
    def user_mode(self) -> bool:
        """Whether the node's kernel is user-mode Linux, which lacks some of a real one."""
        return MACHINE in self.by_command and self.by_command[MACHINE].output.strip() == "uml"


class SilentError(Exception):
    """The node could not be asked; its text says why."""


def ask(host: Host, commands: Iterable[str]) -> Answers:
    """Run commands on a node as root, one after another.

    Args:
        host: a testinfra host whose commands run as root (`sudo=True`).
        commands: shell commands that only look.

    Raises:
        SilentError: no connection, or no sudo.
    """
    wanted = list(dict.fromkeys([CONTAINER, MACHINE, *commands]))
    mark = secrets.token_hex(16)
    parts = [ENVIRONMENT]
    parts += [f"echo {mark}\n( {command}\n) </dev/null 2>&1\necho {mark} $?" for command in wanted]
    try:
        said = host.run("sh -c %s", "\n".join(parts))
    except Exception as error:
        raise SilentError(str(error) or type(error).__name__) from error
    pieces = said.stdout.split(mark)[1:]
    if len(pieces) < 2 * len(wanted):
        raise SilentError((said.stderr or said.stdout).strip() or f"the connection ended with {said.rc}")
    found = {}
    for index, command in enumerate(wanted):
        output, code = pieces[2 * index], pieces[2 * index + 1].split("\n", 1)[0]
        found[command] = Answer(int(code), output.removeprefix("\n"))
    return Answers(found)
