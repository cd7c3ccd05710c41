"""What containers may do and must have, in pods and in what makes them."""

from __future__ import annotations

from tests.escape.attack import MERGE, Attack, Request, attempt
from tests.escape.ground import ESTATE, HOME, container, here, made_of, pod, pod_spec, template, workload

_RESTRICTED = ("pod-security", "gdcc-restricted")
_UNFILTERED = {"runAsNonRoot": True, "seccompProfile": {"type": "Unconfined"}}
_ELSEWHERE = {"httpGet": {"path": "/", "port": 80, "host": "169.254.169.254"}}


def _pod(name: str, says: str, *containers: dict[str, object], **fields: object) -> Attack:
    request = Request("POST", here("pods"), pod(*containers, **fields))
    return attempt("developer", name, request, *_RESTRICTED, says=says)


_PODS = (
    _pod("a-pod-runs-without-a-seccomp-profile", "seccompProfile.type: RuntimeDefault", securityContext=_UNFILTERED),
    _pod(
        "a-pod-mounts-a-file-server-of-somebody",
        "use one of: configMap",
        volumes=[{"name": "files", "nfs": {"server": "192.0.2.1", "path": "/"}}],
    ),
    _pod(
        "a-pod-sets-the-kernel-for-all",
        "kernel.msgmax",
        securityContext={
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            "sysctls": [{"name": "kernel.msgmax", "value": "65536"}],
        },
    ),
    _pod("a-probe-asks-the-host-for-credentials", "remove host", container(livenessProbe=_ELSEWHERE)),
)
_TEMPLATES = (
    attempt(
        "developer",
        "a-deployment-makes-pods-that-gain-privileges",
        Request(
            "POST",
            here("deployments", group="apps"),
            workload(
                "Deployment", template(containers=[container(securityContext={"allowPrivilegeEscalation": True})])
            ),
        ),
        "gdcc-restricted",
        says="set securityContext.allowPrivilegeEscalation: false",
    ),
    attempt(
        "developer",
        "a-cron-job-makes-pods-that-run-as-root",
        Request(
            "POST",
            here("cronjobs", group="batch"),
            made_of(
                "batch/v1",
                "CronJob",
                spec={
                    "schedule": "@hourly",
                    "jobTemplate": {
                        "spec": {
                            "template": {
                                "spec": pod_spec(container(securityContext={"runAsUser": 0}), restartPolicy="Never")
                            }
                        }
                    },
                },
            ),
        ),
        "gdcc-restricted",
        says="set securityContext.runAsNonRoot: true",
    ),
)
_REST = (
    Attack(
        "a-pod-has-no-limits",
        "own",
        "developer",
        Request("POST", here("pods"), pod()),
        ("gdcc-limits",),
        "set resources.limits.cpu",
        after=("limits", "quota"),  # one fills limits in, the other asks for them before the wall does
    ),
    attempt(
        "tenant-admin",
        "a-service-account-gives-its-token-to-every-pod",
        Request("POST", here("serviceaccounts"), made_of("v1", "ServiceAccount")),
        "gdcc-tokens",
        says="automountServiceAccountToken: false",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-takes-the-data-class-away",
        Request(
            "PATCH", f"/api/v1/namespaces/{HOME}", {"metadata": {"labels": {"gdcc.go.th/data-class": None}}}, MERGE
        ),
        "gdcc-namespaces",
        says="set gdcc.go.th/data-class to one of",
    ),
)
_LATER = (
    attempt(
        "developer",
        "a-container-writes-to-its-image",
        Request("POST", here("pods"), pod(container(securityContext={"readOnlyRootFilesystem": False}))),
        "gdcc-read-only-root",
        says="readOnlyRootFilesystem: true",
    ),
)
ATTACKS = (*_PODS, *_TEMPLATES, *_REST, *(_LATER if ESTATE.admission.denies("read-only-root", ESTATE.today) else ()))
"""What only audits yet refuses nobody; tests/policies sees to it that it warns now and denies from its day on."""
