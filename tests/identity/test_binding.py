"""From a line in an agency's file to a key that gives it tokens, and back: the real account, Keycloak and collector."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gdcc.cluster import Cluster
from gdcc.engine.api import Api, ApiError, connect
from gdcc.identity import Realm
from gdcc.identity.secrets import PRIVATE_KEY, KubernetesSecrets
from gdcc.model import bindings, load_estate, load_settings
from tests.checkout import REPOSITORY, Checkout
from tests.identity.conftest import Identities, desired
from tests.identity.oidc import Application

pytestmark = pytest.mark.cluster

DDC, NAME = "t9sx3obp-dev", "service-identity"
TARGET = f"{DDC}/{NAME}"
REQUEST = "stacks/agencies/moph/ddc.yaml"
BOUND = "gdcc.go.th/service"
PATIENCE = 120
"""Seconds for the garbage collector, which looks every few."""


@dataclass
class Bench:
    """A stack with the common services, the platform's view of the cluster, and that of the ID service's sync."""

    cluster: Cluster
    checkout: Checkout
    admin: Api
    account: Api

    def made(self, kind: str, namespace: str) -> dict[str, dict[str, Any]]:
        """What bindings made in a namespace, by name."""
        group = {"networkpolicies": "networking.k8s.io", "rolebindings": "rbac.authorization.k8s.io"}.get(kind)
        root = f"/apis/{group}/v1" if group else "/api/v1"
        path = f"{root}/namespaces/{namespace}/{kind}"
        found = self.admin.request("GET", path, {"labelSelector": BOUND})[1]["items"]
        return {one["metadata"]["name"]: one for one in found}

    def table(self, service: str) -> dict[str, Any]:
        held = self.made("configmaps", "svc-gateway")[f"bindings-{service}"]
        return dict(json.loads(held["data"]["bindings.json"])["bindings"])

    def secret(self) -> dict[str, Any] | None:
        try:
            return dict(self.admin.request("GET", _secret(TARGET))[1])
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def put(self, target: str) -> None:
        """Server-side apply a Secret as the sync's account."""
        namespace, name = target.split("/")
        metadata = {"namespace": namespace, "name": name}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"key": "private"}}
        query = {"fieldManager": "gdcc-identity", "force": "true"}
        self.account.request("PATCH", _secret(target), query, secret, content_type="application/apply-patch+yaml")

    def realm(self, identities: Identities, name: str) -> Realm:
        """What the stack's files say, in a realm of the test's own."""
        root = self.checkout.root
        estate = load_estate(root, load_settings(root, "local"))
        return desired(identities, estate, name, *bindings(estate))

    def unbind(self) -> None:
        request = self.checkout.root / REQUEST
        text = request.read_text()
        assert text.count("  - identity\n") == 1
        request.write_text(text.replace("  - identity\n", ""))
        self.checkout.gdcc("up", "--yes")


def _secret(target: str) -> str:
    namespace, name = target.split("/")
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


@pytest.fixture(scope="module")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    root = tmp_path_factory.mktemp("bound")
    made = Checkout.make(root, "moph/ddc", "mof/rd", project=f"p{uuid.uuid4().hex[:8]}", services=True)
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    made.gdcc("up", "--yes")
    yield made
    made.gdcc("destroy", "--yes")


@pytest.fixture
def bench(cluster: Cluster, stack: Checkout) -> Bench:
    """The stack applied, with ddc bound as in its file."""
    request, asked = stack.root / REQUEST, (REPOSITORY / REQUEST).read_text()
    if request.read_text() != asked:
        request.write_text(asked)
        stack.gdcc("up", "--yes")
    admin = connect(cluster.kubeconfig)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = "/api/v1/namespaces/svc-identity/serviceaccounts/identity-sync/token"
    user = {"token": admin.request("POST", path, body=body)[1]["status"]["token"]}
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": cluster.server, "certificate-authority": str(cluster.ca)}}],
        "users": [{"name": "c", "user": user}],
    }
    return Bench(cluster, stack, admin, connect(json.dumps(kubeconfig)))


