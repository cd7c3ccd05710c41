"""Pods of the common services: every one of them as strict as those of tenants, from a few words each.

Nothing here holds a secret: what is secret is a Secret's name and key, and Kubernetes puts the value in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi_kubernetes as k8s

from gdcc.network.gateway import SERVICE
from gdcc.network.policy import SERVICE_LABEL

USER = 10_001
"""User and group of containers whose image names none that we rely on."""
CONFIGURATION = "gdcc.go.th/configuration"
"""Annotation of a pod: hash of the configuration it started with, so that a change starts it anew."""


@dataclass(frozen=True)
class SecretKey:
    """The value of one key of a Secret, as an environment variable."""

    secret: str
    key: str


@dataclass(frozen=True)
class Mount:
    """A volume at a place in a container.

    Attributes:
        path: where.
        source: of the volume, as Kubernetes has it; empty where a StatefulSet claims a volume of this `name`.
        writable: else it is mounted to be read.
    """

    path: str
    source: Mapping[str, Any]
    writable: bool = False

    @property
    def name(self) -> str:
        """Of the volume; two containers that say the same share it."""
        return f"v{hashlib.sha256(json.dumps([self.path, dict(self.source)], sort_keys=True).encode()).hexdigest()[:8]}"


def scratch(path: str = "/tmp", size: str = "256Mi") -> Mount:  # noqa: S108 - in the container
    """Files that go with the pod."""
    return Mount(path, {"empty_dir": {"size_limit": size}}, writable=True)


def config_files(path: str, config_map: str) -> Mount:
    """A ConfigMap as a folder."""
    return Mount(path, {"config_map": {"name": config_map}})


def secret_files(path: str, secret: str, *keys: str, optional: bool = False) -> Mount:
    """A Secret as a folder; only these keys, if any are named. Readable by owner and group alone."""
    items = {"items": [{"key": key, "path": key} for key in keys]} if keys else {}
    return Mount(path, {"secret": {"secret_name": secret, "default_mode": 0o440, "optional": optional, **items}})


def claim(path: str, name: str) -> Mount:
    """A PersistentVolumeClaim."""
    return Mount(path, {"persistent_volume_claim": {"claim_name": name}}, writable=True)


@dataclass(frozen=True)
class Probe:
    """How the kubelet asks a container."""

    port: int
    path: str = ""
    tls: bool = False
    command: tuple[str, ...] = ()
    patience: int = 3
    """Failures in a row, at 10 s each, that it takes."""

    def args(self) -> k8s.core.v1.ProbeArgs:
        """As Kubernetes has it."""
        often: dict[str, Any] = {"period_seconds": 10, "timeout_seconds": 5, "failure_threshold": self.patience}
        if self.command:
            return k8s.core.v1.ProbeArgs(exec_=k8s.core.v1.ExecActionArgs(command=list(self.command)), **often)
        if self.path:
            scheme = "HTTPS" if self.tls else "HTTP"
            asked = k8s.core.v1.HTTPGetActionArgs(path=self.path, port=self.port, scheme=scheme)
            return k8s.core.v1.ProbeArgs(http_get=asked, **often)
        return k8s.core.v1.ProbeArgs(tcp_socket=k8s.core.v1.TCPSocketActionArgs(port=self.port), **often)


@dataclass(frozen=True)
class Container:
    """One container.

    Attributes:
        memory: request and limit, so that a node never has to choose whom to end.
        cpu: request; the limit is `cpu_limit`.
        start: how long it may take to begin; until then nothing else is asked.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str | SecretKey] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    ready: Probe | None = None
    alive: Probe | None = None
    start: Probe | None = None
    cpu: str = "100m"
    cpu_limit: str = "1"
    memory: str = "256Mi"

    def args(self) -> k8s.core.v1.ContainerArgs:
        """As Kubernetes has it, under Pod Security `restricted` and with a root that cannot be written."""
        core = k8s.core.v1
        return core.ContainerArgs(
            name=self.name,
            image=self.image,
            image_pull_policy="Always",
            command=list(self.command) or None,
            args=list(self.arguments) or None,
            env=[_variable(name, value) for name, value in self.environment.items()] or None,
            ports=[core.ContainerPortArgs(name=name, container_port=port) for name, port in self.ports.items()] or None,
            volume_mounts=[
                core.VolumeMountArgs(name=one.name, mount_path=one.path, read_only=not one.writable)
                for one in self.mounts
            ]
            or None,
            readiness_probe=self.ready.args() if self.ready else None,
            liveness_probe=self.alive.args() if self.alive else None,
            startup_probe=self.start.args() if self.start else None,
            resources=core.ResourceRequirementsArgs(
                requests={"cpu": self.cpu, "memory": self.memory},
                limits={"cpu": self.cpu_limit, "memory": self.memory},
            ),
            security_context=core.SecurityContextArgs(
                allow_privilege_escalation=False,
                read_only_root_filesystem=True,
                run_as_non_root=True,
                capabilities=core.CapabilitiesArgs(drop=["ALL"]),
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
            ),
        )


