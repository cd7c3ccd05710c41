"""A service bound on the real API server, looked at, and unbound: nothing is left. And who may write its credential."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout
from tests.services.digests import write_digests

pytestmark = pytest.mark.cluster

DDC = "t9sx3obp-dev"
SYNC = "system:serviceaccount:svc-identity:identity-sync"
BOUND = "gdcc.go.th/service"


class Bench:
    """A stack with the layer of services, and the platform's view of the cluster."""

    def __init__(self, cluster: Cluster, checkout: Checkout) -> None:
        self.cluster, self.checkout = cluster, checkout
        self.request = checkout.root / "stacks/agencies/moph/ddc.yaml"
        settings = checkout.root / "stacks/Pulumi.local.yaml"
        settings.write_text(settings.read_text().replace("    - tenancy\n", "    - tenancy\n    - services\n"))
        write_digests(checkout.root)

    def kubectl(self, *arguments: str, stdin: str | None = None, status: int = 0) -> str:
        command = [str(self.cluster.bin_dir / "kubectl"), f"--kubeconfig={self.cluster.kubeconfig}", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, input=stdin)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    def get(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        return list(json.loads(self.kubectl("get", kind, *arguments, "-o", "json"))["items"])

    def made(self, kind: str, namespace: str) -> set[str]:
        return {one["metadata"]["name"] for one in self.get(kind, "-n", namespace, "-l", BOUND)}

    def credential(self, name: str, namespace: str, verb: str = "apply", status: int = 0) -> str:
        """What the identity service's sync does: applies a Secret that its binding owns."""
        owner = json.loads(self.kubectl("get", "configmap", "service-identity", "-n", DDC, "-o", "json"))["metadata"]
        owned = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["name"], "uid": owner["uid"]}
        metadata = {"name": name, "namespace": namespace, "ownerReferences": [owned]}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"key": "private"}}
        how = ["--server-side", "--field-manager=gdcc-identity"] if verb == "apply" else []
        return self.kubectl(verb, *how, f"--as={SYNC}", "-f", "-", stdin=json.dumps(secret), status=status)

    def ask(self, old: str, new: str) -> None:
        text = self.request.read_text()
        assert text.count(old) == 1
        self.request.write_text(text.replace(old, new))


@pytest.fixture
def bench(cluster: Cluster, checkout: Checkout) -> Bench:
    return Bench(cluster, checkout)


def test_a_service_is_bound_looked_at_and_unbound_without_a_trace(bench: Bench) -> None:
    bench.checkout.gdcc("up", "--yes")
    names = {"service-identity", "service-notify"}
    assert bench.made("networkpolicies", DDC) == bench.made("configmaps", DDC) == names
    assert bench.made("rolebindings", DDC) == {"service-identity"}, "notify gives out no credential"
    (connection,) = (one for one in bench.get("configmaps", "-n", DDC, "-l", f"{BOUND}=identity"))
    assert connection["metadata"]["labels"]["gdcc.go.th/tenant"] == "t9sx3obp"
    assert connection["metadata"]["labels"]["gdcc.go.th/plan"] == "trial"
    assert connection["metadata"]["annotations"]["gdcc.go.th/source"] == "stacks/agencies/moph/ddc.yaml"
    assert connection["data"]["oidc-url"].startswith("https://identity.")
    assert connection["data"]["requests-per-minute"] == "60"

    table = json.loads(
        bench.get("configmaps", "-n", "svc-gateway", "-l", f"{BOUND}=notify")[0]["data"]["bindings.json"]
    )
    assert table["bindings"][DDC] == {
        "tenant": "t9sx3obp", "agency": "ddc", "environment": "dev", "plan": "trial",
        "requests_per_minute": 30, "per_month": 1000,
    }  # fmt: skip
    assert table["bindings"]["trsg2cwe-prod"]["plan"] == "live", "its approvals are in the file"
    assert "t9sx3obp-prod" not in table["bindings"], "without approvals nothing is bound"
    assert bench.made("configmaps", "t9sx3obp-prod") == set()
    assert bench.made("networkpolicies", "svc-gateway") >= {"bound-identity", "bound-notify"}
    bench.checkout.gdcc("preview", "--expect-no-changes")

    bench.credential("service-identity", DDC)
    asked = bench.request.read_text().split("services:\n")[1].split("awaits:")[0]
    bench.ask(f"services:\n{asked}", "")
    bench.checkout.gdcc("up", "--yes")
    for namespace in (DDC, "t9sx3obp-uat", "t9sx3obp-prod"):
        for kind in ("networkpolicies", "configmaps", "rolebindings"):
            assert bench.made(kind, namespace) == set()
    bench.kubectl("wait", "--for=delete", "secret/service-identity", "-n", DDC, "--timeout=60s")
    for table in bench.get("configmaps", "-n", "svc-gateway", "-l", BOUND):
        assert "t9sx3obp" not in json.dumps(table["data"])
    assert "t9sx3obp" not in json.dumps([one["spec"] for one in bench.get("networkpolicies", "-n", "svc-gateway")])


def test_the_sync_writes_exactly_one_secret_where_it_is_bound_and_nothing_else(bench: Bench) -> None:
    bench.checkout.gdcc("up", "--yes")
    bench.credential("service-identity", DDC)
    bench.credential("service-identity", DDC)  # and again: an apply that changes nothing
    assert "forbidden" in bench.credential("another", DDC, status=1)
    assert "forbidden" in bench.credential("service-notify", DDC, status=1)
    assert "forbidden" in bench.credential("service-identity", "kube-system", status=1)
    bench.kubectl("delete", "secret", "service-identity", "-n", DDC)
    assert "forbidden" in bench.credential("service-identity", DDC, verb="create", status=1), "a POST has no name yet"
    bench.credential("service-identity", DDC)
    for verb in ("list", "delete", "watch", "update"):
        asked = ("auth", "can-i", verb, "secrets/service-identity", "-n", DDC, f"--as={SYNC}")
        bench.kubectl(*asked, status=1)
    uat = "t9sx3obp-uat"
    bench.ask("  - identity\n", "  - {name: identity, environments: [dev]}\n")
    bench.checkout.gdcc("up", "--yes")
    bench.kubectl("auth", "can-i", "patch", "secrets/service-identity", "-n", DDC, f"--as={SYNC}")
    bench.kubectl("auth", "can-i", "patch", "secrets/service-identity", "-n", uat, f"--as={SYNC}", status=1)
