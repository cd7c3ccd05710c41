"""The 19 checks of the multi-tenancy benchmark (kubernetes-sigs/multi-tenancy, kubectl-mtb), by their ids.

Two ids are given out twice there; `-nodeport` tells the second apart. Two checks want tenants to write network policies
and role bindings themselves (`OPS`): that is refused here on purpose, as those are what keeps tenants apart.
"""

from __future__ import annotations

from tests.escape.attack import MERGE, Attack, Request
from tests.escape.ground import OTHER, PRIVILEGED, container, here, made_of, pod, service

_RBAC = "rbac.authorization.k8s.io"
_NETWORKING = "networking.k8s.io"
_OURS = ("rbac", "gdcc-bounds", "gdcc-marks")
_HOST = ("gdcc-host", "pod-security")
_RESTRICTED = ("pod-security", "gdcc-restricted")

_ESCALATING = made_of(
    f"{_RBAC}/v1",
    "Role",
    rules=[{"apiGroups": [_RBAC], "resources": ["roles", "rolebindings"], "verbs": ["escalate", "bind"]}],
)
_BINDING = made_of(
    f"{_RBAC}/v1",
    "RoleBinding",
    roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": "admin"},
    subjects=[{"apiGroup": _RBAC, "kind": "User", "name": "somchai"}],
)
_OPEN = made_of(
    f"{_NETWORKING}/v1",
    "NetworkPolicy",
    spec={"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]},
)


def _pod(name: str, reference: str, walls: tuple[str, ...], body: object, says: str = "") -> Attack:
    return Attack(name, reference, "developer", Request("POST", here("pods"), body), walls, says)  # type: ignore[arg-type]


ATTACKS = (
    Attack(
        "a-tenant-lists-nodes",
        "MTB-PL1-CC-CPI-1",
        "tenant-admin",
        Request("GET", "/api/v1/nodes"),
        ("rbac",),
        "nodes",
    ),
    Attack(
        "a-tenant-makes-a-persistent-volume",
        "MTB-PL1-CC-CPI-1",
        "tenant-admin",
        Request(
            "POST",
            "/api/v1/persistentvolumes",
            made_of(
                "v1",
                "PersistentVolume",
                spec={
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "hostPath": {"path": "/etc"},
                },
            ),
        ),
        ("rbac",),
        "persistentvolumes",
    ),
    Attack(
        "a-tenant-binds-itself-to-cluster-admin",
        "MTB-PL1-CC-CPI-1",
        "tenant-admin",
        Request(
            "POST",
            f"/apis/{_RBAC}/v1/clusterrolebindings",
            made_of(
                f"{_RBAC}/v1",
                "ClusterRoleBinding",
                roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
                subjects=[{"apiGroup": _RBAC, "kind": "Group", "name": "gdcc:ddc:tenant-admin"}],
            ),
        ),
        ("rbac", "gdcc-bindings"),
        "bind a tenant role in the tenant's own namespace",
    ),
    Attack(
        "a-tenant-annotates-an-object-of-the-platform",
        "MTB-PL1-BC-CPI-2",
        "tenant-admin",
        Request("PATCH", here("serviceaccounts/workload"), {"metadata": {"annotations": {"key1": "value1"}}}, MERGE),
        ("gdcc-marks",),
        "make one of your own",
    ),
    Attack(
        "a-tenant-deletes-the-network-policy-that-denies-all",
        "MTB-PL1-BC-CPI-2",
        "tenant-admin",
        Request("DELETE", here("networkpolicies/default-deny", group=_NETWORKING)),
        _OURS,
        "change those files",
    ),
    _pod(
        "a-pod-adds-capabilities",
        "MTB-PL1-BC-CPI-3",
        _RESTRICTED,
        pod(container(securityContext={"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}})),
        "SYS_ADMIN",
    ),
    _pod(
        "a-pod-runs-as-root",
        "MTB-PL1-BC-CPI-4",
        _RESTRICTED,
        pod(securityContext={"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}),
        "runAsNonRoot",
    ),
    Attack(
        "a-pod-is-privileged",
        "MTB-PL1-BC-CPI-5",
        "developer",
        Request("POST", here("pods"), pod(container(securityContext=PRIVILEGED))),
        ("allow-privileged",),
        "privileged",
        twin=Request("POST", here("pods"), pod()),
    ),
    _pod(
        "a-pod-gains-privileges",
        "MTB-PL1-BC-CPI-6",
        _RESTRICTED,
        pod(container(securityContext={"allowPrivilegeEscalation": True})),
        "allowPrivilegeEscalation",
    ),
    Attack(
        "a-tenant-raises-its-quota",
        "MTB-PL1-CC-TI-1",
        "tenant-admin",
        Request("PATCH", here("resourcequotas/quota"), {"spec": {"hard": {"pods": "9999"}}}, MERGE),
        _OURS,
        "ask for another size there",
    ),
    Attack(
        "a-tenant-reads-another-tenants-secrets",
        "MTB-PL1-CC-TI-2",
        "tenant-admin",
        Request("GET", here("secrets", OTHER)),
        ("rbac",),
        "secrets",
    ),
    Attack(
        "a-tenant-configures-another-tenants-application",
        "MTB-PL1-CC-TI-2",
        "tenant-admin",
        Request("POST", here("configmaps", OTHER), made_of("v1", "ConfigMap")),
        ("rbac",),
        "configmaps",
    ),
    Attack(
        "a-tenant-makes-a-role-that-escalates",
        "MTB-PL2-CC-TI-1",
        "tenant-admin",
        Request("POST", here("roles", group=_RBAC), _ESCALATING),
        ("rbac", "gdcc-bounds", "gdcc-roles"),
        "",
    ),
    _pod(
        "a-pod-mounts-a-folder-of-its-host",
        "MTB-PL1-BC-HI-1",
        _HOST,
        pod(volumes=[{"name": "host", "hostPath": {"path": "/"}}]),
        "hostPath",
    ),
    Attack(
        "a-service-opens-a-port-of-every-node",
        "MTB-PL1-BC-HI-1-nodeport",
        "developer",
        Request("POST", here("services"), service(type="NodePort")),
        ("gdcc-services", "quota"),
    ),
    _pod("a-pod-uses-the-network-of-its-host", "MTB-PL1-BC-HI-3", _HOST, pod(hostNetwork=True), "hostNetwork"),
    _pod(
        "a-container-opens-a-port-of-its-host",
        "MTB-PL1-BC-HI-3",
        _HOST,
        pod(container(ports=[{"containerPort": 80, "hostPort": 8080}])),
        "hostPort",
    ),
    _pod("a-pod-sees-the-processes-of-its-host", "MTB-PL1-BC-HI-4", _HOST, pod(hostPID=True), "hostPID"),
    _pod("a-pod-uses-the-ipc-of-its-host", "MTB-PL1-BC-HI-5", _HOST, pod(hostIPC=True), "hostIPC"),
    _pod(
        "a-pod-takes-more-than-the-quota",
        "MTB-PL1-CC-FNS-1",
        ("quota",),
        pod(*(container(f"c{i}", resources={"limits": {"cpu": "16", "memory": "64Gi"}}) for i in range(40))),
        "limited",
    ),
    Attack(
        "a-service-takes-a-load-balancer",
        "MTB-PL1-CC-FNS-2",
        "developer",
        Request("POST", here("services"), service(type="LoadBalancer", allocateLoadBalancerNodePorts=False)),
        ("gdcc-services", "quota"),
    ),
    Attack(
        "a-tenant-binds-a-built-in-role",
        "MTB-PL2-BC-OPS-3",
        "tenant-admin",
        Request("POST", here("rolebindings", group=_RBAC), _BINDING),
        ("rbac", "gdcc-bounds", "gdcc-bindings"),
    ),
    Attack(
        "a-tenant-opens-its-network",
        "MTB-PL2-BC-OPS-4",
        "tenant-admin",
        Request("POST", here("networkpolicies", group=_NETWORKING), _OPEN),
        ("rbac", "gdcc-bounds"),
        "change those files",
    ),
    Attack(
        "a-pod-runs-an-image-that-only-another-tenant-may-pull",
        "MTB-PL1-CC-DI-1",
        "developer",
        Request("POST", here("pods"), pod(container(imagePullPolicy="IfNotPresent"))),
        ("gdcc-pull",),
        "imagePullPolicy: Always",
        after=("gdcc-default-pull",),
    ),
)

CHECKS = frozenset(
    f"MTB-{check}"
    for check in [
        "PL1-CC-CPI-1",
        "PL1-BC-CPI-2",
        "PL1-BC-CPI-3",
        "PL1-BC-CPI-4",
        "PL1-BC-CPI-5",
        "PL1-BC-CPI-6",
        "PL1-CC-TI-1",
        "PL1-CC-TI-2",
        "PL2-CC-TI-1",
        "PL1-BC-HI-1",
        "PL1-BC-HI-1-nodeport",
        "PL1-BC-HI-3",
        "PL1-BC-HI-4",
        "PL1-BC-HI-5",
        "PL1-CC-FNS-1",
        "PL1-CC-FNS-2",
        "PL2-BC-OPS-3",
        "PL2-BC-OPS-4",
        "PL1-CC-DI-1",
    ]
)
"""As the benchmark's own configuration files number them."""
