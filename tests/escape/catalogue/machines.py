"""Our own ideas about what runs and where: images, nodes, pools, priorities."""

from __future__ import annotations

from tests.escape.attack import MERGE, STRATEGIC, Request, attempt
from tests.escape.ground import (
    GOOD,
    NODE,
    POOL,
    PRODUCTION,
    REGISTRY,
    RUNTIME,
    WAITING,
    container,
    here,
    made_of,
    new_pod,
    pod,
    pod_spec,
    template,
    workload,
)

_FOREIGN = "docker.example/nginx:1"
_ELSEWHERE = "restricted" if POOL != "restricted" else "internet"


_IMAGES = (
    new_pod(
        "a-registry-has-a-name-that-begins-alike",
        "gdcc-images",
        pod(container(image=f"{REGISTRY}.evil.example/ddc/a:1")),
        "push it there",
    ),
    new_pod(
        "an-image-of-another-agency", "gdcc-images", pod(container(image=f"{REGISTRY}/dms/web:1")), "push it there"
    ),
    new_pod(
        "an-image-of-an-agency-whose-name-begins-alike",
        "gdcc-images",
        pod(container(image=f"{REGISTRY}/ddc-evil/web:1")),
        "push it there",
    ),
    new_pod(
        "an-image-path-climbs-to-another-agency",
        "gdcc-images",
        pod(container(image=f"{REGISTRY}/ddc/../dms/web:1")),
        "push it there",
    ),
    new_pod(
        "an-init-container-brings-a-foreign-image",
        "gdcc-images",
        pod(initContainers=[container("init", image=_FOREIGN)]),
        "push it there",
    ),
    new_pod(
        "a-volume-is-a-foreign-image",
        "gdcc-images",
        pod(volumes=[{"name": "image", "image": {"reference": _FOREIGN}}]),
        "push it there",
    ),
    new_pod("production-runs-a-tag-that-may-move", "gdcc-images", pod(), "name it with its digest", PRODUCTION),
    attempt(
        "developer",
        "a-running-pod-changes-to-a-foreign-image",
        Request(
            "PATCH", here(f"pods/{GOOD}"), {"spec": {"containers": [{"name": "app", "image": _FOREIGN}]}}, STRATEGIC
        ),
        "gdcc-images",
        says="push it there",
    ),
    attempt(
        "developer",
        "a-deployment-is-made-of-a-foreign-image",
        Request(
            "POST",
            here("deployments", group="apps"),
            workload("Deployment", template(containers=[container(image=_FOREIGN)])),
        ),
        "gdcc-images",
        says="push it there",
    ),
    attempt(
        "developer",
        "a-cron-job-is-made-of-a-foreign-image",
        Request(
            "POST",
            here("cronjobs", group="batch"),
            made_of(
                "batch/v1",
                "CronJob",
                spec={
                    "schedule": "@hourly",
                    "jobTemplate": {
                        "spec": {"template": {"spec": pod_spec(container(image=_FOREIGN), restartPolicy="Never")}}
                    },
                },
            ),
        ),
        "gdcc-images",
        says="push it there",
    ),
)
_MACHINES = (
    new_pod("a-pod-chooses-its-node-past-the-scheduler", "gdcc-placement", pod(nodeName=NODE), "the scheduler chooses"),
    new_pod("a-pod-brings-its-own-scheduler", "gdcc-placement", pod(schedulerName="mine"), "the scheduler chooses"),
    new_pod(
        "a-pod-selects-the-pool-of-others",
        "gdcc-placement",
        pod(nodeSelector={"gdcc.go.th/pool": _ELSEWHERE}),
        "your agency's own pool",
    ),
    new_pod(
        "a-pod-selects-the-control-plane",
        "gdcc-placement",
        pod(nodeSelector={"node-role.kubernetes.io/control-plane": ""}),
        "your agency's own pool",
    ),
    new_pod(
        "a-pod-is-drawn-to-the-pool-of-others",
        "gdcc-placement",
        pod(
            affinity={
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "weight": 1,
                            "preference": {"matchExpressions": [{"key": "gdcc.go.th/pool", "operator": "Exists"}]},
                        }
                    ]
                }
            }
        ),
        "your agency's own pool",
    ),
    new_pod("a-pod-tolerates-every-taint", "gdcc-placement", pod(tolerations=[{"operator": "Exists"}]), "allowed are"),
    new_pod(
        "a-pod-tolerates-the-pool-of-others",
        "gdcc-placement",
        pod(tolerations=[{"key": "gdcc.go.th/pool", "value": _ELSEWHERE}]),
        "allowed are",
    ),
    new_pod(
        "a-pod-tolerates-every-pool",
        "gdcc-placement",
        pod(tolerations=[{"key": "gdcc.go.th/pool", "operator": "Exists"}]),
        "allowed are",
    ),
    new_pod(
        "a-pod-is-more-important-than-the-cluster",
        "gdcc-classes",
        pod(priorityClassName="system-cluster-critical"),
        "use one of: tenant-standard",
    ),
    new_pod("a-pod-chooses-an-unsafe-runtime", "gdcc-classes", pod(runtimeClassName=RUNTIME), "use one of: gvisor"),
    attempt(
        "tenant-admin",
        "a-tenant-puts-a-pod-on-a-node-itself",
        Request(
            "POST",
            here(f"pods/{WAITING}/binding"),
            made_of("v1", "Binding", WAITING, target={"kind": "Node", "name": NODE}),
        ),
        "rbac",
        "gdcc-bounds",
        says="the scheduler chooses the node",
    ),
    attempt(
        "node",
        "a-node-says-that-it-is-in-another-pool",
        Request("PATCH", f"/api/v1/nodes/{NODE}", {"metadata": {"labels": {"gdcc.go.th/pool": "restricted"}}}, MERGE),
        "gdcc-nodes",
        says="let the platform team set",
    ),
    attempt(
        "node",
        "a-node-says-so-in-its-status",
        Request(
            "PATCH", f"/api/v1/nodes/{NODE}/status", {"metadata": {"labels": {"gdcc.go.th/pool": "restricted"}}}, MERGE
        ),
        "gdcc-nodes",
        says="let the platform team set",
    ),
)
ATTACKS = (*_IMAGES, *_MACHINES)
