"""The tenant's Secret that a key goes into: only where a binding is applied, and only the binding's own."""

from __future__ import annotations

import json
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
from gdcc.identity import Realm
from gdcc.identity.commands import app
from gdcc.identity.credential import JWKS
from gdcc.identity.secrets import KubernetesSecrets, SecretError
from gdcc.model import Environment, Estate, Tenant
from tests.identity.conftest import Identities, bound_to, desired
from tests.identity.oidc import Application

pytestmark = [pytest.mark.services, pytest.mark.cluster]

NAME = "service-identity"
UNUSED = iter(("sepo", "pdmo", "ghb", "baac", "fpo"))
"""Agencies that no other test applies."""


@pytest.fixture(scope="module")
def admin(cluster: Cluster) -> Api:
    return connect(cluster.kubeconfig)


@pytest.fixture
def tenant(tenants: dict[str, Tenant]) -> Tenant:
    """One for each test, so that none waits for the namespace of the one before to be gone."""
    return tenants[next(UNUSED)]


@pytest.fixture
def vacant(admin: Api, tenant: Tenant) -> Iterator[str]:
    """The name of the tenant's namespace, which nobody has made yet."""
    name = f"{tenant.id}-dev"
    yield name
    with suppress(ApiError):
        admin.request("DELETE", f"/api/v1/namespaces/{name}")


def _bind(admin: Api, namespace: str) -> None:
    """What a binding makes, as far as the sync is concerned: the connection data."""
    admin.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body={"metadata": {"name": NAME}})


def _uid(admin: Api, namespace: str) -> str:
    return str(admin.request("GET", f"/api/v1/namespaces/{namespace}")[1]["metadata"]["uid"])


@pytest.fixture
def namespace(admin: Api, vacant: str) -> str:
    admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": vacant}})
    _bind(admin, vacant)
    return vacant


@pytest.fixture
def kubeconfig(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Kubernetes client reads KUBECONFIG when it is imported, which is long ago."""
    monkeypatch.setattr("gdcc.identity.commands.local_kubeconfig", lambda context: cluster.kubeconfig)


@pytest.fixture
def secrets(admin: Api) -> KubernetesSecrets:
    return KubernetesSecrets(admin)


@pytest.fixture
def wanted(identities: Identities, estate: Estate, tenant: Tenant) -> Realm:
    return desired(identities, estate, f"r{uuid.uuid4().hex[:8]}", *bound_to(tenant, Environment.DEV, "notify"))


def test_a_secret_that_is_not_the_bindings_is_left_as_it_is_and_told(
    admin: Api, namespace: str, secrets: KubernetesSecrets
) -> None:
    target, path = f"{namespace}/{NAME}", f"/api/v1/namespaces/{namespace}/secrets"
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": _uid(admin, namespace)}
    for owners in ([], [owner]):
        metadata = {"name": NAME, "ownerReferences": owners}
        admin.request("POST", path, body={"metadata": metadata, "stringData": {"a": "by hand"}})
        with pytest.raises(SecretError, match="is not owned by the tenant's binding") as told:
            secrets.read(target)
        assert "delete it" in told.value.hint
        secrets.clear(target)
        assert admin.request("DELETE", f"{path}/{NAME}")[1]["status"] == "Success"


def test_no_key_is_made_before_the_binding_is_applied_and_one_can_be_taken_back(
    identities: Identities, estate: Estate, admin: Api, vacant: str, secrets: KubernetesSecrets, wanted: Realm
) -> None:
    for _ in range(2):  # neither without the namespace nor without the binding in it
        with pytest.raises(SecretError, match="cannot be put into the Secret") as told:
            identities.sync(wanted, secrets)
        assert "gdcc up" in told.value.hint
        with suppress(ApiError):
            admin.request("POST", "/api/v1/namespaces", body={"metadata": {"name": vacant}})
    (client,) = identities.server().get(f"{wanted.name}/clients", clientId=vacant)
    assert JWKS not in client["attributes"], "no key is registered that could not be handed out"
    _bind(admin, vacant)
    steps = identities.sync(wanted, secrets)
    assert {step.kind for step in steps} == {"key"}
    assert not identities.sync(wanted, secrets)
    application = Application(secrets.read(f"{vacant}/{NAME}") or {}, identities.keycloak.authority)
    assert application.token().status_code == 200

    without = desired(identities, estate, wanted.name)
    identities.sync(without, secrets)
    assert not identities.server().get(f"{wanted.name}/clients", clientId=vacant)
    assert secrets.read(f"{vacant}/{NAME}") == {}, "it is still the binding's, with which it goes"
    assert application.token().status_code != 200, "the key of a client that is gone opens nothing"
    assert not identities.sync(without, secrets)


def test_the_verbs_plan_sync_and_rotate_and_never_print_a_key(
    identities: Identities,
    namespace: str,
    secrets: KubernetesSecrets,
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

    with pytest.raises(FindingError, match="not as it should be"):
        run("plan", "--expect-no-changes")
    planned = json.loads(run("plan", "--json"))
    assert not planned["done"]
    assert {one["action"] for one in planned["steps"]} == {"create", "update"}
    assert "created" in run("sync")
    assert "nothing to do" in run("plan", "--expect-no-changes")
    held = secrets.read(f"{namespace}/{NAME}")
    assert "nothing to do" in run("rotate")
    done = json.loads(run("rotate", "--client", wanted.parts["clients"][0]["clientId"], "--json"))
    assert [one["kind"] for one in done["steps"]] == ["key"]
    assert secrets.read(f"{namespace}/{NAME}") != held
    with pytest.raises(FindingError, match="no client is named nobody"):
        run("rotate", "--client", "nobody")


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
