"""A namespace of a common service, and what is put into it: objects that carry its labels and are its children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.services.workload import Pod
from gdcc.network.gateway import SERVICE

UNAWAITED = {"pulumi.com/skipAwait": "true"}
"""The Pulumi provider does not wait for it: pods wait for Secrets that jobs and people make after them."""


class Space:
    """Makes objects in one namespace, for one service.

    Args:
        name: the component's; logical names begin with it.
        service: the common service.
        namespace: where.
        parent: whose children they are.
    """

    def __init__(self, name: str, service: str, namespace: pulumi.Input[str], parent: pulumi.Resource) -> None:
        self.name, self.service, self.namespace = name, service, namespace
        self.child = pulumi.ResourceOptions(parent=parent)

    def metadata(
        self, name: str, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
    ) -> k8s.meta.v1.ObjectMetaArgs:
        """Of an object here."""
        marks = {SERVICE: self.service, **(labels or {})}
        notes = dict(annotations) if annotations else None
        return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=self.namespace, labels=marks, annotations=notes)

    def config(self, name: str, data: Mapping[str, str]) -> None:
        """A ConfigMap; never with a secret in it."""
        k8s.core.v1.ConfigMap(f"{self.name}-{name}", metadata=self.metadata(name), data=dict(data), opts=self.child)

    def deployment(self, pod: Pod, replicas: int, *, together: bool = True) -> None:
        """A Deployment named as its pods, with a budget that keeps all but one of them.

        Args:
            together: whether an old and a new pod may run at once.
        """
        rolling = k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        strategy = k8s.apps.v1.DeploymentStrategyArgs(type="RollingUpdate", rolling_update=rolling)
        spec = k8s.apps.v1.DeploymentSpecArgs(
            replicas=replicas,
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod.labels),
            strategy=strategy if together else k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),
            template=pod.template(),
        )
        metadata = self.metadata(pod.name, pod.labels, UNAWAITED)
        k8s.apps.v1.Deployment(f"{self.name}-{pod.name}", metadata=metadata, spec=spec, opts=self.child)
        if replicas > 1:
            self.budget(pod)

    def stateful(
        self,
        pod: Pod,
        replicas: int,
        claims: Sequence[k8s.core.v1.PersistentVolumeClaimArgs] = (),
        *,
        keep: bool = True,
    ) -> None:
        """A StatefulSet named as its pods; what its claims hold stays when it goes, if it is to be kept."""
        retention = k8s.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicyArgs(
            when_deleted="Retain" if keep else "Delete", when_scaled="Retain"
        )
        spec = k8s.apps.v1.StatefulSetSpecArgs(
            replicas=replicas,
            service_name=f"{pod.name}-pods",
            selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod.labels),
            template=pod.template(),
            volume_claim_templates=list(claims) or None,
            persistent_volume_claim_retention_policy=retention if claims else None,
        )
        metadata = self.metadata(pod.name, pod.labels, UNAWAITED)
        k8s.apps.v1.StatefulSet(f"{self.name}-{pod.name}", metadata=metadata, spec=spec, opts=self.child)
        if replicas > 1:
            self.budget(pod)

    def budget(self, pod: Pod) -> None:
        """One of the pods may be away for maintenance, never two."""
        spec = k8s.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1, selector=k8s.meta.v1.LabelSelectorArgs(match_labels=pod.labels)
        )
        k8s.policy.v1.PodDisruptionBudget(
            f"{self.name}-{pod.name}-budget", metadata=self.metadata(pod.name), spec=spec, opts=self.child
        )

    def service_of(
        self, pod: Pod, ports: Mapping[str, int], name: str = "", *, headless: bool = False, unready: bool = False
    ) -> None:
        """A Service before the pods, inside the cluster."""
        named = name or pod.name
        spec = k8s.core.v1.ServiceSpecArgs(
            type="ClusterIP",
            cluster_ip="None" if headless else None,
            publish_not_ready_addresses=unready or None,
            selector=pod.labels,
            ports=[
                k8s.core.v1.ServicePortArgs(name=one, port=port, target_port=port, protocol="TCP")
                for one, port in ports.items()
            ],
        )
        metadata = self.metadata(named, annotations=UNAWAITED)
        k8s.core.v1.Service(f"{self.name}-{named}-service", metadata=metadata, spec=spec, opts=self.child)

    def cron(self, pod: Pod, schedule: str, *, seconds: int = 900) -> None:
        """A CronJob whose runs never overlap.

        Args:
            schedule: in UTC.
            seconds: after which a run is ended.
        """
        job = k8s.batch.v1.JobSpecArgs(
            backoff_limit=2,
            active_deadline_seconds=seconds,
            ttl_seconds_after_finished=86_400,
            template=pod.template(),
        )
        spec = k8s.batch.v1.CronJobSpecArgs(
            schedule=schedule,
            time_zone="Etc/UTC",
            concurrency_policy="Forbid",
            starting_deadline_seconds=300,
            successful_jobs_history_limit=3,
            failed_jobs_history_limit=3,
            job_template=k8s.batch.v1.JobTemplateSpecArgs(spec=job),
        )
        k8s.batch.v1.CronJob(f"{self.name}-{pod.name}", metadata=self.metadata(pod.name), spec=spec, opts=self.child)

    def volume_claim(self, name: str, size: str, storage_class: str, *, shared: bool = False) -> None:
        """A PersistentVolumeClaim by itself."""
        k8s.core.v1.PersistentVolumeClaim(
            f"{self.name}-{name}",
            metadata=self.metadata(name, annotations=UNAWAITED),
            spec=volume_spec(size, storage_class, shared=shared),
            opts=self.child,
        )

    def account(self, name: str) -> None:
        """A service account; no pod gets its token without asking."""
        k8s.core.v1.ServiceAccount(
            f"{self.name}-{name}-account",
            metadata=self.metadata(name),
            automount_service_account_token=False,
            opts=self.child,
        )

    def custom(self, kind: str, api_version: str, name: str, spec: Mapping[str, Any]) -> None:
        """An object of an operator."""
        k8s.apiextensions.CustomResource(
            f"{self.name}-{name}-{kind.lower()}",
            api_version=api_version,
            kind=kind,
            metadata=self.metadata(name),
            spec=dict(spec),
            opts=self.child,
        )

    def certificate(self, name: str, *hosts: str, issuer: str) -> None:
        """A certificate that cert-manager makes and renews into the Secret `name`: 90 days, a third before its end."""
        spec = {
            "secretName": name,
            "dnsNames": list(hosts),
            "duration": "2160h",
            "renewBefore": "720h",
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": ["digital signature", "server auth"],
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer},
        }
        self.custom("Certificate", "cert-manager.io/v1", name, spec)


def volume_spec(size: str, storage_class: str, *, shared: bool = False) -> k8s.core.v1.PersistentVolumeClaimSpecArgs:
    """Of a claim; `shared` for pods on several machines at once."""
    return k8s.core.v1.PersistentVolumeClaimSpecArgs(
        access_modes=["ReadWriteMany" if shared else "ReadWriteOnce"],
        storage_class_name=storage_class,
        resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": size}),
    )
