"""One file of ``stacks/`` as plain data that remembers where everything stood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gdcc.model.problems import Problem, Severity

Way = tuple[str | int, ...]
"""The way to a value: mapping keys and list indices."""

# Everything that moves the cursor, hides or reorders text on a reviewer's screen; tab and line ends are fine.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value stands and where its key stands; from 1, columns in characters."""

    line: int
    column: int
    key_line: int
    key_column: int


@dataclass(frozen=True, slots=True)
class Document:
    """One file as plain data: dict, list, str, int, float, bool, None."""

    file: str
    """Relative to the project, as problems name it."""
    data: object
    positions: Mapping[Way, Position]
    first_line: str = ""

    def problem(
        self, way: Way, message: str, suggestion: str = "", *, at_key: bool = False, severity: Severity = "error"
    ) -> Problem:
        """A problem at a value (or its key), or at its nearest ancestor that is in the file."""
        known = way
        while known and known not in self.positions:
            known = known[:-1]
        at = self.positions.get(known, Position(0, 0, 0, 0))
        key = at_key or known != way
        line, column = (at.key_line, at.key_column) if key else (at.line, at.column)
        return Problem(self.file, line, column, clip(spell(way)), clip(message), clip(suggestion), severity)


def spell(way: Way) -> str:
    """A way as people write it: ``services[2].name``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way).removeprefix(".")


def clip(text: str) -> str:
    """Text that fits a line or two: a value of a hundred thousand characters is not shown in full."""
    return text if len(text) <= 300 else f"{text[:200]} ... {text[-80:]}"


def printable(text: str) -> str:
    """Text that is safe on a terminal: control characters, and bytes of a file name that is not UTF-8, as escapes."""
    safe = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", safe.replace("\n", "\\n"))
