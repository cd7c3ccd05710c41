"""Storage and credentials: volumes of one's own, and no secret that is a key to something else."""

from __future__ import annotations

from components.admission.wall import Check, Matched, Scope, Wall, cel, is_one_of
from components.admission.workload import POD_VARIABLES, WORKLOADS
from gdcc.model import Admission
from policies.rules.storage import VOLUME_NAMES, drivers, secret_types, storage_classes


def claims(admission: Admission) -> Wall:
    """Claims name a class for tenants and no volume that exists; data of others needs a ReferenceGrant (`bounds`)."""
    return Wall(
        "claims",
        "Volume claims are made of a tenant's storage class and its own data",
        Scope.TENANTS,
        (Matched("", ("persistentvolumeclaims",)), Matched("apps", ("statefulsets",))),
        (*_claim_checks(admission),),
        {
            # An old claim keeps what it has: a controller takes its finalizer away, or gives it more room.
            "claims": "request.operation == 'UPDATE' && object.spec == oldObject.spec ? dyn([])"
            " : object.kind == 'StatefulSet' ? dyn(object).spec.?volumeClaimTemplates.orValue([]) : [dyn(object)]",
            # A claim that is bound has the name of its volume: Kubernetes wrote it.
            "binding": is_one_of(admission.volume_binders),
            "bound": "oldObject != null && dyn(oldObject).?spec.?volumeName.orValue('') != ''",
        },
    )


def volumes(admission: Admission) -> Wall:
    """The claims inside pods, refused at once and not when a controller makes them; and inline drivers."""
    allowed = list(admission.classes.csi_drivers)
    return Wall(
        "volumes",
        "Volumes inside pods follow the rules for claims, and use no driver directly",
        Scope.TENANTS,
        WORKLOADS,
        (
            Check(
                "drivers",
                f"variables.volumes.filter(volume, has(volume.csi) && !(volume.csi.driver in {cel(allowed)}))"
                ".map(volume, volume.csi.driver)",
                *drivers(admission),
            ),
            *_claim_checks(admission),
        ),
        {
            **POD_VARIABLES,
            "claims": "variables.volumes.filter(volume, has(volume.ephemeral))"
            ".map(volume, volume.ephemeral.volumeClaimTemplate)",
            "binding": "false",
            "bound": "false",
        },
    )


def secrets(admission: Admission) -> Wall:
    """A secret of the type `service-account-token` is filled with a token that never expires."""
    return Wall(
        "secrets",
        "Secrets are data, not keys to the cluster",
        Scope.TENANTS,
        (Matched("", ("secrets",), ("CREATE",)),),  # the type never changes afterwards
        (
            Check(
                "keys",
                f"object.?type.orValue('Opaque') in {cel(list(admission.secret_types))} ? [] : [object.type]",
                *secret_types(admission),
            ),
        ),
        {},
    )


def _claim_checks(admission: Admission) -> tuple[Check, ...]:
    names = list(admission.classes.storage)
    return (
        Check(
            "storage_classes",
            "variables.claims.map(claim, claim.spec.?storageClassName.orValue("
            f"{cel(names[0])})).filter(name, !(name in {cel(names)}))"
            ".map(name, name == '' ? 'none' : name)",
            *storage_classes(admission),
        ),
        Check(
            "volume_names",
            "variables.binding || variables.bound ? [] : variables.claims.filter(claim,"
            " claim.spec.?volumeName.orValue('') != '').map(claim, claim.spec.volumeName)",
            *VOLUME_NAMES,
        ),
    )
