"""The reviewer's difference: what has changed since another run, in controls, reach, privileges and waivers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from gdcc.compliance.evidence import Evidence, State, WaiverSeen
from gdcc.compliance.pack import Pack
from gdcc.model.document import printable

SOON = 30
"""Days before its end at which a waiver is told of."""
_RANKS = {
    "": 0,
    State.PASS: 0,
    State.NOT_APPLICABLE: 0,
    State.WAIVED: 1,
    State.MANUAL: 2,
    State.NOT_RUN: 2,
    State.FAIL: 3,
}
"""How bad a state is; "" is a target that was not asked about, as one that is new."""
_SHOWN = 12
"""Targets, pairs or bindings named in one line's group; the rest are counted, and `--json` has all."""


class Turn(NamedTuple):
    """A check of a target that answers something else than before; empty where it was not asked."""

    control: str
    check: str
    target: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """What has changed.

    Attributes:
        regressed: what passed or was not there, and does not hold now; also what is only waived or no longer looked at.
        mended: what did not hold, and does now.
        gone: what did not hold, and was not looked at this time.
        reach_opened: pairs that could not reach each other before, as `from → to: ports`.
        privileges_gained: who may do what they might not.
        waivers_opened: by id; as are those that expire within `SOON` days and those that have ended or gone.
        not_compared: what one of the two runs does not tell of, with the reason.
    """

    regressed: tuple[Turn, ...]
    mended: tuple[Turn, ...]
    gone: tuple[Turn, ...]
    reach_opened: tuple[str, ...]
    reach_closed: tuple[str, ...]
    privileges_gained: tuple[str, ...]
    privileges_lost: tuple[str, ...]
    waivers_opened: tuple[str, ...]
    waivers_expiring: tuple[str, ...]
    waivers_ended: tuple[str, ...]
    not_compared: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has changed, as far as the two can be compared."""
        return not any(value for name, value in asdict(self).items() if name != "not_compared")

    def as_json(self) -> dict[str, Any]:
        """As plain data; turns as objects."""
        return {
            name: [one._asdict() if isinstance(one, Turn) else one for one in value]
            for name, value in vars(self).items()
        }


def difference(before: Pack, after: Pack) -> Difference:
    """Compares two packs of evidence, of the same stack or of two."""
    turns = list(_turns(before, after))
    facts = (before.run.facts, after.run.facts)
    missing = [name for name in ("reach", "privileges") if not all(name in each for each in facts)]
    reaches = [_pairs(each["reach"]) if "reach" not in missing else set() for each in facts]
    rights = [_rights(each["privileges"]) if "privileges" not in missing else set() for each in facts]
    waived = [{waiver.id: waiver for waiver in pack.run.waivers} for pack in (before, after)]
    reason = "one of the two runs was narrowed to some controls, so that it noted none"
    return Difference(
        regressed=tuple(turn for turn in turns if turn.after and _RANKS[turn.after] > _RANKS[turn.before]),
        mended=tuple(turn for turn in turns if turn.after and not _RANKS[turn.after]),
        gone=tuple(turn for turn in turns if turn.after in ("", State.NOT_RUN) and _RANKS[turn.before]),
        reach_opened=tuple(_told(reaches[1] - reaches[0])),
        reach_closed=tuple(_told(reaches[0] - reaches[1])),
        privileges_gained=tuple(sorted(rights[1] - rights[0])),
        privileges_lost=tuple(sorted(rights[0] - rights[1])),
        waivers_opened=tuple(_waiver(one) for name, one in waived[1].items() if name not in waived[0]),
        waivers_expiring=tuple(_waiver(one) for one in waived[1].values() if 0 <= one.days_left <= SOON),
        waivers_ended=tuple(_ended(waived[0], waived[1])),
        not_compared=tuple(f"{name}: {reason}" for name in missing),
    )


def _turns(before: Pack, after: Pack) -> Iterator[Turn]:
    """Every check and target that comes to something better or worse, of the controls that were asked about."""
    was, now = _states(before.records), _states(after.records)
    asked = {record.control for record in after.records}
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key, ""), now.get(key, "")
        if key[0] in asked and (_RANKS[old] != _RANKS[new] or (old != new and _RANKS[new])):
            yield Turn(*key, old, new)


def _states(records: Iterable[Evidence]) -> dict[tuple[str, str, str], str]:
    """By control, check and target, the worst state: a check may say several things of one target."""
    found: dict[tuple[str, str, str], State] = {}
    for record in records:
        key = (record.control, record.check, record.target.name)
        known = found.get(key)
        if known is None or _RANKS[record.state] > _RANKS[known]:
            found[key] = record.state
    return {key: state.value for key, state in found.items()}


def _pairs(groups: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """Every `from`, `to` and port with the pods on both sides, whatever groups they were told in."""
    return {
        (_end(source, group["from_pods"]), _end(target, group["to_pods"]), port)
        for group in groups
        for source in group["from"]
        for target in group["to"]
        for port in group["ports"]
    }


def _end(name: str, pods: str) -> str:
    return f"{name} (pods {pods})" if pods else str(name)


def _told(pairs: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    ports: dict[tuple[str, str], list[str]] = defaultdict(list)
    for source, target, port in sorted(pairs):
        ports[source, target].append(port)
    return (f"{source} → {target}: {', '.join(some)}" for (source, target), some in ports.items())


def _rights(privileges: Mapping[str, Any]) -> set[str]:
    """Who holds which role where, and what each role allows."""
    held = {
        f"{who} holds {role} in {'the whole cluster' if where == '*' else where}"
        for who, role, where in privileges["bindings"]
    }
    return held | {f"{role} allows: {line}" for role, lines in privileges["roles"].items() for line in lines}


def _waiver(waiver: WaiverSeen) -> str:
    return f"{waiver.id}: {waiver.control} for {waiver.match}, until {waiver.expires} ({waiver.days_left} days left)"


def _ended(was: Mapping[str, WaiverSeen], now: Mapping[str, WaiverSeen]) -> Iterator[str]:
    for name, waiver in was.items():
        if name not in now:
            yield f"{name}: {waiver.control} for {waiver.match}, removed"
        elif waiver.days_left >= 0 > now[name].days_left:
            yield f"{name}: {waiver.control} for {waiver.match}, expired on {waiver.expires}"


_TITLES = (
    ("regressed", "controls regressed", "-"),
    ("gone", "not looked at this time, and did not hold before", "-"),
    ("reach_opened", "new reachability", "+"),
    ("privileges_gained", "new privileges", "+"),
    ("waivers_opened", "waivers opened", "+"),
    ("waivers_expiring", f"waivers that expire within {SOON} days", "!"),
    ("waivers_ended", "waivers ended", "-"),
    ("mended", "controls mended", "+"),
    ("reach_closed", "reachability closed", "-"),
    ("privileges_lost", "privileges taken away", "-"),
    ("not_compared", "not compared", "?"),
)


def lines(change: Difference, *, everything: bool = False) -> Iterator[str]:
    """The difference for people, what matters to a reviewer first."""
    if change.is_empty:
        yield "nothing has changed"
    for name, title, sign in _TITLES:
        found = getattr(change, name)
        if found:
            yield f"{title}: {len(found)}"
            shown = found if everything else found[:_SHOWN]
            yield from (f"  {sign} {_line(one)}" for one in shown)
            if len(found) > len(shown):
                yield f"    ... and {len(found) - len(shown)} more (--json lists all)"


def _line(one: str | Turn) -> str:
    if isinstance(one, str):
        return printable(one)
    return printable(
        f"{one.control} {one.check} {one.target}: {one.before or 'not asked'} → {one.after or 'not asked'}"
    )
