"""A pod as the API server has it: of a Deployment, a StatefulSet or a CronJob."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gdcc.errors import GdccError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """One pod.

    Attributes:
        namespace: where it is.
        name: of its workload.
        labels: by which Services find it.
        annotations: among them the hash of what it read at its start.
        spec: Kubernetes' PodSpec; the claims of a StatefulSet's first pod are volumes of it.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Json

    @classmethod
    def of(cls, workload: Json) -> Pod:
        """The first pod of a workload."""
        metadata, spec = workload["metadata"], workload["spec"]
        template = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
        claims = [one["metadata"]["name"] for one in spec.get("volumeClaimTemplates") or ()]
        volumes = [
            *(template["spec"].get("volumes") or ()),
            *({"name": one, "persistentVolumeClaim": {"claimName": f"{one}-{metadata['name']}-0"}} for one in claims),
        ]
        marks = (template["metadata"].get("labels") or {}, template["metadata"].get("annotations") or {})
        return cls(metadata["namespace"], metadata["name"], *marks, {**template["spec"], "volumes": volumes})

    @property
    def id(self) -> str:
        """Unlike any other's."""
        return f"{self.namespace}-{self.name}"

    @property
    def user(self) -> int:
        """User and group id of its containers."""
        security = self.spec.get("securityContext") or {}
        if not security.get("runAsUser"):
            raise GdccError(f"pod {self.namespace}/{self.name} names no user", "set securityContext.runAsUser")
        return int(security["runAsUser"])

    @property
    def asks_kubernetes(self) -> bool:
        """Whether the token of its service account is mounted."""
        return bool(self.spec.get("automountServiceAccountToken"))

    @property
    def container(self) -> Json:
        """The one that stays; the pods of this project have one each."""
        return dict(self.spec["containers"][0])

    @property
    def first(self) -> list[Json]:
        """Those that run to their end before it."""
        return list(self.spec.get("initContainers") or ())

    def mounted(self, kind: str) -> Iterator[Json]:
        """The volumes of one kind (`secret`, `configMap`), as they are named there."""
        return (one[kind] for one in self.spec["volumes"] if kind in one)