def test_what_a_binding_makes_is_there_and_what_waits_for_approval_is_not(bench: Bench) -> None:
    names = {"service-identity", "service-notify"}
    assert bench.made("networkpolicies", DDC).keys() == bench.made("configmaps", DDC).keys() == names
    assert bench.made("rolebindings", DDC).keys() == {NAME}, "notify gives out no credential"
    connection = bench.made("configmaps", DDC)[NAME]
    assert connection["metadata"]["labels"]["gdcc.go.th/tenant"] == "t9sx3obp"
    assert connection["metadata"]["labels"]["gdcc.go.th/plan"] == "trial"
    assert connection["metadata"]["annotations"]["gdcc.go.th/source"] == REQUEST
    assert connection["data"]["oidc-url"].startswith("https://identity.")
    assert connection["data"]["credential"] == NAME
    assert connection["data"]["requests-per-minute"] == "60"
    notified = bench.table("notify")
    assert notified[DDC] == {
        "tenant": "t9sx3obp", "agency": "ddc", "environment": "dev", "plan": "trial",
        "requests_per_minute": 30, "per_month": 1000,
    }  # fmt: skip
    assert notified["trsg2cwe-prod"]["plan"] == "live", "its approvals are in the file"
    assert "t9sx3obp-prod" not in notified, "without approvals nothing is bound"
    assert not bench.made("configmaps", "t9sx3obp-prod")
    assert bench.made("networkpolicies", "svc-gateway").keys() >= {"bound-identity", "bound-notify"}
    bench.checkout.gdcc("preview", "--expect-no-changes")


def test_the_syncs_account_may_write_one_secret_where_it_is_bound_and_do_nothing_else(bench: Bench) -> None:
    for target in (f"{DDC}/another", f"{DDC}/service-notify", f"t9sx3obp-prod/{NAME}", f"svc-identity/{NAME}"):
        with pytest.raises(ApiError, match="cannot patch") as refused:
            bench.put(target)
        assert refused.value.status == 403
    metadata = {"namespace": DDC, "name": NAME}
    with pytest.raises(ApiError, match="cannot create"):  # a POST has no name yet to be asked about
        bench.account.request("POST", f"/api/v1/namespaces/{DDC}/secrets", body={"metadata": metadata})
    command = [str(bench.cluster.bin_dir / "kubectl"), f"--kubeconfig={bench.cluster.kubeconfig}", "auth", "can-i"]
    who = "--as=system:serviceaccount:svc-identity:identity-sync"
    for verb, answer in {"list": "no", "watch": "no", "delete": "no", "update": "no", "patch": "yes"}.items():
        done = subprocess.run([*command, verb, f"secrets/{NAME}", "-n", DDC, who], check=False, capture_output=True)
        assert done.stdout.decode().strip() == answer, verb


@pytest.mark.services
def test_a_bound_agency_gets_its_key_and_the_unbound_ones_is_collected_with_its_client(
    bench: Bench, identities: Identities
) -> None:
    name, secrets, server = f"r{uuid.uuid4().hex[:8]}", KubernetesSecrets(bench.account), identities.server()
    wanted = bench.realm(identities, name)
    identities.sync(wanted, secrets)

    held = secrets.read(TARGET)
    assert held is not None
    application = Application(held, identities.keycloak.authority)
    token = application.token()
    assert token.status_code == 200, token.text
    claims = application.claims(token.json()["access_token"], "notify")
    assert (claims["agency"], claims["tenant"], claims["environment"]) == ("moph/ddc", "t9sx3obp", "dev")

    live = bench.secret()
    assert live is not None
    (owner,) = live["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("ConfigMap", NAME)
    assert owner["uid"] == bench.made("configmaps", DDC)[NAME]["metadata"]["uid"]
    managers = {one["manager"]: json.dumps(one["fieldsV1"]) for one in live["metadata"]["managedFields"]}
    assert PRIVATE_KEY in managers["gdcc-identity"]
    assert not identities.sync(wanted, secrets)
    with pytest.raises(ApiError, match="ownerRef"):
        bench.put(TARGET)  # by a manifest without an owner
    bench.checkout.gdcc("preview", "--expect-no-changes")

    bench.unbind()
    for namespace in (DDC, "t9sx3obp-uat", "t9sx3obp-prod"):
        for kind in ("networkpolicies", "configmaps", "rolebindings"):
            assert NAME not in bench.made(kind, namespace)
    deadline = time.monotonic() + PATIENCE
    while bench.secret() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert bench.secret() is None, "kube-controller-manager collects what the binding owned"
    assert DDC not in bench.table("identity")
    inward = bench.made("networkpolicies", "svc-gateway")["bound-identity"]["spec"]
    assert "t9sx3obp" not in json.dumps(inward)

    assert application.token().status_code == 200, "what is not synced yet is still known to Keycloak"
    steps = identities.sync(bench.realm(identities, name), secrets)
    assert DDC in {step.name for step in steps if (step.action, step.kind) == ("delete", "client")}
    assert not server.get(f"{name}/clients", clientId=DDC)
    assert application.token().status_code in (400, 401), "the key of a client that is gone opens nothing"
    assert not identities.sync(bench.realm(identities, name), secrets)
