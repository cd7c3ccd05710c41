"""Where machines and storage are."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.parameters import FILE, parameters
from gdcc.compliance.checks.see import Live, cluster, few, on_cluster, verdict
from gdcc.compliance.evidence import State, Target

REGION = "topology.kubernetes.io/region"


@on_cluster("machines and storage in the regions of the allow-list", f"kubectl get nodes,storageclasses -L {REGION}")
def thai_locations(scene: Scene, live: Live) -> Iterator[Observation]:
    """Every node says its region, and every class of storage that tenants may name keeps to allowed ones."""
    allowed = parameters(scene.root).thai_regions
    expected = f"{REGION} is one of {', '.join(allowed)} ({FILE})"
    for node in live.every("v1", "Node"):
        region = (node["metadata"].get("labels") or {}).get(REGION, "")
        name = node["metadata"]["name"]
        target = Target(kind="node", name=name)
        said = region or "the node names no region"
        yield verdict(region in allowed, target, expected, said, f"kubectl get node {name} -L {REGION}")
    classes = {each["metadata"]["name"]: each for each in live.every("storage.k8s.io/v1", "StorageClass")}
    for name in scene.estate.admission.classes.storage:
        command = f"kubectl get storageclass {name} -o yaml"
        target = cluster(scene, f"storageclass/{name}")
        if name not in classes:
            yield Observation(State.NOT_APPLICABLE, target, expected, "the cluster has no such class", command)
            continue
        regions = [
            value
            for topology in classes[name].get("allowedTopologies") or ()
            for term in topology.get("matchLabelExpressions") or ()
            if term["key"] == REGION
            for value in term["values"]
        ]
        good = bool(regions) and set(regions) <= set(allowed)
        yield verdict(good, target, expected, few(regions) or "allowedTopologies names no region", command)


CHECKS = (Check("thai-locations", thai_locations),)
