"""What is wrong in the files people write: where, what, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gdcc.errors import FindingError

MOST_PROBLEMS = 100
"""Of one file; who has that many corrects some and asks again."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct, or (a warning) to look at. Problems sort in the order a reader meets them."""

    file: str
    """Relative to the project, with forward slashes."""
    line: int
    """From 1; 0 when the whole file is meant."""
    column: int
    """From 1, in characters."""
    field: str
    """Dotted path, ``owner.email`` or ``services[2]``; empty when the whole file is meant."""
    message: str
    suggestion: str = ""
    """What to write instead, to be read after "write"."""
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """``file:line:column``, the form that editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        subject = f"{self.field}: " if self.field else ""
        remedy = f"; write {self.suggestion}" if self.suggestion else ""
        return f"{self.place}: {subject}{self.message}{remedy}"


class StackError(FindingError):
    """The files under ``stacks/`` cannot be used; holds every problem found, sorted.

    Args:
        problems: at least one, in any order; repeated ones are told once.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems), "run `gdcc validate` after correcting")


def nearest(written: str, allowed: Iterable[str]) -> str:
    """What to write instead of a name that does not exist: the nearest one, else all of them (up to 12)."""
    names = sorted(allowed)
    near = difflib.get_close_matches(written, names, n=1, cutoff=0.55)
    if near:
        return f"`{near[0]}`"
    if not names:
        return ""
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return f"one of {shown}" + (", ..." if len(names) > 12 else "")
