"""The gate before anything is applied: what is reachable must be declared, and every pod isolated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from gdcc.errors import FindingError
from gdcc.model import Estate
from gdcc.reach.coverage import Coverage
from gdcc.reach.declared import declarations
from gdcc.reach.landscape import Landscape, survey
from gdcc.reach.ledger import Entry, entries, who
from gdcc.reach.matrix import Part, Side
from gdcc.reach.policy import Direction, PodPeer

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the rendered policies do and nobody asked for."""

    message: str
    sources: tuple[str, ...]
    """The files that the policies at fault follow from."""

    def __str__(self) -> str:
        return f"{self.message} ({'; '.join(self.sources)})" if self.sources else self.message


def check(estate: Estate) -> list[Finding]:
    """What is reachable and not declared, namespaces that are not isolated, and rules that select nobody known.

    Returns:
        Findings; none means that `gdcc up` may go on. One finding stands for all pairs that the same rules open.
    """
    landscape = survey(estate)
    found = [*_unisolated(landscape), *_strangers(landscape)]
    return found + [_undeclared(entry) for entry in entries(landscape, undeclared(landscape))]


def refuse(findings: list[Finding]) -> None:
    """Raises `FindingError` with the findings, if there are any."""
    if not findings:
        return
    told = [str(finding) for finding in findings[:MOST_SHOWN]]
    if len(findings) > MOST_SHOWN:
        told.append(f"... and {len(findings) - MOST_SHOWN} more")
    raise FindingError("\n".join(told), "look at a pair with `gdcc reach --from A --to B`; nothing was applied")


def undeclared(landscape: Landscape) -> Iterator[Part]:
    """What is reachable from or to an agency or a common service, and follows from no file."""
    declared = Coverage(declarations(landscape.estate))
    for flow in landscape.matrix.flows:
        yield from declared.gaps(flow, landscape.proven)


def _undeclared(entry: Entry) -> Finding:
    topic = entry.topic
    pods = f" (pods {topic.target_pods})" if topic.target_pods else ""
    pairs = f" in {entry.pairs} pairs of namespaces" if entry.pairs > 1 else ""
    what = f"{entry.source} → {topic.target}{pods} on {topic.ports}{pairs} is reachable, and nothing declares it"
    because = "; ".join(map(str, topic.reasons))
    return Finding(f"{what}: {because}", entry.files)


def _unisolated(landscape: Landscape) -> Iterator[Finding]:
    """Pods that nothing denies by default: a rule at the other end may be all that protects them."""
    matrix = landscape.matrix
    for direction, openings in ((Direction.INGRESS, matrix.ingress), (Direction.EGRESS, matrix.egress)):
        for opening in openings:
            free = {name for name, causes in opening.causes.items() if any(cause.policy is None for cause in causes)}
            if opening.shape.peers and (names := frozenset(free & landscape.proven)):
                whose = who(landscape, names, Side(names))
                pods = f" with {opening.shape.pods}" if opening.shape.pods.where else ""
                message = f"no policy isolates {direction.value} of pods{pods} in {len(names)} namespaces of {whose}"
                yield Finding(message, tuple(sorted({landscape.parties[name].source for name in names})[:3]))


def _strangers(landscape: Landscape) -> Iterator[Finding]:
    """A peer that is no known namespace cannot be proven harmless; whoever makes that namespace is let in."""
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for policy in landscape.matrix.policies:
        for direction in Direction:
            for rule in policy.rules(direction) or ():
                for peer in rule.peers:
                    named = isinstance(peer, PodPeer) and peer.namespaces
                    if named and not landscape.matrix.census.select(named):
                        found[f"{policy.name} ({rule.path})", str(named), policy.source] += 1
    for (name, selector, source), count in found.items():
        many = f" in {count} namespaces" if count > 1 else ""
        yield Finding(f"policy {name}{many} names namespaces that are not known: {selector}", (source,))
