"""Reading values out of what commands print."""

from __future__ import annotations

import re

from gdcc.nodes.check import Accept, Read
from gdcc.nodes.probe import Answer


def whole(answer: Answer) -> str:
    """All of it, on one line."""
    return " ".join(answer.output.split())


def code(answer: Answer) -> str:
    """How the command ended."""
    return str(answer.code)


def word_after(name: str) -> Read:
    """The rest of the line that begins with `name` in any case: `sshd -T`."""

    def read(answer: Answer) -> str:
        found = re.search(rf"^{re.escape(name)}\s+(.*)$", answer.output, re.MULTILINE | re.IGNORECASE)
        return found[1].strip() if found else ""

    return read


def assigned(name: str) -> Read:
    """The last value given to `name` by `name = value` or `name=value`; comments are none."""

    def read(answer: Answer) -> str:
        found = re.findall(rf"^\s*{re.escape(name)}\s*=\s*(.*?)\s*$", answer.output, re.MULTILINE)
        return str(found[-1]).strip('"') if found else ""

    return read


def unit(name: str) -> str:
    """The command that shows a systemd unit, for `unit_state`."""
    return f"systemctl show --property=LoadState,UnitFileState,ActiveState {name}"


def unit_state(answer: Answer) -> str:
    """Whether it is loaded or masked, enabled, and active: `loaded enabled active`."""
    fields = dict(line.split("=", 1) for line in answer.output.splitlines() if "=" in line)
    return " ".join(fields.get(name, "") for name in ("LoadState", "UnitFileState", "ActiveState")).strip()


def has_line(pattern: str) -> Read:
    """The first line in which `pattern` is found, without what surrounds it."""

    def read(answer: Answer) -> str:
        found = re.search(rf"^.*(?:{pattern}).*$", answer.output, re.MULTILINE)
        return " ".join(found[0].split()) if found else ""

    return read


def last_line(pattern: str) -> Read:
    """The last line in which `pattern` is found, where later lines win."""

    def read(answer: Answer) -> str:
        found = re.findall(rf"^.*(?:{pattern}).*$", answer.output, re.MULTILINE)
        return " ".join(found[-1].split()) if found else ""

    return read


def count(pattern: str) -> Read:
    """How many lines match `pattern`."""
    return lambda answer: str(len(re.findall(pattern, answer.output, re.MULTILINE)))


def clock_offset(answer: Answer) -> str:
    """How many seconds the clock is off by `chronyc -c tracking`, which says 0 for one that follows no source."""
    fields = answer.output.strip().split(",")
    return fields[4].lstrip("-") if len(fields) == 14 and fields[13] != "Not synchronised" else "not synchronised"


def at_most(limit: float) -> Accept:
    """Accepts a number that is no larger."""
    return lambda value: bool(re.fullmatch(r"-?[0-9.]+", value)) and float(value) <= limit


def at_least(limit: float) -> Accept:
    """Accepts a number that is no smaller."""
    return lambda value: bool(re.fullmatch(r"-?[0-9.]+", value)) and float(value) >= limit


def something(value: str) -> bool:
    """Accepts any value."""
    return bool(value)


def nothing(value: str) -> bool:
    """Accepts only that there is none."""
    return not value
