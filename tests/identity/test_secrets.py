"""Keys go into the tenant's Secret by an identity that may touch exactly that one, and leave it when unbound."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gdcc.cluster import Cluster
from gdcc.engine.api import Api, ApiError, connect
from gdcc.errors import FindingError, GdccError
from gdcc.identity import KubernetesSecrets, Realm
from gdcc.identity.commands import app
from gdcc.identity.secrets import PRIVATE_KEY
from gdcc.model import Environment, Estate, Tenant
from tests.identities import client_certificate
from tests.identity.conftest import Bound, Identities, desired
from tests.identity.oidc import Application

pytestmark = [pytest.mark.services, pytest.mark.cluster]

NAME = "identity-main"


@pytest.fixture(scope="module")
def admin(cluster: Cluster) -> Api:
    return connect(cluster.kubeconfig)


@pytest.fixture
def vacant(admin: Api, tenants: dict[str, Tenant]) -> Iterator[str]:
    """The name of the tenant's namespace, which nobody has made yet; it is gone at the end."""
    path = f"/api/v1/namespaces/{tenants['rd'].id}-dev"
    yield path.rpartition("/")[2]
    namespaces = {path}
    while namespaces:
        with suppress(ApiError):
            admin.request("DELETE", path)
        namespaces &= {f"/api/v1/namespaces/{one['metadata']['name']}" for one in _all(admin)}
        time.sleep(0.2)


def _all(admin: Api) -> list[dict[str, dict[str, str]]]:
    return list(admin.request("GET", "/api/v1/namespaces")[1]["items"])


@pytest.fixture
def namespace(admin: Api, vacant: str) -> str:
    admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": vacant}})
    return vacant


