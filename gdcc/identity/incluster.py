"""The kubeconfig of a pod: its service account, whose token the kubelet renews."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a kubelet mounts a service account: `token`, `ca.crt` and `namespace`."""


def in_cluster() -> str | None:
    """A kubeconfig, as text, that names the service account's files; None outside of a pod."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (FOLDER / "token").is_file():
        return None
    address = f"[{host}]" if ":" in host else host
    cluster = {"server": f"https://{address}:{port}", "certificate-authority": str(FOLDER / "ca.crt")}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "pod",
            "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
            "clusters": [{"name": "pod", "cluster": cluster}],
            "users": [{"name": "pod", "user": {"tokenFile": str(FOLDER / "token")}}],
        }
    )
