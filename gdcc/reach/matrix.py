"""Who reaches whom: the openings of both sides joined; sparse, because what is denied is not kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from gdcc.reach.addresses import ANYWHERE, Address, Addresses, Network
from gdcc.reach.census import Census, Namespace
from gdcc.reach.openings import EVERY_POD, Cause, Opening, openings
from gdcc.reach.policy import Direction, Policy
from gdcc.reach.ports import Ports
from gdcc.reach.selector import Selector

_NARROW = 64
"""Pairs of namespaces up to which an opening is found by the pair; one with more is found by the namespace."""


OUTSIDE = ""
"""Stands for the name of a namespace at an end that is outside the cluster."""
_OUTSIDE = frozenset({OUTSIDE})


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, for a question about that one."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    address: Address | None = None
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Protocol and number by name."""
    name: str = ""

    def names(self, protocol: str, number: int) -> set[str]:
        """What the pod calls one of its ports."""
        return {name for name, port in self.ports.items() if port == (protocol, number)}


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a flow: any pod of these namespaces that meets all three; or addresses outside the cluster."""

    namespaces: frozenset[str] | None
    """None: outside."""
    pods: Selector = EVERY_POD
    addresses: Addresses = ANYWHERE

    @property
    def names(self) -> frozenset[str]:
        """The namespaces; for outside, the empty name."""
        return _OUTSIDE if self.namespaces is None else self.namespaces

    def holds(self, end: Pod | Address) -> bool:
        """Whether a pod or an address outside is of this side."""
        if not isinstance(end, Pod):
            return self.namespaces is None and end in self.addresses
        inside = self.namespaces is not None and end.namespace in self.namespaces
        return inside and self.pods.matches(end.labels) and end.address in self.addresses


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """All pods of `source` to all pods of `target` on `ports`."""

    source: Side
    target: Side
    ports: Ports


@dataclass(frozen=True, slots=True, eq=False)
class Flow(Span):
    """A span that is reachable; the openings say why."""

    egress: Opening | None
    """None where the source is outside: nothing there asks a policy."""
    ingress: Opening | None


@dataclass(frozen=True, slots=True)
class Part:
    """A flow between some of its namespaces, on some of its ports."""

    flow: Flow
    sources: frozenset[str]
    targets: frozenset[str]
    ports: Ports

    @property
    def pairs(self) -> int:
        """How many pairs of namespaces there are in it."""
        return len(self.sources) * len(self.targets)

    def causes(self) -> tuple[dict[Cause, None], dict[Cause, None]]:
        """What opens it at its sources and at its targets, each once."""
        egress, ingress = self.flow.egress, self.flow.ingress
        return (
            {cause: None for name in sorted(self.sources) for cause in (egress.causes[name] if egress else ())},
            {cause: None for name in sorted(self.targets) for cause in (ingress.causes[name] if ingress else ())},
        )


class Matrix:
    """Everything that is reachable, as flows; they may overlap.

    Attributes:
        census: every namespace.
        policies: every policy.
        egress: what is open on the side of the sources.
        ingress: what is open on the side of the targets.
        flows: between pods, then to the outside, then from the outside.
    """

    def __init__(
        self, namespaces: Iterable[Namespace], policies: Iterable[Policy], pod_networks: Iterable[Network] = ()
    ) -> None:
        self.census = Census(namespaces)
        self.policies = tuple(policies)
        networks = tuple(pod_networks)
        self.egress = openings(self.census, self.policies, Direction.EGRESS, networks)
        self.ingress = openings(self.census, self.policies, Direction.INGRESS, networks)
        self.flows: tuple[Flow, ...] = (
            *_joined(self.egress, self.ingress),
            *(_leaving(one) for one in self.egress if one.shape.peers is None),
            *(_entering(one) for one in self.ingress if one.shape.peers is None),
        )

    @cached_property
    def _from(self) -> dict[str, list[Flow]]:
        found: dict[str, list[Flow]] = defaultdict(list)
        for flow in self.flows:
            for name in flow.source.names:
                found[name].append(flow)
        return found

    def between(self, source: str, target: str) -> tuple[Flow, ...]:
        """The flows from one namespace to another; `OUTSIDE` may stand for either."""
        return tuple(flow for flow in self._from.get(source, ()) if target in flow.target.names)

    def parts(self, sources: frozenset[str], targets: frozenset[str]) -> Iterator[Part]:
        """What of every flow is between these namespaces."""
        for flow in self.flows:
            some, others = flow.source.names & sources, flow.target.names & targets
            if some and others:
                yield Part(flow, some, others, flow.ports)

    def allows(self, source: Pod | Address, target: Pod | Address, protocol: str, number: int) -> bool:
        """Whether one pod or address reaches another on one port.

        A pod reaches itself whatever the policies say, as the API reference has it.
        """
        if isinstance(source, Pod) and source == target:
            return True
        names = target.names(protocol, number) if isinstance(target, Pod) else ()
        ends = (end.namespace if isinstance(end, Pod) else OUTSIDE for end in (source, target))
        return any(
            flow.source.holds(source) and flow.target.holds(target) and flow.ports.contains(protocol, number, names)
            for flow in self.between(*ends)
        )


def _leaving(opening: Opening) -> Flow:
    shape = opening.shape
    return Flow(Side(opening.where, shape.pods), Side(None, addresses=shape.peer_addresses), shape.ports, opening, None)


def _entering(opening: Opening) -> Flow:
    shape = opening.shape
    return Flow(Side(None, addresses=shape.peer_addresses), Side(opening.where, shape.pods), shape.ports, None, opening)


def _joined(egress: Iterable[Opening], ingress: Iterable[Opening]) -> Iterator[Flow]:
    index = _Index(one for one in ingress if one.peers)
    for opening in egress:
        if opening.peers:
            for other in index.meeting(opening):
                yield from _join(opening, other)


def _join(egress: Opening, ingress: Opening) -> Iterator[Flow]:
    out, into = egress.shape, ingress.shape
    if not (ports := out.ports & into.ports):
        return
    source = Side(egress.where & ingress.peers, out.pods & into.peer_pods, into.peer_addresses)
    target = Side(ingress.where & egress.peers, into.pods & out.peer_pods, out.peer_addresses)
    if source.namespaces and target.namespaces and source.pods and target.pods:
        yield Flow(source, target, ports, egress, ingress)


class _Index:
    """Ingress openings, found from an egress opening without looking at all of them."""

    def __init__(self, ingress: Iterable[Opening]) -> None:
        self._by_pair: dict[tuple[str, str], list[Opening]] = defaultdict(list)
        self._narrow_at: dict[str, list[Opening]] = defaultdict(list)
        self._narrow_from: dict[str, list[Opening]] = defaultdict(list)
        self._wide_at: dict[str, list[Opening]] = defaultdict(list)
        self._wide: list[Opening] = []
        for opening in ingress:
            peers = opening.peers
            if len(peers) * len(opening.where) > _NARROW:
                self._wide.append(opening)
                _enter(self._wide_at, opening, opening.where)
            else:
                _enter(self._narrow_at, opening, opening.where)
                _enter(self._narrow_from, opening, peers)
                for pair in product(peers, opening.where):
                    self._by_pair[pair].append(opening)

    def meeting(self, egress: Opening) -> Iterable[Opening]:
        """Candidates, each once; a superset of those that share a pair of namespaces with `egress`."""
        peers = egress.peers
        narrow = len(peers) * len(egress.where) <= _NARROW
        if narrow:
            found = [one for pair in product(egress.where, peers) for one in self._by_pair.get(pair, ())]
        elif len(peers) <= len(egress.where):
            found = [one for name in peers for one in self._narrow_at.get(name, ())]
        else:
            found = [one for name in egress.where for one in self._narrow_from.get(name, ())]
        found += (one for name in peers for one in self._wide_at.get(name, ())) if narrow else self._wide
        return dict.fromkeys(found)


def _enter(index: dict[str, list[Opening]], opening: Opening, names: Iterable[str]) -> None:
    for name in names:
        index[name].append(opening)