@pytest.fixture
def kubeconfig(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Kubernetes client reads KUBECONFIG when it is imported, which is long ago."""
    monkeypatch.setattr("gdcc.identity.commands.local_kubeconfig", lambda context: cluster.kubeconfig)


@pytest.fixture
def writer(admin: Api, cluster: Cluster, namespace: str, tmp_path: Path) -> KubernetesSecrets:
    """Somebody who may read and patch one Secret by its name, which the binding has made, and nothing else."""
    user = f"sync-{uuid.uuid4().hex[:6]}"
    secret = {"metadata": {"name": NAME, "labels": {"gdcc.go.th/service": "identity"}}, "type": "Opaque"}
    admin.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=secret)
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [NAME], "verbs": ["get", "patch"]}
    admin.request("POST", f"{rbac}/roles", body={"metadata": {"name": user}, "rules": [rule]})
    subject = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    reference = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    admin.request(
        "POST", f"{rbac}/rolebindings", body={"metadata": {"name": user}, "subjects": [subject], "roleRef": reference}
    )
    certificate = client_certificate(cluster, tmp_path, user)
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": cluster.server, "certificate-authority": str(cluster.ca)}}],
        "users": [{"name": "c", "user": {"client-certificate": str(certificate), "client-key": str(certificate)}}],
    }
    return KubernetesSecrets(connect(json.dumps(kubeconfig)))


@pytest.fixture
def wanted(identities: Identities, estate: Estate, tenants: dict[str, Tenant]) -> Realm:
    return desired(identities, estate, f"r{uuid.uuid4().hex[:8]}", Bound(tenants["rd"], Environment.DEV, "notify"))


def test_bound_the_application_has_its_key_and_unbound_it_has_nothing(
    identities: Identities, estate: Estate, admin: Api, namespace: str, writer: KubernetesSecrets, wanted: Realm
) -> None:
    identities.sync(wanted, writer)
    data = writer.read(f"{namespace}/{NAME}")
    assert data is not None
    application = Application(data, identities.keycloak.authority)
    assert application.token().status_code == 200
    _, live = admin.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{NAME}")
    owners = {one["manager"]: json.dumps(one["fieldsV1"]) for one in live["metadata"]["managedFields"]}
    assert PRIVATE_KEY in owners["gdcc-identity"]
    assert live["metadata"]["labels"] == {"gdcc.go.th/service": "identity"}, "what the binding said of it stays"
    identities.sync(desired(identities, estate, wanted.name), writer)
    assert not identities.server().get(f"{wanted.name}/clients", clientId=data["client-id"])
    assert writer.read(f"{namespace}/{NAME}") == {}
    assert application.token().status_code != 200, "the key of a client that is gone opens nothing"
    assert not identities.sync(desired(identities, estate, wanted.name), writer)
    identities.server().delete(wanted.name)


def test_the_identity_that_writes_may_not_read_another_secret(writer: KubernetesSecrets, namespace: str) -> None:
    with pytest.raises(ApiError) as refused:
        writer.read(f"{namespace}/another")
    assert refused.value.status == 403


def test_a_binding_that_is_not_applied_yet_is_one_clear_error_and_a_rerun_finishes(
    identities: Identities, admin: Api, vacant: str, wanted: Realm
) -> None:
    secrets = KubernetesSecrets(admin)
    with pytest.raises(GdccError, match="cannot be put into the Secret") as told:
        identities.sync(wanted, secrets)
    assert "gdcc up" in told.value.hint
    admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": vacant}})
    steps = identities.sync(wanted, secrets)
    assert {step.kind for step in steps} == {"key"}
    assert not identities.sync(wanted, secrets)
    identities.server().delete(wanted.name)


def test_the_verbs_plan_sync_and_rotate_and_never_print_a_key(
    identities: Identities,
    namespace: str,
    writer: KubernetesSecrets,
    wanted: Realm,
    kubeconfig: None,
    tmp_path: Path,
) -> None:
    file, secret = tmp_path / "realm.json", tmp_path / "secret"
    file.write_text(wanted.rendered())
    secret.write_text(identities.secret)
    common = ["--file", str(file), "--secret-file", str(secret), "--ca", str(identities.keycloak.authority)]
    runner = CliRunner()

    def run(*arguments: str) -> str:
        answer = runner.invoke(app, [*arguments, *common])
        if answer.exception and not isinstance(answer.exception, SystemExit | typer.Exit):
            raise answer.exception
        assert answer.exit_code == 0, answer.output
        assert "PRIVATE KEY" not in answer.output
        assert identities.secret not in answer.output
        return answer.stdout

    planned = json.loads(run("plan", "--json"))
    assert not planned["done"]
    assert {one["action"] for one in planned["steps"]} == {"create", "update"}
    assert "created" in run("sync")
    assert "nothing to do" in run("plan", "--expect-no-changes")
    held = writer.read(f"{namespace}/{NAME}")
    assert "nothing to do" in run("rotate")
    done = json.loads(run("rotate", "--client", wanted.parts["clients"][0]["clientId"], "--json"))
    assert [one["kind"] for one in done["steps"]] == ["key"]
    assert writer.read(f"{namespace}/{NAME}") != held
    with pytest.raises(FindingError, match="no client is named nobody"):
        run("rotate", "--client", "nobody")
    identities.server().delete(wanted.name)
    with pytest.raises(FindingError, match="not as it should be"):
        run("plan", "--expect-no-changes")


def test_wrong_credentials_are_one_clear_error(
    identities: Identities, wanted: Realm, kubeconfig: None, tmp_path: Path
) -> None:
    file, secret = tmp_path / "realm.json", tmp_path / "secret"
    file.write_text(wanted.rendered())
    secret.write_text("not the secret")
    arguments = ["plan", "--file", str(file), "--secret-file", str(secret), "--ca", str(identities.keycloak.authority)]
    answer = CliRunner().invoke(app, arguments)
    assert isinstance(answer.exception, GdccError)
    assert "does not accept our credentials" in answer.exception.message


def test_an_id_service_that_is_down_is_one_clear_error(wanted: Realm, kubeconfig: None, tmp_path: Path) -> None:
    file, secret = tmp_path / "realm.json", tmp_path / "secret"
    file.write_text(wanted.rendered())
    secret.write_text("x")
    arguments = ["plan", "--file", str(file), "--secret-file", str(secret), "--url", "https://127.0.0.1:9"]
    answer = CliRunner().invoke(app, arguments)
    assert isinstance(answer.exception, GdccError)
    assert "does not answer" in answer.exception.message
    assert "0x" not in answer.exception.message
