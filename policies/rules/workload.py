"""Pods and everything that makes pods, seen alike: the counterpart of `components.admission.workload`."""

from __future__ import annotations

from collections.abc import Iterator

from policies.rules.rule import Subject
from policies.rules.view import View

_TO_POD = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"),
        ("spec", "template", "spec"),
    ),
}
WORKLOADS = frozenset(_TO_POD)
"""Kinds that are pods or make them."""
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def pod(subject: Subject) -> View:
    """The pod's spec inside a workload."""
    return subject.manifest.at(*_TO_POD[subject.kind])


def itself(subject: Subject) -> Iterator[View]:
    """The pod's spec, as the one part that is judged."""
    yield pod(subject)


def containers(subject: Subject) -> Iterator[View]:
    """Containers of all three sorts."""
    for sort in _CONTAINERS:
        yield from pod(subject).at(sort).items()


def volumes(subject: Subject) -> Iterator[View]:
    """Volumes."""
    yield from pod(subject).at("volumes").items()


def name(part: View) -> str:
    """Of a container or a volume; what has none says so."""
    raw = part.at("name").raw
    return raw if isinstance(raw, str) else "(without a name)"
