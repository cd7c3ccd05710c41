from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout
from tests.escape.attack import Request
from tests.escape.identities import Actor, with_certificate

pytestmark = pytest.mark.cluster

FREEZE = """
frozen:
  reason: {th: เหตุภัยคุกคามทางไซเบอร์, en: Cyber incident 42}
  by: GovCERT order 42/2569
  until: 2099-12-31
"""


def deployment(replicas: int) -> dict[str, Any]:
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "web",
        "image": "registry.gdcc.go.th.example/ddc/web:1@sha256:" + "0" * 64,
        "securityContext": security,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }


class Tenant:
    """The agency's administrator, and the platform's view of its development namespace."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.actor: Actor = with_certificate(cluster, folder, "somchai", "gdcc:ddc:tenant-admin")
        listed = self.kubectl("get", "ns", "-l", "gdcc.go.th/agency=ddc,gdcc.go.th/environment=dev", "-o", "name")
        self.namespace = listed.strip().removeprefix("namespace/")

    def kubectl(self, *arguments: str) -> str:
        command = [str(self.cluster.bin_dir / "kubectl"), f"--kubeconfig={self.cluster.kubeconfig}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def write(self, method: str, what: str, body: dict[str, Any] | None = None, group: str = "") -> tuple[int, str]:
        root = f"/apis/{group}/v1" if group else "/api/v1"
        path = f"{root}/namespaces/{self.namespace}/{what}"
        status, told = self.actor._call(Request(method, path, body), path)
        return status, str(told.get("message", ""))

    def ready(self, pods: int) -> bool:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            items = json.loads(self.kubectl("get", "pods", "-n", self.namespace, "-o", "json"))["items"]
            running = [item for item in items if item["status"].get("phase") == "Running"]
            if len(running) == pods and not any("deletionTimestamp" in item["metadata"] for item in items):
                return True
            time.sleep(0.3)
        return False


def frozen_by(tenant: Tenant, *, wanted: bool) -> tuple[int, str]:
    """What a harmless write is answered, once the API server has noticed the namespace's labels."""
    deadline = time.monotonic() + 10
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "probe-"}}
    while True:
        status, message = tenant.write("POST", "configmaps?dryRun=All", body)
        if (status == 403) is wanted or time.monotonic() > deadline:
            return status, message
        time.sleep(0.2)


def test_a_frozen_tenant_writes_nothing_goes_on_running_and_is_lifted(
    cluster: Cluster, checkout: Checkout, tmp_path: Path
) -> None:
    checkout.gdcc("up", "--yes")
    tenant = Tenant(cluster, tmp_path)
    try:
        status, message = tenant.write("POST", "deployments", deployment(2), "apps")
        assert status == 201, message
        assert tenant.ready(2)
        file = checkout.root / "stacks/agencies/moph/ddc.yaml"
        text = file.read_text()
        file.write_text(text + FREEZE)
        checkout.gdcc("up", "--yes")
        status, message = frozen_by(tenant, wanted=True)
        assert status == 403
        assert "this tenant is frozen" in message
        assert "Cyber incident 42 (GovCERT order 42/2569, 2099-12-31)" in message
        pod = json.loads(tenant.kubectl("get", "pods", "-n", tenant.namespace, "-o", "json"))["items"][0]["metadata"][
            "name"
        ]
        for method, what, body, group in (
            ("DELETE", "deployments/web", None, "apps"),
            ("PUT", "deployments/web", deployment(5), "apps"),
            ("DELETE", f"pods/{pod}", None, ""),
            ("POST", f"pods/{pod}/exec?command=sh&stdin=true", None, ""),
            ("POST", "secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}, ""),
        ):
            status, message = tenant.write(method, what, body, group)
            assert (status, "frozen" in message) == (403, True), f"{method} {what}: {status} {message}"
        # What keeps it running still may: the platform loses a pod, and the controllers make another.
        tenant.kubectl("delete", "pod", "-n", tenant.namespace, pod, "--force", "--grace-period=0")
        assert tenant.ready(2), "a frozen tenant stopped running"
        file.write_text(text)
        checkout.gdcc("up", "--yes")
        assert frozen_by(tenant, wanted=False)[0] == 201
    finally:
        tenant.kubectl("delete", "deployment", "-n", tenant.namespace, "web", "--ignore-not-found")
        tenant.kubectl("wait", "-n", tenant.namespace, "--for=delete", "pods", "-l", "app=web", "--timeout=60s")


def test_a_freeze_that_is_over_is_lifted_and_said(checkout: Checkout) -> None:
    file = checkout.root / "stacks/agencies/moph/ddc.yaml"
    file.write_text(file.read_text() + FREEZE.replace("2099", "2020"))
    said = checkout.gdcc("validate", "stacks/agencies/moph/ddc.yaml").stdout
    assert "frozen.until: ended on 2020-12-31: the tenant may write again" in said
    steps = json.loads(checkout.gdcc("preview", "--json").stdout)["steps"]
    assert not [step for step in steps if "gdcc.go.th/frozen" in json.dumps(step["newState"]["inputs"]["metadata"])]
