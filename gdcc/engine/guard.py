"""Keeps what others made: a namespace that still holds it is not deleted, unless a tombstone gives it up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date

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


_DRAIN = "Scale its workloads to nothing, suspend its cron jobs, and run again."
_TOMBSTONE = "gdcc.go.th/tombstone"
"""Annotation of a namespace whose contents were given up: the hash of what was approved. Another value does not."""


def foreign_contents(deletes: Iterable[Step]) -> list[Problem]:
    """What stands in the way of deleting namespaces: all that this stack did not make, whatever its kind.

    Where a tombstone gives the contents up, only what still runs does, or the tombstone's own last day. Objects with an
    owner are not listed: their owner is. It is asked anew each time, at preview and before a delete.
    """
    deletes = list(deletes)
    doomed: dict[Site, dict[str, Mapping[str, str]]] = defaultdict(dict)
    for step in deletes:
        if step.key.group_kind == NAMESPACE and not step.retained:
            doomed[step.site][step.key.name] = ((step.live or {}).get("metadata") or {}).get("annotations") or {}
    problems = [*_lost(deletes, doomed)]
    for site, namespaces in doomed.items():
        given_up = {name for name, marks in namespaces.items() if marks.get(_TOMBSTONE, "").startswith("sha256:")}
        for name in sorted(given_up):
            problems += _overdue(name, namespaces[name].get(f"{_TOMBSTONE}-expires", ""))
        problems += _foreign_contents(site, set(namespaces), given_up)
    return problems


def _lost(deletes: list[Step], doomed: Mapping[Site, Collection[str]]) -> Iterator[Problem]:
    for step in deletes:
        if step.retained and step.key.namespace in doomed.get(step.site, ()):
            message = f"is to be kept (retainOnDelete), and its namespace {step.key.namespace} would be deleted"
            yield Problem(
                str(step.key), message, "Keep the namespace in the program, or move the object out of it first."
            )


def _overdue(namespace: str, until: str) -> Iterator[Problem]:
    if until and until < date.today().isoformat():
        message = f"the tombstone that gives it up expired on {until}"
        yield Problem(f"Namespace {namespace}", message, "Have it approved anew: `gdcc offboard` says how.")


def _foreign_contents(site: Site, namespaces: set[str], given_up: set[str]) -> Iterator[Problem]:
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
                metadata = live["metadata"]
                runs = served.kind.kind == "Pod" and "deletionTimestamp" not in metadata
                if runs if metadata["namespace"] in given_up else _is_foreign(site, served, live):
                    found[metadata["namespace"]].append(f"{served.kind.kind} {metadata['name']}")
    for namespace, contents in sorted(found.items()):
        counts = Counter(each.partition(" ")[0] for each in contents)
        listing = ", ".join(contents[:_SHOWN]) + (
            f" and {len(contents) - _SHOWN} more" if len(contents) > _SHOWN else ""
        )
        summary = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        told = "is not drained" if namespace in given_up else "still holds what this stack did not make"
        hint = _DRAIN if namespace in given_up else _HINT
        yield Problem(f"Namespace {namespace}", f"{told} ({summary}): {listing}", hint)


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
