"""Where the attacks happen: two agencies of one ministry, in the real program on the real API server."""

from __future__ import annotations

from typing import Any

from gdcc.model import Environment, StackSettings, Tenant, load_estate
from tests.checkout import REPOSITORY
from tests.escape.attack import Attack, Request, attempt

AGENCIES = ("moph/ddc", "moph/dms")
ESTATE = load_estate(REPOSITORY, StackSettings(agencies=AGENCIES))


def _tenant(agency: str) -> Tenant:
    return next(tenant for tenant in ESTATE.tenants if tenant.agency == agency)


def _namespace(agency: str, environment: Environment) -> str:
    return f"{_tenant(agency).id}-{environment.value}"


HOME = _namespace("ddc", Environment.DEV)
"""The attackers' own namespace."""
PRODUCTION = _namespace("ddc", Environment.PROD)
FROZEN = _namespace("ddc", Environment.UAT)
"""One in which nothing may change, by order."""
OTHER = _namespace("dms", Environment.DEV)
"""Another agency's."""
DOMAIN = _tenant("ddc").domains[Environment.DEV][0]
OTHER_DOMAIN = _tenant("dms").domains[Environment.DEV][0]
REGISTRY = ESTATE.admission.images.repositories[0].partition("/")[0]
IMAGE = f"{REGISTRY}/ddc/web:1"
POOL = _tenant("ddc").pool.name
DIGEST = "@sha256:" + "a" * 64

GOOD = "good"
"""Of what the agency already runs: a pod, a service, an ingress, a claim and a configuration."""
WAITING = "waiting"
"""A pod that no node takes."""
NODE = "gdcc-node-1"
RUNTIME = "escape-unsafe"
SIGNING = "escape-client"
"""A request for a client certificate of an administrator."""


PRIVILEGED = {"privileged": True, "allowPrivilegeEscalation": True}


def container(name: str = "app", **fields: Any) -> dict[str, Any]:
    """A container that every wall lets pass, except for `fields`."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    security = {"securityContext": {**context, **fields.pop("securityContext", {})}}
    return {"name": name, "image": IMAGE, "imagePullPolicy": "Always", **security, **fields}


def pod_spec(*containers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The spec of such a pod."""
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": security, "containers": list(containers) or [container()], **fields}


def pod(*containers: dict[str, Any], name: str = "escape", labels: dict[str, str] | None = None, **fields: Any) -> Any:
    """Such a pod."""
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(*containers, **fields)}


def made_of(api_version: str, kind: str, name: str = "escape", **fields: Any) -> dict[str, Any]:
    """Any object; `annotations` and `labels` go into its metadata."""
    metadata: dict[str, Any] = {"name": name}
    metadata |= {key: fields.pop(key) for key in ("annotations", "labels") if key in fields}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def ingress(*hosts: str, name: str = "escape", **fields: Any) -> dict[str, Any]:
    """An ingress for these hosts; an empty one is a rule without a host."""
    backend = {"service": {"name": GOOD, "port": {"number": 80}}}
    http = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}
    rules = [{**({"host": host} if host else {}), "http": http} for host in hosts]
    annotations = fields.pop("annotations", {})
    spec = {"ingressClassName": "public", "rules": rules, **fields}
    return made_of("networking.k8s.io/v1", "Ingress", name, annotations=annotations, spec=spec)


def claim(name: str = "escape", **fields: Any) -> dict[str, Any]:
    """A volume claim."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **fields}
    return made_of("v1", "PersistentVolumeClaim", name, spec=spec)


def service(name: str = "escape", annotations: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """A service inside the cluster."""
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}], **fields}
    return made_of("v1", "Service", name, annotations=annotations or {}, spec=spec)


def here(resource: str, namespace: str = HOME, group: str = "", version: str = "v1") -> str:
    """The path of a resource in a namespace: `pods`, `pods/good/status`."""
    return f"/{f'apis/{group}' if group else 'api'}/{version}/namespaces/{namespace}/{resource}"


def new_pod(name: str, wall: str, body: Any, says: str, namespace: str = HOME) -> Attack:
    """An attack by a developer who runs a pod."""
    return attempt("developer", name, Request("POST", here("pods", namespace), body), wall, says=says)


def template(**fields: Any) -> dict[str, Any]:
    """What a workload makes pods from."""
    return {"metadata": {"labels": {"app": "escape"}}, "spec": pod_spec(**fields)}


def workload(kind: str, of: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A workload of the group `apps`."""
    selector = {"selector": {"matchLabels": {"app": "escape"}}}
    return made_of("apps/v1", kind, spec={**selector, "template": of, **fields})
