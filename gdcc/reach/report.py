"""Lines and JSON for what was asked; every answer ends with its limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from gdcc.reach.difference import Difference
from gdcc.reach.explain import Explanation, because_of, title
from gdcc.reach.landscape import Landscape
from gdcc.reach.ledger import Entry
from gdcc.reach.limits import limits
from gdcc.reach.matrix import Part
from gdcc.reach.ports import Ports

Json = dict[str, Any]


def summary(landscape: Landscape) -> Json:
    """How much was looked at."""
    return {
        "agencies": len(landscape.estate.tenants),
        "namespaces": len(landscape.tenants),
        "policies": len(landscape.matrix.policies),
        "agreements": len(landscape.estate.agreements),
        "day": str(landscape.estate.today),
    }


def limits_lines(landscape: Landscape) -> Iterator[str]:
    """The limits in English, for the end of a text; marked, so that a list that is piped on stays a list."""
    yield "# limits of this answer:"
    yield from (f"# {limit.en}" for limit in limits(landscape))


def limits_json(landscape: Landscape) -> list[Json]:
    """The limits in both languages."""
    return [{"th": limit.th, "en": limit.en} for limit in limits(landscape)]


def line(entry: Entry) -> str:
    """One line of the matrix."""
    topic = entry.topic
    environments = f" ({', '.join(entry.environments)})" if topic.agencies else ""
    pods = f"from pods {topic.source_pods}, " if topic.source_pods else ""
    many = f", {entry.pairs} pairs of namespaces" if entry.pairs > 1 else ""
    opened = f"{pods}{topic.service}{many}"
    return f"{entry.source} → {topic.target}{environments}: {topic.ports} ({opened}) by {entry.declared_in}"


def matrix_lines(landscape: Landscape, entries: Iterable[Entry]) -> Iterator[str]:
    """Who reaches whom: between agencies first, then what the platform's rules open."""
    told = list(entries)
    between = [entry for entry in told if entry.topic.agencies]
    counted = summary(landscape)
    yield f"{counted['agencies']} agencies, {counted['namespaces']} namespaces, {counted['policies']} policies"
    yield f"between agencies: {len(between)}"
    yield from (f"  {line(entry)}" for entry in between)
    yield f"by the platform's rules and to the outside: {len(told) - len(between)}"
    yield from (f"  {line(entry)}" for entry in told if not entry.topic.agencies)


def entry_json(entry: Entry) -> Json:
    """One line with the namespaces it stands for."""
    topic = entry.topic
    return {
        "from": entry.source,
        "to": topic.target,
        "agencies": list(topic.agencies) if topic.agencies else None,
        "environments": list(entry.environments),
        "from_pods": topic.source_pods,
        "to_pods": topic.target_pods,
        "ports": ports_json(topic.ports),
        "service": topic.service,
        "because": [
            {"side": one.side, "policy": one.policy, "rule": one.rule, "source": one.source} for one in topic.reasons
        ],
        "namespaces": [{"from": sorted(part.sources), "to": sorted(part.targets)} for part in entry.parts],
    }


def ports_json(ports: Ports) -> list[Json]:
    """Ranges; `names` are what the receiving pod must call the port."""
    return [
        {"protocol": one.protocol, "first": one.low, "last": one.high, "names": sorted(one.names)}
        for one in ports.ranges
    ]


def answer_lines(landscape: Landscape, explanations: list[Explanation]) -> Iterator[str]:
    """What is reachable with its reasons, then what is not and why; the same reason is given once."""
    denied: dict[str, list[str]] = defaultdict(list)
    for one in explanations:
        pair = f"{title(landscape, one.source)} → {title(landscape, one.target)}"
        yield from (f"reachable: {pair}: {opened}" for opened in one.openings(landscape))
        if one.obstacle:
            denied[one.obstacle].append(pair)
    yield from (f"not reachable: {', '.join(pairs)}: {obstacle}" for obstacle, pairs in denied.items())


def answer_json(landscape: Landscape, explanations: list[Explanation]) -> list[Json]:
    """Every pair of namespaces of the two."""
    return [
        {
            "from": {"namespace": one.source, "name": title(landscape, one.source)},
            "to": {"namespace": one.target, "name": title(landscape, one.target)},
            "reachable": bool(one.parts),
            "openings": [_opening_json(landscape, part) for part in one.parts],
            "obstacle": one.obstacle,
        }
        for one in explanations
    ]


def _opening_json(landscape: Landscape, part: Part) -> Json:
    flow = part.flow
    return {
        "ports": ports_json(part.ports),
        "from_pods": str(flow.source.pods),
        "to_pods": str(flow.target.pods),
        "from_addresses": str(flow.source.addresses),
        "to_addresses": str(flow.target.addresses),
        "because": list(because_of(landscape, part)),
    }


def ports_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """The auditor's list: a line for each service and range of ports, who uses it, and what declares it."""
    yield "\t".join(("protocol", "ports", "service", "from", "to", "environments", "declared in"))
    for protocol, ports, entry in by_port(entries):
        topic = entry.topic
        yield "\t".join(
            (
                protocol,
                ports,
                topic.service,
                entry.source,
                topic.target,
                ",".join(entry.environments),
                entry.declared_in,
            )
        )


def ports_json_list(entries: Iterable[Entry]) -> list[Json]:
    """The auditor's list as data."""
    return [
        {
            "protocol": protocol,
            "ports": ports,
            "service": entry.topic.service,
            "from": entry.source,
            "to": entry.topic.target,
            "environments": list(entry.environments),
            "declared_in": list(entry.files),
        }
        for protocol, ports, entry in by_port(entries)
    ]


def by_port(entries: Iterable[Entry]) -> Iterator[tuple[str, str, Entry]]:
    """Each range of ports of each line, sorted by protocol and port."""
    ranges = [(one, entry) for entry in entries for one in entry.topic.ports.ranges]
    ranges.sort(key=lambda pair: (*pair[0].sort_key(), pair[1].topic.service, pair[1].source))
    return ((one.protocol, one.numbers(), entry) for one, entry in ranges)


def difference_lines(revision: str, change: Difference) -> Iterator[str]:
    """What is opened, with a plus, and closed, with a minus."""
    if not change.opened and not change.closed:
        yield f"nothing is opened and nothing is closed since {revision}"
        return
    yield f"since {revision}: {len(change.opened)} opened, {len(change.closed)} closed"
    yield from (f"+ {line(entry)}" for entry in change.opened)
    yield from (f"- {line(entry)}" for entry in change.closed)
