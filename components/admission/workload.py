"""Pods, and everything that makes pods: seen alike, so that a tenant is refused when it writes and not later.

The pods themselves are what counts: they are checked whoever makes them. Templates are checked as well because a
refused pod of a Deployment is seen only in the events of its ReplicaSet.
"""

from __future__ import annotations

from types import MappingProxyType

from components.admission.wall import Matched

PODS = (
    # Ephemeral containers and new sizes come in through doors of their own: kyverno issues 10162 and 17060.
    Matched("", ("pods", "pods/ephemeralcontainers", "pods/resize")),
)
WORKLOADS = (
    *PODS,
    Matched("", ("podtemplates", "replicationcontrollers")),
    Matched("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    Matched("batch", ("cronjobs", "jobs")),
)


def _pod_spec(of: str) -> str:
    return (
        f"{of}.kind == 'Pod' ? dyn({of}).spec"
        f" : {of}.kind == 'CronJob' ? dyn({of}).spec.jobTemplate.spec.template.spec"
        f" : {of}.kind == 'PodTemplate' ? dyn({of}).?template.?spec.orValue(dyn({{'containers': []}}))"
        f" : dyn({of}).spec.?template.?spec.orValue(dyn({{'containers': []}}))"
    )


POD_VARIABLES = MappingProxyType(
    {
        "pod": _pod_spec("object"),
        # What passed before is not refused for a change elsewhere: a controller removes a finalizer, a team scales.
        # A pod is always checked when it is made, so nothing gets in this way.
        "changed": f"request.operation == 'CREATE' || variables.pod != ({_pod_spec('oldObject')})",
        "containers": "variables.changed ? variables.pod.containers + variables.pod.?initContainers.orValue([])"
        " + variables.pod.?ephemeralContainers.orValue([]) : []",
        "volumes": "variables.changed ? variables.pod.?volumes.orValue([]) : []",
    }
)
"""CEL variables: the pod's `spec`, whether it is new or changed, and its containers of all three sorts and volumes."""
