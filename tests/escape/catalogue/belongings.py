"""Our own ideas about what somebody else has: volumes, credentials, marks of the platform."""

from __future__ import annotations

from tests.escape.attack import MERGE, Request, attempt
from tests.escape.ground import (
    GOOD,
    OTHER,
    claim,
    here,
    made_of,
    new_pod,
    pod,
    template,
    workload,
)

_STORAGE = (
    attempt(
        "developer",
        "a-claim-takes-the-storage-class-of-the-platform",
        Request("POST", here("persistentvolumeclaims"), claim(storageClassName="platform")),
        "gdcc-claims",
        says="use one of: standard, encrypted",
    ),
    attempt(
        "developer",
        "a-claim-takes-a-volume-that-somebody-left",
        Request("POST", here("persistentvolumeclaims"), claim(storageClassName="standard", volumeName="left")),
        "gdcc-claims",
        says="leave volumeName out",
    ),
    attempt(
        "developer",
        "a-claim-without-a-class-takes-any-volume",
        Request("POST", here("persistentvolumeclaims"), claim(storageClassName="")),
        "gdcc-claims",
        says="use one of: standard, encrypted",
    ),
    attempt(
        "developer",
        "a-claim-takes-a-volume-afterwards",
        Request("PATCH", here(f"persistentvolumeclaims/{GOOD}"), {"spec": {"volumeName": "left"}}, MERGE),
        "gdcc-claims",
        says="leave volumeName out",
    ),
    attempt(
        "developer",
        "a-stateful-set-claims-the-storage-of-the-platform",
        Request(
            "POST",
            here("statefulsets", group="apps"),
            workload(
                "StatefulSet",
                template(),
                serviceName="escape",
                volumeClaimTemplates=[claim(storageClassName="platform")],
            ),
        ),
        "gdcc-claims",
        says="use one of: standard, encrypted",
    ),
    new_pod(
        "a-pod-claims-the-storage-of-the-platform-for-itself",
        "gdcc-volumes",
        pod(
            volumes=[
                {
                    "name": "own",
                    "ephemeral": {"volumeClaimTemplate": {"spec": claim(storageClassName="platform")["spec"]}},
                }
            ]
        ),
        "use one of: standard, encrypted",
    ),
    new_pod(
        "a-pod-claims-a-volume-that-somebody-left",
        "gdcc-volumes",
        pod(
            volumes=[{"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": claim(volumeName="left")["spec"]}}}]
        ),
        "leave volumeName out",
    ),
    new_pod(
        "a-pod-uses-a-storage-driver-directly",
        "gdcc-volumes",
        pod(volumes=[{"name": "driver", "csi": {"driver": "csi.example.org", "volumeAttributes": {"path": "/"}}}]),
        "use a PersistentVolumeClaim",
    ),
)
_CREDENTIALS = (
    attempt(
        "tenant-admin",
        "a-secret-fills-itself-with-a-token-for-ever",
        Request(
            "POST",
            here("secrets"),
            made_of(
                "v1",
                "Secret",
                type="kubernetes.io/service-account-token",
                annotations={"kubernetes.io/service-account.name": "workload"},
            ),
        ),
        "gdcc-secrets",
        says="short-lived tokens",
    ),
    attempt(
        "tenant-admin",
        "a-tenant-issues-a-token-outside-of-any-pod",
        Request(
            "POST",
            here("serviceaccounts/workload/token"),
            made_of("authentication.k8s.io/v1", "TokenRequest", "workload", spec={"expirationSeconds": 86400}),
        ),
        "rbac",
        "gdcc-bounds",
        says="let a pod use the service account",
    ),
    attempt("developer", "a-developer-lists-secrets", Request("GET", here("secrets")), "rbac", says="secrets"),
    attempt(
        "viewer",
        "a-viewer-changes-a-configuration",
        Request("PATCH", here(f"configmaps/{GOOD}"), {"data": {"a": "b"}}, MERGE),
        "rbac",
        says="configmaps",
    ),
    attempt("viewer", "a-viewer-runs-a-pod", Request("POST", here("pods"), pod()), "rbac", says="pods"),
    attempt(
        "tenant-admin",
        "a-tenant-speaks-for-an-administrator",
        Request(
            "GET",
            "/api/v1/nodes",
            headers={"Impersonate-User": "escape-suite", "Impersonate-Group": "gdcc:cluster-admin"},
        ),
        "rbac",
        says="impersonate",
    ),
    attempt(
        "tenant-admin",
        "a-tenant-evicts-another-tenants-pods",
        Request("DELETE", here("pods", OTHER)),
        "rbac",
        says="pods",
    ),
    attempt(
        "workload", "a-workload-reads-the-secrets-beside-it", Request("GET", here("secrets")), "rbac", says="secrets"
    ),
)
_MARKS = (
    attempt(
        "developer",
        "a-tenant-puts-an-object-among-what-the-platform-prunes",
        Request(
            "PATCH",
            here(f"configmaps/{GOOD}"),
            {"metadata": {"labels": {"applyset.kubernetes.io/part-of": "applyset-x-v1"}}},
            MERGE,
        ),
        "gdcc-marks",
        says="choose a prefix of your own",
    ),
    attempt(
        "tenant-admin",
        "a-tenant-takes-an-object-out-of-what-the-platform-keeps",
        Request(
            "PATCH",
            here("serviceaccounts/default"),
            {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}},
            MERGE,
        ),
        "gdcc-marks",
        says="leave them as they are",
    ),
    attempt(
        "tenant-admin",
        "a-tenant-deletes-an-object-of-the-platform",
        Request("DELETE", here("serviceaccounts/workload")),
        "gdcc-marks",
        says="make one of your own",
    ),
    attempt(
        "tenant-admin",
        "a-tenant-mounts-tokens-into-every-pod",
        Request("PATCH", here("serviceaccounts/default"), {"automountServiceAccountToken": True}, MERGE),
        "gdcc-marks",
        "gdcc-tokens",
        says="make one of your own",
    ),
    attempt(
        "developer",
        "a-tenant-claims-to-be-a-resource-of-the-program",
        Request(
            "PATCH",
            here(f"configmaps/{GOOD}"),
            {"metadata": {"annotations": {"engine.gdcc.go.th/urn": "urn:pulumi:local::gdcc::x"}}},
            MERGE,
        ),
        "gdcc-marks",
        says="choose a prefix of your own",
    ),
    new_pod(
        "a-pod-says-it-is-another-tenants",
        "gdcc-marks",
        pod(labels={"gdcc.go.th/tenant": OTHER.partition("-")[0]}),
        "choose a prefix of your own",
    ),
    new_pod(
        "a-pod-has-a-mark-of-a-part-of-the-platform",
        "gdcc-marks",
        pod(labels={"engine.gdcc.go.th/urn": "x"}),
        "choose a prefix of your own",
    ),
)
ATTACKS = (*_STORAGE, *_CREDENTIALS, *_MARKS)
