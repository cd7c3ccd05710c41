"""A connection between pods of the platform: each rule from one named pod to another, both ends written.

A connection needs a way out on one side and a way in on the other; `Wire` makes both, so that neither is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from gdcc.model.traffic import Port
from gdcc.network.policy import SERVICE_LABEL, NetworkPolicy, namespace_named, ports, spec

SOURCE = "stacks/platform/services"
"""Where these rules follow from: that the services are there."""


@dataclass(frozen=True)
class End:
    """Pods of one name in one namespace."""

    namespace: str
    name: str

    @property
    def labels(self) -> dict[str, str]:
        """By which rules select them."""
        return {SERVICE_LABEL: self.name}


@dataclass(frozen=True)
class Wire:
    """A connection that is allowed."""

    start: End
    target: End
    port: int

    def policies(self) -> tuple[NetworkPolicy, NetworkPolicy]:
        """The way out, and the way in."""
        opened = ports([Port(port=self.port)])
        to = namespace_named(self.target.namespace, self.target.labels)
        origin = namespace_named(self.start.namespace, self.start.labels)
        name = f"{self.start.name}-to-{self.target.name}-{self.port}"
        outward = spec(self.start.labels, egress=[{"to": [to], "ports": opened}])
        inward = spec(self.target.labels, ingress=[{"from": [origin], "ports": opened}])
        return (
            NetworkPolicy(f"{name}-out", self.start.namespace, {}, outward, SOURCE),
            NetworkPolicy(f"{name}-in", self.target.namespace, {}, inward, SOURCE),
        )
