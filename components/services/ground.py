"""What every common service is built on: the estate, images by digest, and what the cluster has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.access import RBAC, Rule
from components.services.space import Space
from components.services.workload import Container, Mount, Pod, config_files, scratch, secret_files
from gdcc.model import Estate, StackSettings
from gdcc.model.images import references
from gdcc.model.stack import Operator
from gdcc.network.gateway import SERVICE, backend
from gdcc.services.recipe import Recipe, written

DOMAIN = "svc.cluster.local"
"""Of Services inside the cluster."""
ISSUER = "gdcc-services"
"""cert-manager's ClusterIssuer of the certificates inside; its authority is trusted inside and nowhere else."""
AUTHORITY = "authority"
"""Secret of each namespace: `ca.crt`, what its programs trust."""
AUTHORITY_FOLDER = "/etc/gdcc/authority"
AUTHORITY_FILE = f"{AUTHORITY_FOLDER}/ca.crt"
CREDENTIALS = "credentials"
"""Name of what makes a namespace's Secrets: CronJob, ConfigMap and service account."""
MAKER_ROLE = "gdcc:credentials:{}"
"""ClusterRole by which a service's own Secrets are made in its own namespace."""
STORAGE = "encrypted"
"""Storage class of what services keep, where the platform offers it."""

NEEDED = ("gdcc", "envoy", "keycloak", "postgresql", "kill-bill", "mayan-edms", "valkey")
"""Images without which nothing is built; with CloudNativePG `postgresql` is one that its operator accepts."""
OPTIONAL = ("payment-adapter", "as4-exchange")
"""Images of what comes later; its place is kept, and nothing pretends to be it."""


@dataclass(frozen=True)
class Ground:
    """Given to every service's component.

    Attributes:
        images: by name, with their digests.
    """

    estate: Estate
    images: Mapping[str, str]

    @classmethod
    def of(cls, estate: Estate, settings: StackSettings) -> Ground:
        """That of an estate, as a stack's settings have it.

        Raises:
            GdccError: images have no digest yet.
        """
        images = references(estate.images, NEEDED, OPTIONAL, stand_in=settings.images == "stand-in")
        return cls(estate, images)

    @property
    def operators(self) -> tuple[Operator, ...]:
        """Whose custom resources the cluster has."""
        return self.estate.operators

    @property
    def storage_class(self) -> str:
        """Of what services keep."""
        offered = self.estate.admission.classes.storage
        return STORAGE if STORAGE in offered else offered[0]

    def certificate(self, space: Space, name: str, *hosts: str) -> None:
        """A certificate in the Secret `name`; where there is no cert-manager, the platform team puts it there."""
        if "cert-manager" in self.operators:
            space.certificate(name, *hosts, issuer=ISSUER)

    def authority(self, space: Space) -> None:
        """The Secret by which programs here trust the others: cert-manager writes `ca.crt` beside any certificate."""
        self.certificate(space, AUTHORITY, f"authority.{backend(space.service)}.{DOMAIN}")


def trusted() -> Mount:
    """The certificate authorities inside."""
    return secret_files(AUTHORITY_FOLDER, AUTHORITY, "ca.crt")


def inside(service: str, name: str) -> str:
    """Host name of a Service of a common service."""
    return f"{name}.{backend(service)}.{DOMAIN}"


def maker_rule(recipes: Iterable[Recipe]) -> Rule:
    """What makes Secrets may read and write these, by name (server-side apply), and nothing else."""
    return Rule("", ("secrets",), ("create", "get", "patch"), tuple(one.name for one in recipes))


def makes_secrets(space: Space, ground: Ground, recipes: tuple[Recipe, ...]) -> None:
    """The CronJob that makes a service's Secrets in the cluster, so that no value passes through the program.

    It runs every five minutes, makes what is missing and changes nothing; pods that need a Secret wait for it.
    """
    role = MAKER_ROLE.format(space.service)
    space.config(CREDENTIALS, {"secrets.json": written(recipes)})
    space.account(CREDENTIALS)
    k8s.rbac.v1.ClusterRole(
        f"{space.name}-credentials-role",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=role, labels={SERVICE: space.service}),
        rules=[maker_rule(recipes).args()],
        opts=space.child,
    )
    k8s.rbac.v1.RoleBinding(
        f"{space.name}-credentials-grant",
        metadata=space.metadata(CREDENTIALS),
        role_ref=k8s.rbac.v1.RoleRefArgs(api_group=RBAC, kind="ClusterRole", name=role),
        subjects=[k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=CREDENTIALS, namespace=space.namespace)],
        opts=space.child,
    )
    container = Container(
        CREDENTIALS,
        ground.images["gdcc"],
        ("python", "-m", "gdcc.services.secrets"),
        ("/etc/gdcc/credentials/secrets.json",),
        mounts=(config_files("/etc/gdcc/credentials", CREDENTIALS), scratch()),
    )
    pod = Pod(space.service, CREDENTIALS, (container,), account=CREDENTIALS, token=True, once=True)
    space.cron(pod, "*/5 * * * *", seconds=120)


@dataclass(frozen=True)
class ServiceArgs:
    """Arguments of a common service's component.

    Attributes:
        namespace: from `ServiceNamespace`, so that it is there first.
        ground: what it is built on.
    """

    namespace: pulumi.Input[str]
    ground: Ground
