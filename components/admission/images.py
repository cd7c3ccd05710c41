"""Images: from the government's registry only, by digest where it matters, and pulled with one's own credentials."""

from __future__ import annotations

from components.admission.wall import Check, Scope, Wall, cel, namespace_label
from components.admission.workload import POD_VARIABLES, PODS, WORKLOADS
from gdcc.model import Admission
from gdcc.model.admission import AGENCY

_DIGEST = "@sha256:[a-f0-9]{64}"
_WITHIN = rf"^(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?({_DIGEST})?$"
"""What follows a repository: path, tag and digest as the OCI distribution specification writes them."""


def images(admission: Admission) -> Wall:
    """Registries and digests; volumes that are images count as images."""
    environments = [environment.value for environment in admission.images.digests]
    return Wall(
        "images",
        "Images come from the government's registry, and are pinned where it matters",
        Scope.TENANTS,
        WORKLOADS,
        (
            Check(
                "strangers",
                "variables.images.filter(image, !variables.repositories.exists(repository,"
                f" image.startsWith(repository + '/') && image.substring(size(repository)).matches({cel(_WITHIN)})))",
                "not an image of the government's registry",
                "push it there and use its name",
                "ให้นำอิมเมจขึ้นทะเบียนกลางแล้วใช้ชื่อนั้น",
                "variables.repositories",
            ),
            Check(
                "unpinned",
                f"{namespace_label('environment')} in {cel(environments)}"
                f" ? variables.images.filter(image, !image.matches({cel(_DIGEST + '$')})) : []",
                "not pinned to a digest",
                f"in {' and '.join(environments)} name it with its digest, image@sha256:...",
                "ให้ระบุ digest ของอิมเมจ",
            ),
        ),
        {
            **POD_VARIABLES,
            "repositories": f"{cel(list(admission.images.repositories))}"
            f".map(written, written.replace({cel(AGENCY)}, {namespace_label('agency')}))",
            "images": "variables.containers.map(container, container.?image.orValue(''))"
            " + variables.volumes.filter(volume, has(volume.image)).map(volume, volume.image.?reference.orValue(''))",
        },
    )


def pull(_: Admission) -> Wall:
    """Without it, an image that is on a node already serves a pod whose owner may not pull it (MTB-PL1-CC-DI-1)."""
    return Wall(
        "pull",
        "Images are always pulled, so that each pod needs the right to its image",
        Scope.TENANTS,
        PODS,
        (
            Check(
                "cached",
                "variables.containers.filter(container, container.?imagePullPolicy.orValue('') != 'Always')"
                ".map(container, container.name)",
                "containers that may run from a node's cache",
                "set imagePullPolicy: Always",
                "ให้ตั้ง imagePullPolicy: Always",
            ),
        ),
        POD_VARIABLES,
    )
