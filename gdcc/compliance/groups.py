"""Records that say the same, told together, so that thirty thousand can be read, and each is still counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gdcc.compliance.evidence import Evidence, State

WORST = (State.FAIL, State.NOT_RUN, State.MANUAL, State.WAIVED, State.PASS, State.NOT_APPLICABLE)
"""What a reader must look at first."""


@dataclass(frozen=True)
class Group:
    """Records of one control and check with the same state, waiver and expectation, and the same answer.

    Passing records whose answers differ (each names its own amounts) are one group, with some answers as examples; so
    are others once there are very many answers.
    """

    control: str
    check: str
    state: State
    expected: str
    waiver: str
    answers: tuple[str, ...]
    """What was seen: one answer, or the first few that differ."""
    are_examples: bool
    """Whether there are more answers than these."""
    records: tuple[Evidence, ...]

    @property
    def first(self) -> Evidence:
        """Stands for the others where one is shown."""
        return self.records[0]


_EXAMPLES = 3
_MOST_ANSWERS = 50
"""Different answers of one check up to which each is told by itself."""


def groups_of(records: Iterable[Evidence]) -> list[Group]:
    """The groups, worst first, each in the order of its first record."""
    found: dict[tuple[str, ...], dict[str, list[Evidence]]] = {}
    for record in records:
        key = (record.control, record.check, record.state, record.expected, record.waiver)
        found.setdefault(key, {}).setdefault(record.actual, []).append(record)
    groups: list[Group] = []
    for answers in found.values():
        one = next(iter(answers.values()))[0]
        if one.state is State.PASS or len(answers) > _MOST_ANSWERS:
            groups.append(_group([record for some in answers.values() for record in some]))
        else:
            groups.extend(map(_group, answers.values()))
    return sorted(groups, key=lambda group: WORST.index(group.state))


def _group(records: Sequence[Evidence]) -> Group:
    one = records[0]
    said = tuple(dict.fromkeys(record.actual for record in records))
    some, more = said[:_EXAMPLES], len(said) > _EXAMPLES
    return Group(one.control, one.check, one.state, one.expected, one.waiver, some, more, tuple(records))


def counts(records: Iterable[Evidence]) -> dict[State, int]:
    """Records of each state; every state is there, in the order of the states."""
    found = Counter(record.state for record in records)
    return {state: found[state] for state in State}


def verdict(records: Sequence[Evidence]) -> State:
    """What a control's records come to: the worst of them; what is not applicable counts only when nothing else is."""
    states = {record.state for record in records}
    return next((state for state in WORST if state in states), State.NOT_RUN)
