"""Keeps what others made: a namespace that still holds it is not deleted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from gdcc.engine.api import CONNECTIONS, ApiError, Object, Served
from gdcc.engine.problems import Problem
from gdcc.engine.site import Site
from gdcc.engine.step import NAMESPACE, Step

_MADE_BY_KUBERNETES = {
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
}
_NOBODYS = {
    "Endpoints",
    "EndpointSlice.discovery.k8s.io",
    "Event",
    "Event.events.k8s.io",
    "Lease.coordination.k8s.io",
    "NetworkPolicy.networking.k8s.io",
    "PodMetrics.metrics.k8s.io",
}
"""Kinds that hold nothing of anyone's: made by controllers, or rules without data."""
_FEW = 3
_SHOWN = 8
_HINT = "Move it away, or delete it with its owner's agreement (kubectl -n NAMESPACE delete ...), then run again."


def foreign_contents(deletes: Iterable[Step]) -> list[Problem]:
    """What stands in the way of deleting namespaces: all that this stack did not make, whatever its kind.

    Objects with an owner are not listed: their owner is. It is asked anew each time, at preview and before a delete.
    """
    doomed: dict[Site, set[str]] = defaultdict(set)
    for step in deletes:
        if step.key.group_kind == NAMESPACE and not step.retained:
            doomed[step.site].add(step.key.name)
    return [problem for site, namespaces in doomed.items() for problem in _foreign_contents(site, namespaces)]


def _foreign_contents(site: Site, namespaces: set[str]) -> Iterator[Problem]:
    found: Mapping[str, list[str]] = defaultdict(list)
    kinds = [
        served
        for served in site.api.kinds()
        if served.namespaced and "list" in served.verbs and "delete" in served.verbs
        if served.kind.group_kind not in _NOBODYS and site.api.preferred(served.kind.group_kind) == served
    ]
    with ThreadPoolExecutor(CONNECTIONS, "guard") as pool:
        for served, objects in zip(kinds, pool.map(lambda kind: _contents(site, kind, namespaces), kinds), strict=True):
            if isinstance(objects, ApiError):
                yield Problem(
                    "namespaces to delete", f"cannot see what they hold: {objects.message}", objects.hint, "guard"
                )
                continue
            for live in objects:
                if _is_foreign(site, served, live):
                    metadata = live["metadata"]
                    found[metadata["namespace"]].append(f"{served.kind.kind} {metadata['name']}")
    for namespace, contents in sorted(found.items()):
        counts = Counter(each.partition(" ")[0] for each in contents)
        listing = ", ".join(contents[:_SHOWN]) + (
            f" and {len(contents) - _SHOWN} more" if len(contents) > _SHOWN else ""
        )
        summary = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        yield Problem(
            f"Namespace {namespace}", f"still holds what this stack did not make ({summary}): {listing}", _HINT
        )


def _contents(site: Site, served: Served, namespaces: set[str]) -> list[Object] | ApiError:
    """All objects of a kind in these namespaces; one list of the whole cluster when they are many."""
    try:
        if len(namespaces) <= _FEW:
            listed = [each for name in namespaces for each in site.api.list(served, name, metadata_only=True)]
        else:
            listed = list(site.api.list(served, metadata_only=True))
    except ApiError as error:
        return [] if error.status in (404, 405) else error
    return [each for each in listed if each["metadata"]["namespace"] in namespaces]


def _is_foreign(site: Site, served: Served, live: Object) -> bool:
    if site.is_member(live) or live["metadata"].get("ownerReferences") or "deletionTimestamp" in live["metadata"]:
        return False
    return (served.kind.group_kind, live["metadata"]["name"]) not in _MADE_BY_KUBERNETES
