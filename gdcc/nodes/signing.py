"""Who may ask for a node's certificates, and what is approved."""

from __future__ import annotations

import base64
import ipaddress
import time
from typing import Any

from cryptography import x509

from gdcc.cluster.api import Endpoint
from gdcc.errors import GdccError

BOOTSTRAPPERS = "system:bootstrappers"
SERVING = "kubernetes.io/kubelet-serving"
SERVING_FILE = "kubelet-server-current.pem"

_CERTIFICATES = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_CLIENT = "system:certificates.k8s.io:certificatesigningrequests"
_GRANTS = {
    "gdcc:node-bootstrapper": ("system:node-bootstrapper", BOOTSTRAPPERS),
    "gdcc:node-client": (f"{_CLIENT}:nodeclient", BOOTSTRAPPERS),
    "gdcc:node-client-renewal": (f"{_CLIENT}:selfnodeclient", "system:nodes"),
}
"""As kubeadm grants: by binding, the role and the group."""


def allow(api: Endpoint) -> None:
    """Let new nodes ask for a client certificate, and nodes renew theirs; the controller manager approves these.

    Raises:
        GdccError: the API server refuses.
    """
    for name, (role, group) in _GRANTS.items():
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"}
        api.apply(
            f"{_BINDINGS}/{name}", {**binding, "metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
        )


def approve(api: Endpoint, node: str, address: str, seconds: float) -> None:
    """Approve the node's request for a serving certificate, once there is one.

    Nothing approves these by itself: only who knows the node can say that the name and the address are its own.

    Args:
        api: as an administrator.
        node: its name.
        address: its only address.
        seconds: how long to wait for the request.

    Raises:
        GdccError: no request in time, or one for other names.
    """
    deadline = time.monotonic() + seconds
    while not (waiting := [one for one in _requests(api, node) if "conditions" not in one.get("status", {})]):
        if time.monotonic() > deadline:
            raise GdccError(f"node {node} did not ask for a serving certificate within {seconds:.0f} s")
        time.sleep(0.5)
    for request in waiting:
        names = asked(base64.b64decode(request["spec"]["request"]))
        if names != {node, address}:
            raise GdccError(f"node {node} asks for a certificate for {', '.join(sorted(names))}", "it is not approved")
        name = request["metadata"]["name"]
        condition = {"type": "Approved", "status": "True", "reason": "GdccTestHost", "message": "its name and address"}
        request["status"] = {"conditions": [condition]}
        status, body = api.request("PUT", f"{_CERTIFICATES}/{name}/approval", request)
        if status != 200:
            raise GdccError(f"approving {name}: {body.decode(errors='replace')}")


def asked(request: bytes) -> set[str]:
    """The names and addresses that a certificate request (PEM) asks for."""
    extension = x509.load_pem_x509_csr(request).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {
        str(name.value) if isinstance(name.value, (str, ipaddress.IPv4Address, ipaddress.IPv6Address)) else repr(name)
        for name in extension.value
    }


def forget(api: Endpoint, node: str) -> None:
    """Remove the grants and the node's requests."""
    for name in _GRANTS:
        api.request("DELETE", f"{_BINDINGS}/{name}")
    listing = api.get(_CERTIFICATES) or {"items": []}
    for request in listing["items"]:
        if request["spec"]["username"].endswith(f":{node}"):
            api.request("DELETE", f"{_CERTIFICATES}/{request['metadata']['name']}")


def _requests(api: Endpoint, node: str) -> list[dict[str, Any]]:
    listing = api.get(_CERTIFICATES) or {"items": []}
    user = f"system:node:{node}"
    return [one for one in listing["items"] if one["spec"]["signerName"] == SERVING and one["spec"]["username"] == user]
