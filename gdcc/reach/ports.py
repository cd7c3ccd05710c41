"""Sets of ports: ranges per protocol, and ports known only by the name that the receiving pod gives them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from gdcc.reach.manifest import Node

PROTOCOLS = ("TCP", "UDP", "SCTP")
FIRST, LAST = 1, 65535
_NAMELESS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Range:
    """Ports `low` to `high` of a protocol; with names, only those that the receiving pod calls all of these."""

    protocol: str
    low: int = FIRST
    high: int = LAST
    names: frozenset[str] = _NAMELESS

    def __and__(self, other: Range) -> Range | None:
        low, high = max(self.low, other.low), min(self.high, other.high)
        if self.protocol != other.protocol or low > high:
            return None
        return Range(self.protocol, low, high, self.names | other.names)

    def numbers(self) -> str:
        """The ports without the protocol: ``8443``, ``30000-32767``, ```https```."""
        bounds = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        if not self.names:
            return bounds
        name = f"`{'+'.join(sorted(self.names))}`"
        return name if (self.low, self.high) == (FIRST, LAST) else f"{name} within {bounds}"

    def __str__(self) -> str:
        whole = (self.low, self.high) == (FIRST, LAST) and not self.names
        return f"every {self.protocol} port" if whole else f"{self.protocol} {self.numbers()}"

    def sort_key(self) -> tuple[int, int, int, tuple[str, ...]]:
        """The order in which ports are listed."""
        return PROTOCOLS.index(self.protocol), self.low, self.high, tuple(sorted(self.names))


@dataclass(frozen=True, slots=True)
class Ports:
    """Any of these ranges; sorted, without one inside another."""

    ranges: tuple[Range, ...]

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Ports:
        """The union of these, merged where they touch."""
        kept: list[Range] = []
        for one in sorted(set(ranges), key=lambda each: (sorted(each.names), *each.sort_key())):
            last = kept[-1] if kept else None
            if last and (last.protocol, last.names) == (one.protocol, one.names) and one.low <= last.high + 1:
                kept[-1] = Range(one.protocol, last.low, max(last.high, one.high), one.names)
            else:
                kept.append(one)
        plain = cls(tuple(one for one in kept if not one.names))
        left = [one for one in kept if not one.names or not plain.covers(cls((one,)))]
        return cls(tuple(sorted(left, key=Range.sort_key)))

    @classmethod
    def read(cls, nodes: Iterable[Node]) -> Ports:
        """Reads a list of ``NetworkPolicyPort``; an empty one means all ports.

        Raises:
            FindingError: it is none that the Kubernetes API would take.
        """
        return cls.of(_range(node) for node in nodes) if (nodes := list(nodes)) else ALL

    def __and__(self, other: Ports) -> Ports:
        return _intersection(self, other)

    def __or__(self, other: Ports) -> Ports:
        return self if self == other else Ports.of((*self.ranges, *other.ranges))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def covers(self, other: Ports) -> bool:
        """Whether every port of `other` is in this, whatever the pods call their ports."""
        return not other.without(self)

    def without(self, other: Ports) -> Ports:
        """The ports of this that are not certain to be in `other`."""
        left: list[Range] = []
        for mine in self.ranges:
            pieces = [mine]
            for theirs in other.ranges:
                if theirs.names <= mine.names and theirs.protocol == mine.protocol:
                    pieces = [rest for piece in pieces for rest in _cut(piece, theirs)]
            left += pieces
        return Ports(tuple(left))

    def contains(self, protocol: str, number: int, names: Collection[str] = ()) -> bool:
        """Whether one port is in the set, given what the receiving pod calls it."""
        return any(
            one.protocol == protocol and one.low <= number <= one.high and one.names <= set(names)
            for one in self.ranges
        )

    def __str__(self) -> str:
        return "every port" if self == ALL else ", ".join(map(str, self.ranges)) or "no port"


ALL = Ports(tuple(Range(protocol) for protocol in PROTOCOLS))
"""What a rule without ports opens; ICMP and other protocols too, where the CNI does so."""


@lru_cache(maxsize=65536)
def _intersection(one: Ports, other: Ports) -> Ports:
    if one in (ALL, other):
        return other
    if other == ALL:
        return one
    return Ports.of(shared for mine in one.ranges for theirs in other.ranges if (shared := mine & theirs))


def _cut(piece: Range, away: Range) -> list[Range]:
    if away.high < piece.low or away.low > piece.high:
        return [piece]
    sides = ((piece.low, away.low - 1), (away.high + 1, piece.high))
    return [Range(piece.protocol, low, high, piece.names) for low, high in sides if low <= high]


def _range(node: Node) -> Range:
    node.only("protocol", "port", "endPort")
    protocol = node.text("protocol", "TCP")
    if protocol not in PROTOCOLS:
        raise node.wrong("protocol", f"`{protocol}` is none of {', '.join(PROTOCOLS)}")
    end = node.number("endPort")
    if isinstance(node.data.get("port"), str):
        if end is not None:
            raise node.wrong("endPort", "needs a port number to begin with, not a name")
        return Range(protocol, names=frozenset({node.text("port")}))
    first = node.number("port")
    if first is None:
        if end is not None:
            raise node.wrong("endPort", "needs a port to begin with")
        return Range(protocol)
    last = first if end is None else end
    if not FIRST <= first <= last <= LAST:
        raise node.wrong("port", f"`{first}-{last}` is no range of ports")
    return Range(protocol, first, last)
