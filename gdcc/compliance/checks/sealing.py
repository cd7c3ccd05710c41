"""Checks of encryption at rest: which provider comes first, what etcd really holds, and the age of the key."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from gdcc.cluster.api import Endpoint, identified
from gdcc.cluster.keys import created
from gdcc.cluster.members import APISERVER, ETCD
from gdcc.cluster.pki import ETCD_CA
from gdcc.cluster.rotation import stored_secrets
from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.parameters import FILE, parameters
from gdcc.compliance.checks.plane import Plane, on_plane
from gdcc.compliance.checks.see import cluster, few, verdict
from gdcc.compliance.evidence import State

SEALED = b"k8s:enc:"
"""How a value begins that the API server has sealed; the provider and its key follow."""
_FLAG = "encryption-provider-config"


@on_plane("an encrypting provider first for Secrets", f"ps -o args -C kube-apiserver | grep {_FLAG}")
def encryption_providers(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """The configuration that the running API server was started with."""
    first = _first(plane.file(_FLAG))
    yield verdict(
        first not in ("", "identity"),
        cluster(scene, APISERVER),
        "the first provider for Secrets encrypts; identity is never first",
        f"the first provider is {first}" if first else "nothing says that Secrets are encrypted",
        f"the file of --{_FLAG}",
    )


def _first(configuration: Any) -> str:
    """The first provider for Secrets; empty when there is none."""
    for entry in (configuration or {}).get("resources") or ():
        if {"secrets", "*.", "*.*"} & set(entry.get("resources") or ()):
            return next((name for provider in entry.get("providers") or () for name in provider), "")
    return ""


@on_plane("every Secret in etcd is sealed", "etcdctl get /registry/secrets/ --prefix")
def secrets_sealed_in_etcd(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Every Secret is read from etcd with the cluster's own certificates; only how its value begins is looked at."""
    etcd = Endpoint(plane.record.ports[ETCD], identified(plane.layout.pki, ETCD_CA, "apiserver-etcd-client"))
    target = cluster(scene, ETCD)
    expected = f"every value under /registry/secrets/ begins with {SEALED.decode()}"
    command = "etcdctl get /registry/secrets/ --prefix"
    plain: list[str] = []
    providers: set[str] = set()
    count = 0
    for name, value in stored_secrets(etcd):
        count += 1
        if value.startswith(SEALED):
            providers.add(":".join(value[:80].decode(errors="replace").split(":")[2:5]))
        else:
            plain.append(name)
    if not count:
        yield Observation(State.NOT_RUN, target, expected, "no Secret is stored yet", command)
        return
    said = f"{len(plain)} of {count} are readable: {few(plain)}" if plain else ""
    yield verdict(not plain, target, expected, said or f"{count} Secrets, sealed by {few(sorted(providers))}", command)


@on_plane("the key that seals Secrets is not older than the schedule", "gdcc cluster rotate-key")
def encryption_key_age(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """When the key was made that seals what is written now."""
    most = parameters(scene.root).encryption_key_days
    name, day = created(plane.layout)
    age = (datetime.now(UTC) - day).days
    yield verdict(
        age <= most,
        cluster(scene, APISERVER),
        f"the key that seals Secrets is at most {most} days old ({FILE})",
        f"{name}, made on {day.date()}, {age} days ago",
        "gdcc cluster rotate-key",
    )


CHECKS = (
    Check("encryption-providers", encryption_providers),
    Check("secrets-sealed-in-etcd", secrets_sealed_in_etcd),
    Check("encryption-key-age", encryption_key_age),
)
