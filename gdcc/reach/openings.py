"""What policies open on one side of a connection; a connection needs an opening on both.

Openings of the same shape are kept once with the namespaces that have them. Pods that no policy isolates have an
opening too: to everybody. So the work grows with what is written, never with the pairs there could be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gdcc.errors import FindingError
from gdcc.reach.addresses import ANYWHERE, Addresses, Network
from gdcc.reach.census import Census
from gdcc.reach.policy import Direction, PodPeer, Policy, Rule
from gdcc.reach.ports import ALL, Ports
from gdcc.reach.selector import Selector, remainder

EVERY_POD = Selector()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is open: a rule of a policy, or that no policy isolates the pods."""

    policy: Policy | None
    rule: str = ""
    """``egress[0]``."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an opening is, apart from whose it is."""

    pods: Selector
    """On this side."""
    peers: frozenset[str] | None
    """Namespaces on the other side; None: outside the cluster."""
    peer_pods: Selector
    peer_addresses: Addresses
    ports: Ports


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A shape and the namespaces on this side, each with its reasons."""

    shape: Shape
    causes: Mapping[str, tuple[Cause, ...]]
    where: frozenset[str]
    """The keys of `causes`."""

    @property
    def peers(self) -> frozenset[str]:
        """The namespaces on the other side; none for outside."""
        return self.shape.peers or frozenset()


def openings(
    census: Census, policies: Iterable[Policy], direction: Direction, pod_networks: tuple[Network, ...]
) -> tuple[Opening, ...]:
    """All that is open in one direction, rules first and then pods that are not isolated.

    Args:
        census: every namespace.
        policies: every policy.
        direction: of the traffic, seen from the policy's pods.
        pod_networks: where pods have their addresses; an ``ipBlock`` that meets none of them reaches no pod.

    Raises:
        FindingError: a policy is in a namespace that is not known.
    """
    found: dict[Shape, dict[str, dict[Cause, None]]] = defaultdict(lambda: defaultdict(dict))
    isolated: dict[str, set[Selector]] = {name: set() for name in census.everyone}
    for policy in policies:
        if policy.namespace not in isolated:
            raise FindingError(
                f"network policy {policy} is in a namespace that is not part of the estate",
                "declare the namespace beside its policies",
            )
        rules = policy.rules(direction)
        if rules is None:
            continue
        isolated[policy.namespace].add(policy.pods)
        for rule in rules:
            for shape in _shapes(census, policy, rule, pod_networks):
                found[shape][policy.namespace][Cause(policy, rule.path)] = None
    free = Cause(None)
    for name, taken in isolated.items():
        for pods in remainder(taken):
            for peers in (census.everyone, None):
                found[Shape(pods, peers, EVERY_POD, ANYWHERE, ALL)][name][free] = None
    return tuple(
        Opening(shape, {name: tuple(causes) for name, causes in holders.items()}, frozenset(holders))
        for shape, holders in found.items()
    )


def _shapes(census: Census, policy: Policy, rule: Rule, pod_networks: tuple[Network, ...]) -> Iterator[Shape]:
    if not rule.peers:
        yield Shape(policy.pods, census.everyone, EVERY_POD, ANYWHERE, rule.ports)
        yield Shape(policy.pods, None, EVERY_POD, ANYWHERE, rule.ports)
    for peer in rule.peers:
        if isinstance(peer, Addresses):
            if peer:
                yield Shape(policy.pods, None, EVERY_POD, peer, rule.ports)
            # Whose address is whose is known when pods run; before, any pod may have any address of these.
            for network in pod_networks:
                if shared := peer & Addresses(network):
                    yield Shape(policy.pods, census.everyone, EVERY_POD, shared, rule.ports)
        elif peers := _namespaces(census, policy, peer):
            yield Shape(policy.pods, peers, peer.pods, ANYWHERE, rule.ports)


def _namespaces(census: Census, policy: Policy, peer: PodPeer) -> frozenset[str]:
    return census.alone(policy.namespace) if peer.namespaces is None else census.select(peer.namespaces)
