"""What the server or the engine refuses: found for all objects, told together, before anything changes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from gdcc.engine.api import ApiError, Key
from gdcc.errors import FindingError

_SHOWN = 20


@dataclass(frozen=True)
class Problem:
    """One object that cannot be as the program asks.

    Attributes:
        where: the object, as `Kind namespace/name`.
        message: what is wrong.
        hint: what to do about it.
        group: problems of one cause share it, so that a thousand refusals read as one.
    """

    where: str
    message: str
    hint: str = ""
    group: str = ""

    @classmethod
    def of(cls, key: Key, error: ApiError) -> Problem:
        """The server's refusal of one object."""
        message = error.message.partition(": ")[2] or error.message
        group = f"{error.status} {key.group_kind}" if error.status in (401, 403) else ""
        return cls(str(key), message, error.hint, group)


class RefusedError(FindingError):
    """The plan cannot be carried out; nothing was changed."""

    def __init__(self, problems: list[Problem]) -> None:
        groups: dict[str, list[Problem]] = defaultdict(list)
        for problem in problems:
            groups[problem.group or f"{problem.where} {problem.message}"].append(problem)
        lines = []
        for alike in list(groups.values())[:_SHOWN]:
            more = f" (and {len(alike) - 1} more like it)" if len(alike) > 1 else ""
            lines.append(f"  {alike[0].where}: {alike[0].message}{more}")
        if len(groups) > _SHOWN:
            lines.append(f"  ... and {len(groups) - _SHOWN} more")
        hints = list(dict.fromkeys(problem.hint for problem in problems if problem.hint))
        count = f"{len(problems)} object{'s' if len(problems) > 1 else ''}"
        super().__init__("refused, nothing was changed: " + count + "\n" + "\n".join(lines), "\n".join(hints))
        self.problems = problems
        if all(problem.group.startswith(("401", "403")) for problem in problems):
            self.exit_code = 2