def _variable(name: str, value: str | SecretKey) -> k8s.core.v1.EnvVarArgs:
    core = k8s.core.v1
    if isinstance(value, str):
        return core.EnvVarArgs(name=name, value=value)
    key = core.SecretKeySelectorArgs(name=value.secret, key=value.key)
    return core.EnvVarArgs(name=name, value_from=core.EnvVarSourceArgs(secret_key_ref=key))


@dataclass(frozen=True)
class Pod:
    """A pod.

    Attributes:
        service: the common service it belongs to.
        name: `app.kubernetes.io/name`, by which network rules and Services find it.
        first: containers that run to their end before the others, in order.
        account: service account; its token is mounted only with `token`.
        user: user and group id.
        configuration: what it read at its start besides its manifest; see `CONFIGURATION`.
        once: whether it ends, as those of a CronJob do.
    """

    service: str
    name: str
    containers: Sequence[Container]
    first: Sequence[Container] = ()
    account: str = "default"
    token: bool = False
    user: int = USER
    configuration: str = ""
    once: bool = False
    grace: int = 60

    @property
    def labels(self) -> dict[str, str]:
        """What it is selected by."""
        return {SERVICE_LABEL: self.name}

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """As a workload has it; pods of one name keep to different machines where they can."""
        core, meta = k8s.core.v1, k8s.meta.v1
        marks = {CONFIGURATION: hashlib.sha256(self.configuration.encode()).hexdigest()} if self.configuration else {}
        spread = core.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key="kubernetes.io/hostname",
            when_unsatisfiable="ScheduleAnyway",
            label_selector=meta.LabelSelectorArgs(match_labels=self.labels),
        )
        every = [*self.first, *self.containers]
        volumes = {mount.name: mount for one in every for mount in one.mounts}
        return core.PodTemplateSpecArgs(
            metadata=meta.ObjectMetaArgs(labels=self.labels | {SERVICE: self.service}, annotations=marks or None),
            spec=core.PodSpecArgs(
                service_account_name=self.account,
                automount_service_account_token=self.token,
                enable_service_links=False,  # else each Service of the namespace becomes variables that programs read
                termination_grace_period_seconds=self.grace,
                restart_policy="OnFailure" if self.once else "Always",
                security_context=core.PodSecurityContextArgs(
                    run_as_non_root=True,
                    run_as_user=self.user,
                    run_as_group=self.user,
                    fs_group=self.user,
                    fs_group_change_policy="OnRootMismatch",
                    seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
                ),
                topology_spread_constraints=None if self.once else [spread],
                init_containers=[one.args() for one in self.first] or None,
                containers=[one.args() for one in self.containers],
                volumes=[core.VolumeArgs(name=name, **one.source) for name, one in volumes.items() if one.source]
                or None,
            ),
        )
