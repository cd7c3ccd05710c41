"""What a tenant or an operator changes by hand is found and put right, and nothing that the tenant owns is touched."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout
from tests.escape.attack import Request
from tests.escape.identities import with_certificate

pytestmark = pytest.mark.cluster


def test_a_tenant_makes_no_drift_an_operators_is_repaired_and_what_the_tenant_owns_stays(
    cluster: Cluster, checkout: Checkout, tmp_path: Path
) -> None:
    def kubectl(*arguments: str) -> str:
        command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    checkout.gdcc("up", "--yes")
    listed = kubectl("get", "ns", "-l", "gdcc.go.th/agency=ddc,gdcc.go.th/environment=dev", "-o", "name")
    namespace = listed.strip().removeprefix("namespace/")
    actor = with_certificate(cluster, tmp_path, "somchai", "gdcc:ddc:tenant-admin")

    def write(method: str, what: str, body: dict[str, Any], root: str = "/api/v1") -> int:
        path = f"{root}/namespaces/{namespace}/{what}"
        return int(actor._call(Request(method, path, body), path)[0])

    owned = [
        ("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ours"}, "data": {"a": "1"}}),
        ("secrets", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ours"}, "stringData": {"a": "1"}}),
        ("serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ours"},
                             "automountServiceAccountToken": False}),
        ("services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ours"},
                      "spec": {"selector": {"app": "ours"}, "ports": [{"port": 8080}]}}),
    ]  # fmt: skip

    def theirs() -> dict[str, str]:
        return {what: json.loads(kubectl("get", what, "ours", "-n", namespace, "-o", "json"))["metadata"]["uid"]
                + json.loads(kubectl("get", what, "ours", "-n", namespace, "-o", "json"))["metadata"]["resourceVersion"]
                for what, _ in owned}  # fmt: skip

    try:
        for what, body in owned:
            assert write("POST", what, body) == 201, what
        before = theirs()
        # The tenant may keep service accounts, but `workload` is the platform's: it mounts no token.
        account = json.loads(kubectl("get", "serviceaccount", "workload", "-n", namespace, "-o", "json"))
        account["automountServiceAccountToken"] = True
        assert write("PUT", "serviceaccounts/workload", account) == 403
        assert write("DELETE", "serviceaccounts/workload", {}) == 403
        # An operator may, and means well.
        patch = '{"automountServiceAccountToken":true}'
        kubectl("patch", "serviceaccount", "workload", "-n", namespace, "-p", patch)
        kubectl("patch", "resourcequota", "quota", "-n", namespace, "-p", '{"spec":{"hard":{"pods":"9999"}}}')
        kubectl("delete", "networkpolicy", "default-deny", "-n", namespace)
        binding = kubectl("get", "rolebindings", "-n", namespace, "-o", "name").split()[0]
        kubectl("delete", "-n", namespace, binding)
        said = checkout.gdcc("refresh", "--expect-no-changes", status=1).stdout
        assert f"ServiceAccount {namespace}/workload" in said
        assert "automountServiceAccountToken: is true, should be false" in said
        assert 'spec.hard.pods: is "9999"' in said
        assert f"NetworkPolicy {namespace}/default-deny: is not there" in said
        steps = json.loads(checkout.gdcc("up", "--yes", "--json").stdout)["steps"]
        assert sorted(step["op"] for step in steps) == ["create", "create", "update", "update"]
        checkout.gdcc("preview", "--expect-no-changes")
        assert theirs() == before
    finally:
        for what, _ in owned:
            kubectl("delete", what, "ours", "-n", namespace, "--ignore-not-found")
