"""Images: from the government's registry only, by digest where it matters, and pulled with one's own credentials."""

from __future__ import annotations

from components.admission.wall import Check, Scope, Wall, cel, namespace_label
from components.admission.workload import POD_VARIABLES, PODS, WORKLOADS
from gdcc.model import Admission
from gdcc.model.admission import AGENCY
from policies.rules.images import CACHED, DIGEST, STRANGERS, WITHIN, unpinned


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
                f" image.startsWith(repository + '/') && image.substring(size(repository)).matches({cel(WITHIN)})))",
                *STRANGERS,
                "variables.repositories",
            ),
            Check(
                "unpinned",
                f"{namespace_label('environment')} in {cel(environments)}"
                f" ? variables.images.filter(image, !image.matches({cel(DIGEST + '$')})) : []",
                *unpinned(admission),
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
                *CACHED,
            ),
        ),
        POD_VARIABLES,
    )
