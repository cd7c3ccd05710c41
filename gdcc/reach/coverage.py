"""What of one set of spans is in no other: what nobody declared, or what a change opens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from gdcc.reach.matrix import Flow, Part, Side, Span
from gdcc.reach.ports import Ports

MOST_PARTS = 32
"""Of one flow, exactly told; enough for any change that a person reads line by line."""


class Coverage:
    """Spans, asked what they leave out.

    A flow's pods and addresses must lie within one span; its namespaces and ports may be covered by several together.
    So a gap may be reported where two spans cover a flow's pods only between them, and none is ever missed.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        self._from: dict[str, list[Span]] = defaultdict(list)
        for span in spans:
            for name in span.source.names:
                self._from[name].append(span)

    def gaps(self, flow: Flow, within: Collection[str] | None = None) -> Iterator[Part]:
        """What of a flow is not covered.

        Args:
            flow: what is asked about.
            within: pairs with neither end in these are passed over; all pairs count by default.

        Returns:
            Parts that say it exactly; where that would take more than `MOST_PARTS`, one that holds them all.
        """
        fits: dict[int, bool] = {}
        found: dict[Ports, dict[frozenset[str], set[str]]] = defaultdict(dict)
        for source in flow.source.names:
            targets = flow.target.names
            if within is not None and source not in within:
                targets &= frozenset(within)
            left = {flow.ports: set(targets)}
            for span in self._from.get(source, ()):
                if targets.isdisjoint(span.target.names):
                    continue
                if id(span) not in fits:
                    fits[id(span)] = _covers(span.source, flow.source) and _covers(span.target, flow.target)
                if fits[id(span)]:
                    left = _reduced(left, span)
            for ports, names in left.items():
                if names:
                    found[ports].setdefault(frozenset(names), set()).add(source)
                    found[ports] = _few(found[ports])
        for ports, groups in found.items():
            for reached, sources in groups.items():
                yield Part(flow, frozenset(sources), reached, ports)


def _few(groups: dict[frozenset[str], set[str]]) -> dict[frozenset[str], set[str]]:
    """The same groups of sources by targets; too many become one.

    Without it, thousands of namespaces that all lost their isolation would each have a set of thousands of targets.
    """
    if len(groups) <= MOST_PARTS:
        return groups
    return {frozenset[str]().union(*groups): set[str]().union(*groups.values())}


def _covers(outer: Side, inner: Side) -> bool:
    return outer.pods.covers(inner.pods) and outer.addresses.covers(inner.addresses)


def _reduced(left: dict[Ports, set[str]], span: Span) -> dict[Ports, set[str]]:
    """Targets by the ports that are still not covered, after one more span."""
    reduced: dict[Ports, set[str]] = defaultdict(set)
    for ports, targets in left.items():
        shared = targets & span.target.names
        reduced[ports] |= targets - shared
        if shared and (rest := ports.without(span.ports)):
            reduced[rest] |= shared
    return reduced
