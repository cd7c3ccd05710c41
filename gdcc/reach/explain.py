"""One pair of namespaces: what is reachable and which rules open it, or what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gdcc.reach.landscape import Landscape
from gdcc.reach.matrix import OUTSIDE, Part
from gdcc.reach.openings import Cause, Opening
from gdcc.reach.policy import Direction, Policy


@dataclass(frozen=True, slots=True)
class Denial:
    """One side on which no rule opens a pair, and the policy that denies what no rule opens."""

    direction: Direction
    policy: Policy

    def __str__(self) -> str:
        source = f": {self.policy.source}" if self.policy.source else ""
        return f"no {self.direction.value} rule opens it ({self.policy.name}{source})"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Attributes: the two namespaces, what is open between them, and if nothing is, why not."""

    source: str
    target: str
    parts: tuple[Part, ...]
    denials: tuple[Denial, ...] = ()

    @property
    def obstacle(self) -> str:
        """Why nothing is open; empty if something is."""
        if self.parts:
            return ""
        if self.source == self.target == OUTSIDE:
            return "neither end is in the cluster"
        if not self.denials:
            return "rules on both sides name the other, but no port of the same pods"
        return " and ".join(map(str, self.denials))

    def openings(self, landscape: Landscape) -> Iterator[str]:
        """A sentence for each thing that is open."""
        for part in self.parts:
            flow = part.flow
            pods = [
                f"{word} {described}"
                for word, side in (("from", flow.source), ("to", flow.target))
                if (described := _described(str(side.pods), str(side.addresses)))
            ]
            whose = f", {', '.join(pods)}" if pods else ""
            because = " and ".join(because_of(landscape, part))
            yield f"{part.ports}{whose}, because {because}"


def because_of(landscape: Landscape, part: Part) -> Iterator[str]:
    """What opens a part, side by side, with policies by their full names."""
    for side, names, causes in zip(("egress", "ingress"), (part.sources, part.targets), part.causes(), strict=True):
        for cause in causes:
            yield _because(landscape, side, names, cause)


def explain(landscape: Landscape, source: str, target: str) -> Explanation:
    """Everything about one pair; `OUTSIDE` may stand for either."""
    flows = landscape.matrix.between(source, target)
    parts = tuple(Part(flow, frozenset({source}), frozenset({target}), flow.ports) for flow in flows)
    return Explanation(source, target, parts, () if parts else tuple(_denials(landscape, source, target)))


def title(landscape: Landscape, name: str) -> str:
    """A namespace in words: ``dopa (prod)``."""
    return str(landscape.parties[name]) if name != OUTSIDE else "outside"


def _described(pods: str, addresses: str) -> str:
    where = "" if addresses == "any address" else f"addresses {addresses}"
    return " at ".join(filter(None, (f"pods with {pods}" if pods else "", where)))


def _because(landscape: Landscape, side: str, names: frozenset[str], cause: Cause) -> str:
    if cause.policy is None:
        whose = " and ".join(sorted(title(landscape, name) for name in names))
        return f"no {side} policy isolates {whose}"
    return f"{side} policy {cause.policy} ({cause.rule}, from {cause.policy.source})"


def _denials(landscape: Landscape, source: str, target: str) -> Iterator[Denial]:
    matrix = landscape.matrix
    if source != OUTSIDE and not any(_opens(one, source, target) for one in matrix.egress):
        yield _denial(landscape, Direction.EGRESS, source)
    if target != OUTSIDE and not any(_opens(one, target, source) for one in matrix.ingress):
        yield _denial(landscape, Direction.INGRESS, target)


def _opens(opening: Opening, here: str, there: str) -> bool:
    return here in opening.where and (opening.shape.peers is None if there == OUTSIDE else there in opening.peers)


def _denial(landscape: Landscape, direction: Direction, here: str) -> Denial:
    isolating = [one for one in landscape.matrix.policies if one.namespace == here and one.rules(direction) is not None]
    # A policy without rules is there to deny; any other isolates as well, by opening something else.
    return Denial(direction, min(isolating, key=lambda one: (len(one.rules(direction) or ()), one.name)))
