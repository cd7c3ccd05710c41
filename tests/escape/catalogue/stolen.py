"""Our own ideas about stolen credentials of the platform's people."""

from __future__ import annotations

from typing import Any

from tests.escape.attack import MERGE, Request, attempt
from tests.escape.ground import (
    HOME,
    OTHER,
    here,
    made_of,
    pod,
)

_RBAC = "rbac.authorization.k8s.io"


def _binding(name: str, group: str, role: str, kind: str = "RoleBinding") -> dict[str, Any]:
    return made_of(
        f"{_RBAC}/v1",
        kind,
        name,
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": _RBAC, "kind": "Group", "name": group}],
    )


_ROLES = f"/apis/{_RBAC}/v1/clusterroles"
_CREDENTIAL, _MAKER = "gdcc:credential:identity", "gdcc:credentials:identity"


def _secrets(*verbs: str) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs)}


ATTACKS = (
    attempt(
        "deployer",
        "a-stolen-deployer-lets-a-tenant-into-another-tenants-namespace",
        Request(
            "POST", here("rolebindings", OTHER, _RBAC), _binding("escape", "gdcc:ddc:tenant-admin", "gdcc:tenant-admin")
        ),
        "gdcc-bindings",
        says="bind the role to the group",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-lets-a-viewer-administer",
        Request("POST", here("rolebindings", HOME, _RBAC), _binding("escape", "gdcc:ddc:viewer", "gdcc:tenant-admin")),
        "gdcc-bindings",
        says="bind the role to the group",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-lets-a-tenant-into-kube-system",
        Request(
            "POST",
            here("rolebindings", "kube-system", _RBAC),
            _binding("escape", "gdcc:ddc:tenant-admin", "gdcc:tenant-admin"),
        ),
        "gdcc-bindings",
        says="bind a tenant role in the tenant's own namespace",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-lets-everybody-into-kube-system",
        Request(
            "POST",
            here("rolebindings", "kube-system", _RBAC),
            _binding("escape", "system:authenticated", "gdcc:viewer"),
        ),
        "gdcc-bindings",
        says="bind a tenant role in the tenant's own namespace",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-gives-a-tenant-a-built-in-role",
        Request("POST", here("rolebindings", HOME, _RBAC), _binding("escape", "gdcc:ddc:tenant-admin", "admin")),
        "rbac",
        "gdcc-bindings",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-lets-a-services-sync-read-every-secret",
        Request("PATCH", f"{_ROLES}/{_CREDENTIAL}", {"rules": [_secrets("get", "list")]}, MERGE),
        "gdcc-roles",
        says="names the one Secret service-<service>",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-widens-a-credentials-role-by-one-more-name",
        Request(
            "PATCH",
            f"{_ROLES}/{_CREDENTIAL}",
            {"rules": [{**_secrets("get"), "resourceNames": ["service-identity", "kubeconfig"]}]},
            MERGE,
        ),
        "gdcc-roles",
        says="wider than its names",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-lets-the-maker-of-a-services-secrets-run-pods",
        Request(
            "PATCH",
            f"{_ROLES}/{_MAKER}",
            {"rules": [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["any"], "verbs": ["create"]}]},
            MERGE,
        ),
        "gdcc-roles",
        says="lists the names",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-takes-a-credentials-role-himself-in-kube-system",
        Request(
            "POST",
            here("rolebindings", "kube-system", _RBAC),
            _binding("escape", "gdcc:platform:deployer", _CREDENTIAL),
        ),
        "gdcc-bindings",
        says="in tenants' namespaces",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-lets-himself-make-a-services-secrets",
        Request(
            "POST",
            here("rolebindings", "kube-system", _RBAC),
            _binding("escape", "gdcc:platform:deployer", _MAKER),
        ),
        "gdcc-bindings",
        says="to `credentials` of the service's own",
    ),
    attempt(
        "deployer",
        "a-stolen-deployer-gives-a-services-sync-a-credential-in-the-whole-cluster",
        Request(
            "POST",
            f"/apis/{_RBAC}/v1/clusterrolebindings",
            _binding("escape", "gdcc:platform:deployer", _CREDENTIAL, "ClusterRoleBinding"),
        ),
        "rbac",
        "gdcc-bindings",
    ),
    attempt("deployer", "a-stolen-deployer-reads-secrets", Request("GET", here("secrets")), "rbac", says="secrets"),
    attempt(
        "deployer",
        "a-stolen-deployer-deletes-a-tenant",
        Request("DELETE", f"/api/v1/namespaces/{OTHER}"),
        "rbac",
        "gdcc-namespaces",
        says="namespaces",
    ),
    attempt("deployer", "a-stolen-deployer-runs-a-pod", Request("POST", here("pods"), pod()), "rbac", says="pods"),
    attempt("auditor", "a-stolen-auditor-reads-secrets", Request("GET", here("secrets")), "rbac", says="secrets"),
    attempt(
        "auditor",
        "a-stolen-auditor-changes-a-quota",
        Request("PATCH", here("resourcequotas/quota"), {"metadata": {"labels": {"a": "b"}}}, MERGE),
        "rbac",
        "gdcc-bounds",
        "gdcc-marks",
    ),
    attempt(
        "approver",
        "a-stolen-approver-changes-a-quota",
        Request("PATCH", here("resourcequotas/quota"), {"metadata": {"labels": {"a": "b"}}}, MERGE),
        "rbac",
        "gdcc-bounds",
        "gdcc-marks",
    ),
)
