"""The matrix as people and auditors read it: a line for each thing that is open, with who, ports, service and file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from gdcc.model import Environment
from gdcc.reach.landscape import Landscape
from gdcc.reach.matrix import OUTSIDE, Part, Side
from gdcc.reach.openings import Cause
from gdcc.reach.ports import Ports

SERVICE_LABEL = "app.kubernetes.io/name"
_NOBODYS = "these pods"
_PLATFORMS = "the platform's own pods"
ITSELF = "itself"
"""The target of what pods do among themselves, in one namespace."""


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why one side is open."""

    side: str
    """``egress`` or ``ingress``."""
    policy: str
    """The policy's name; empty where no policy isolates the pods."""
    rule: str
    source: str
    """The file that it follows from; without a policy, whose pods they are."""

    def __str__(self) -> str:
        if not self.policy:
            return f"no policy isolates {self.side} of {self.source}"
        return f"{self.side} policy {self.policy} ({self.rule}, from {self.source})"


class Topic(NamedTuple):
    """What the namespaces of one line have in common."""

    source: str
    target: str
    agencies: tuple[str, str] | None
    """From and to, when it is between two agencies."""
    source_pods: str
    """As a label selector; empty for every pod."""
    target_pods: str
    ports: Ports
    service: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; namespaces that have the same opened to them are told together."""

    topic: Topic
    source: str
    """Who reaches."""
    environments: tuple[Environment, ...]
    """Of the agencies in it."""
    parts: tuple[Part, ...]

    @property
    def pairs(self) -> int:
        """Pairs of namespaces."""
        return sum(part.pairs for part in self.parts)

    @property
    def files(self) -> tuple[str, ...]:
        """What declares it, each once."""
        return tuple(dict.fromkeys(reason.source for reason in self.topic.reasons if reason.policy))

    @property
    def because(self) -> tuple[str, ...]:
        """The rules by policy, without their files: ``agreement-x: egress[0], ingress[0]``."""
        rules: dict[str, list[str]] = defaultdict(list)
        for reason in self.topic.reasons:
            if reason.policy and reason.rule not in rules[reason.policy]:
                rules[reason.policy].append(reason.rule)
        opened = (f"{policy}: {', '.join(some)}" for policy, some in rules.items())
        return (*opened, *(str(one) for one in self.topic.reasons if not one.policy))

    @property
    def declared_in(self) -> str:
        """The files; and what is open because an agency's own pods are not isolated."""
        open_ = [str(one) for one in self.topic.reasons if one.source == _NOBODYS]
        return "; ".join((*self.files, *open_))


def entries(landscape: Landscape, parts: Iterable[Part]) -> list[Entry]:
    """Lines for parts of flows: first those between agencies, each group by its names."""
    gathered: dict[Topic, list[Part]] = defaultdict(list)
    for part in chain.from_iterable(_apart(landscape, part) for part in parts):
        gathered[_topic(landscape, part)].append(part)
    told = [_line(landscape, topic, some) for topic, some in gathered.items()]
    return sorted(
        told, key=lambda one: (one.topic.agencies is None, one.source, one.topic.target, str(one.topic.ports))
    )


def _apart(landscape: Landscape, part: Part) -> Iterator[Part]:
    """Agencies and the common services, which have some rules in common, each told on lines of their own."""
    services = part.sources & landscape.services
    for sources in (part.sources - services, services):
        if sources:
            yield replace(part, sources=sources)


def _line(landscape: Landscape, topic: Topic, parts: list[Part]) -> Entry:
    sources = frozenset[str]().union(*(part.sources for part in parts))
    names = sources.union(*(part.targets for part in parts)) - {OUTSIDE}
    found = {landscape.parties[name].environment for name in names}
    environments = tuple(one for one in Environment if one in found)
    source = topic.source or who(landscape, sources, parts[0].flow.source)
    return Entry(topic, source, environments, tuple(parts))


def reasons(landscape: Landscape, part: Part) -> tuple[Reason, ...]:
    """What opens a part on each side; the same rule of many namespaces is one reason."""
    told = []
    for side, names, causes in zip(("egress", "ingress"), (part.sources, part.targets), part.causes(), strict=True):
        unisolated = _NOBODYS if names & landscape.proven else _PLATFORMS
        told += [_reason(side, cause, unisolated) for cause in causes]
    return tuple(dict.fromkeys(told))


def _reason(side: str, cause: Cause, unisolated: str) -> Reason:
    if cause.policy is None:
        return Reason(side, "", "", unisolated)
    return Reason(side, cause.policy.name, cause.rule, cause.policy.source)


def _topic(landscape: Landscape, part: Part) -> Topic:
    flow, itself = part.flow, part.sources == part.targets and len(part.sources) == 1
    return Topic(
        "" if itself else who(landscape, part.sources, flow.source),  # told when all that do the same are known
        ITSELF if itself else who(landscape, part.targets, flow.target),
        None if itself else _between(landscape, part),
        str(flow.source.pods),
        str(flow.target.pods),
        part.ports,
        "pods of one namespace" if itself else _service(landscape, part),
        reasons(landscape, part),
    )


def who(landscape: Landscape, names: frozenset[str], side: Side) -> str:
    """Some namespaces in a few words, or the addresses outside."""
    if OUTSIDE in names:
        return f"outside {side.addresses}"
    ids = sorted({landscape.parties[name].id for name in names})
    if names == landscape.tenants:
        return "every agency"
    if names > landscape.tenants:
        return "every agency and the platform"
    zones = {landscape.parties[name].zone for name in names}
    if len(zones) == 1 and len(ids) > 1 and names == landscape.in_zone(next(iter(zones))):
        return f"every agency in {next(iter(zones))}"
    return ", ".join(ids) if len(ids) <= 3 else f"{ids[0]}, {ids[1]} and {len(ids) - 2} others"


def _between(landscape: Landscape, part: Part) -> tuple[str, str] | None:
    if not part.sources | part.targets <= landscape.tenants:
        return None
    source, target = ({landscape.parties[name].id for name in names} for names in (part.sources, part.targets))
    return (source.pop(), target.pop()) if len(source) == len(target) == 1 else None


def _service(landscape: Landscape, part: Part) -> str:
    """What listens there: the service that the pods are labelled with, else whose they are."""
    for key, values in part.flow.target.pods.where:
        if key == SERVICE_LABEL and values.within and len(values.named) == 1:
            return str(next(iter(values.named)))
    if OUTSIDE in part.targets:
        zones = landscape.zones_of(part.flow.target.addresses)
        return f"addresses of {', '.join(zones)}" if zones else "addresses of no zone"
    titles = {landscape.parties[name].title.en for name in part.targets}
    several = "pods of agencies" if part.targets & landscape.tenants else _PLATFORMS
    return next(iter(titles)) if len(titles) == 1 else several
