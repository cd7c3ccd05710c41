"""Pitfalls of admission: side doors of pods, loosened labels, names that look alike, and what guards the guards."""

from __future__ import annotations

from tests.escape.attack import APPLY, MERGE, STRATEGIC, Attack, Request
from tests.escape.ground import GOOD, HOME, IMAGE, PRIVILEGED, SIGNING, WAITING, container, here, made_of

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_EPHEMERAL = here(f"pods/{GOOD}/ephemeralcontainers")
_ENFORCE = "pod-security.kubernetes.io/enforce"


def _debug(**fields: object) -> dict[str, object]:
    return {"spec": {"ephemeralContainers": [container("debugger", **fields)]}}


def _namespace(labels: dict[str, str | None]) -> dict[str, object]:
    return {"metadata": {"labels": labels}}


ATTACKS = (
    Attack(
        "an-ephemeral-container-brings-a-foreign-image",
        "kyverno-10162",
        "developer",
        Request("PATCH", _EPHEMERAL, _debug(image="docker.example/busybox:1"), STRATEGIC),
        ("gdcc-images",),
        "push it there",
    ),
    Attack(
        "an-ephemeral-container-is-privileged",
        "kyverno-10162",
        "developer",
        Request("PATCH", _EPHEMERAL, _debug(securityContext=PRIVILEGED), STRATEGIC),
        ("allow-privileged",),
        "privileged",
        twin=Request("PATCH", _EPHEMERAL, _debug(), STRATEGIC),
    ),
    Attack(
        "an-ephemeral-container-gains-privileges",
        "kyverno-10162",
        "developer",
        Request("PATCH", _EPHEMERAL, _debug(securityContext={"allowPrivilegeEscalation": True}), STRATEGIC),
        ("pod-security", "gdcc-restricted"),
        "allowPrivilegeEscalation",
    ),
    Attack(
        "an-ephemeral-container-runs-from-the-cache-of-the-node",
        "kyverno-10162",
        "developer",
        Request("PATCH", _EPHEMERAL, _debug(image=IMAGE, imagePullPolicy="Never"), STRATEGIC),
        ("gdcc-pull",),
        "imagePullPolicy: Always",
        after=("gdcc-default-pull-debug",),
    ),
    Attack(
        "a-running-pod-grows-above-the-limit",
        "kyverno-17060",
        "developer",
        Request(
            "PATCH",
            here(f"pods/{WAITING}/resize"),
            {"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "900Gi"}}}]}},
            STRATEGIC,
        ),
        ("limits", "quota"),
    ),
    Attack(
        "a-stolen-deployer-turns-pod-security-off",
        "kubernetes-website-45664",
        "deployer",
        Request("PATCH", f"/api/v1/namespaces/{HOME}", _namespace({_ENFORCE: "privileged"}), MERGE),
        ("gdcc-namespaces",),
        "keep pod-security.kubernetes.io/enforce=restricted",
    ),
    Attack(
        "a-stolen-deployer-pins-pod-security-to-an-old-version",
        "kubernetes-website-45664",
        "deployer",
        Request("PATCH", f"/api/v1/namespaces/{HOME}", _namespace({f"{_ENFORCE}-version": "v1.19"}), MERGE),
        ("gdcc-namespaces",),
        "without an older version",
    ),
    Attack(
        "a-stolen-deployer-takes-a-namespace-out-of-the-walls",
        "kubernetes-website-45664",
        "deployer",
        Request("PATCH", f"/api/v1/namespaces/{HOME}", _namespace({"gdcc.go.th/tenant": None}), MERGE),
        ("gdcc-namespaces",),
        "the tenant that it is named by",
    ),
    Attack(
        "a-user-has-the-name-of-the-administrators-group",
        "own",
        "pretender",
        Request("PATCH", f"/api/v1/namespaces/{HOME}", _namespace({_ENFORCE: "privileged"}), MERGE),
        ("rbac", "gdcc-namespaces"),
        "stacks/agencies/",
    ),
    Attack(
        "a-tenant-makes-a-namespace-that-looks-like-its-own",
        "CVE-2025-55205",
        "tenant-admin",
        Request(
            "POST",
            "/api/v1/namespaces",
            made_of("v1", "Namespace", "t0000000-dev", labels={"gdcc.go.th/tenant": "t0000000"}),
        ),
        ("rbac", "gdcc-namespaces"),
        "stacks/agencies/",
    ),
    Attack(
        "a-tenant-deletes-a-wall",
        "admission-cannot-guard-itself",
        "tenant-admin",
        Request("DELETE", f"{_ADMISSION}/validatingadmissionpolicybindings/gdcc-images"),
        ("rbac",),
        "validatingadmissionpolicybindings",
    ),
    Attack(
        "a-stolen-deployer-deletes-a-wall",
        "admission-cannot-guard-itself",
        "deployer",
        Request("DELETE", f"{_ADMISSION}/validatingadmissionpolicies/gdcc-images"),
        ("rbac",),
        "validatingadmissionpolicies",
    ),
    Attack(
        "a-stolen-deployer-adds-a-policy-that-changes-objects",
        "admission-cannot-guard-itself",
        "deployer",
        Request(
            "POST",
            f"{_ADMISSION}/mutatingadmissionpolicybindings",
            made_of("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding", spec={"policyName": "escape"}),
        ),
        ("rbac",),
        "mutatingadmissionpolicybindings",
    ),
    Attack(
        "a-tenant-deletes-all-network-policies-at-once",
        "deletecollection",
        "tenant-admin",
        Request("DELETE", here("networkpolicies", group="networking.k8s.io")),
        ("rbac", "gdcc-bounds", "gdcc-marks"),
        "change those files",
    ),
    Attack(
        "a-tenant-applies-over-the-quota",
        "server-side-apply",
        "tenant-admin",
        Request(
            "PATCH",
            here("resourcequotas/quota"),
            made_of("v1", "ResourceQuota", "quota", spec={"hard": {"pods": "9999"}}),
            APPLY,
        ),
        ("rbac", "gdcc-bounds", "gdcc-marks"),
        "ask for another size there",
    ),
    Attack(
        "a-tenant-resets-what-its-quota-has-counted",
        "subresources",
        "tenant-admin",
        Request("PATCH", here("resourcequotas/quota/status"), {"status": {"used": {"pods": "0"}}}, MERGE),
        ("rbac", "gdcc-bounds"),
        "ask for another size there",
    ),
    Attack(
        "a-tenant-removes-the-limits-of-containers",
        "MTB-PL1-BC-CPI-2",
        "tenant-admin",
        Request("DELETE", here("limitranges/limits")),
        ("rbac", "gdcc-bounds", "gdcc-marks"),
        "ask for another size there",
    ),
    Attack(
        "an-older-version-of-a-route-names-every-host",
        "equivalent-versions",
        "tenant-admin",
        Request(
            "POST",
            here("httproutes", group="gateway.networking.k8s.io", version="v1beta1"),
            made_of("gateway.networking.k8s.io/v1beta1", "HTTPRoute", spec={"hostnames": []}),
        ),
        ("gdcc-hostnames",),
        "use a name in the domains of this namespace",
    ),
    Attack(
        "a-stolen-deployer-grants-itself-secrets",
        "CIS-5.1.8",
        "deployer",
        Request(
            "PATCH",
            f"/apis/{_RBAC}/v1/clusterroles/gdcc:platform:deployer",
            made_of(
                f"{_RBAC}/v1",
                "ClusterRole",
                "gdcc:platform:deployer",
                rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
            ),
            APPLY,
        ),
        ("rbac",),
        "attempting to grant",
    ),
    Attack(
        "a-stolen-deployer-widens-the-tenants-roles",
        "CIS-5.1.8",
        "deployer",
        Request(
            "PATCH",
            f"/apis/{_RBAC}/v1/clusterroles/gdcc:viewer",
            {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]},
            MERGE,
        ),
        ("gdcc-roles",),
        "list verbs and resources by name",
    ),
    Attack(
        "a-stolen-deployer-lets-tenants-impersonate",
        "CIS-5.1.8",
        "deployer",
        Request(
            "PATCH",
            f"/apis/{_RBAC}/v1/clusterroles/gdcc:viewer",
            {"rules": [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}]},
            MERGE,
        ),
        ("gdcc-roles",),
        "without escalate, bind, impersonate",
    ),
    Attack(
        "a-stolen-deployer-lets-tenants-write-their-namespace",
        "CVE-2026-30963",
        "deployer",
        Request(
            "PATCH",
            f"/apis/{_RBAC}/v1/clusterroles/gdcc:tenant-admin",
            {"rules": [{"apiGroups": [""], "resources": ["namespaces/status"], "verbs": ["patch"]}]},
            MERGE,
        ),
        ("gdcc-roles",),
        "give tenants get, list, watch there",
    ),
    Attack(
        "a-stolen-approver-signs-a-certificate-for-a-person",
        "CIS-5.1.11",
        "approver",
        Request(
            "PUT",
            f"/apis/certificates.k8s.io/v1/certificatesigningrequests/{SIGNING}/approval",
            made_of(
                "certificates.k8s.io/v1",
                "CertificateSigningRequest",
                SIGNING,
                spec={"request": "", "signerName": "kubernetes.io/kube-apiserver-client"},
                status={
                    "conditions": [{"type": "Approved", "status": "True", "reason": "escape", "message": "escape"}]
                },
            ),
        ),
        ("rbac",),
        "not permitted to approve",
    ),
)
