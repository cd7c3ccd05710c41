"""The real program with two agencies on the real API server, and what one of them already runs there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.binding import CREDENTIAL_ROLE, credential_rules
from components.platform import group_of
from components.services import rights
from components.services.ground import MAKER_ROLE, maker_rule
from gdcc.cluster import Cluster
from gdcc.services.recipe import Recipe
from tests.checkout import Checkout
from tests.escape import ground
from tests.escape.attack import MERGE, Request
from tests.escape.campaign import Campaign
from tests.escape.catalogue import ATTACKS
from tests.escape.ground import FROZEN, GOOD, HOME, WAITING, claim, here, ingress, made_of, pod, service
from tests.escape.identities import ACTORS, ADMINISTRATOR, Actor, with_certificate, with_token

_FREEZE = "gdcc.go.th/frozen"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="package")
def program(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The program, applied by an administrator; destroyed at the end."""
    root = tmp_path_factory.mktemp("escape")
    made = Checkout.make(root, *ground.AGENCIES, project="escape", disposable=False)
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    made.gdcc("up", "--yes")
    yield made
    made.destroy()


@pytest.fixture(scope="package")
def actors(cluster: Cluster, program: Checkout, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Actor]:
    """Everybody who attacks, with the administrator who takes walls away."""
    folder = tmp_path_factory.mktemp("identities")
    everybody = {name: with_certificate(cluster, folder, *subject) for name, subject in ACTORS.items()}
    everybody["front-proxy"] = _front_proxy(cluster)
    tokens = here("serviceaccounts/workload/token")
    request = made_of("authentication.k8s.io/v1", "TokenRequest", "workload", spec={"expirationSeconds": 3600})
    token = everybody[ADMINISTRATOR].call(Request("POST", tokens, request))["status"]["token"]
    everybody["workload"] = with_token(cluster, f"system:serviceaccount:{HOME}:workload", token)
    everybody["nobody"] = with_token(cluster, "system:anonymous", None)
    everybody["empty-token"] = with_token(cluster, "system:anonymous", "")
    return everybody


@pytest.fixture(scope="package")
def campaign(actors: dict[str, Actor]) -> Iterator[Campaign]:
    """The attacks, on an agency that runs something."""
    administrator, tenant = actors[ADMINISTRATOR], actors["tenant-admin"]
    frozen = f"/api/v1/namespaces/{FROZEN}"
    with ExitStack() as stack:
        administrator.call(Request("PATCH", frozen, {"metadata": {"labels": {_FREEZE: "true"}}}, MERGE))
        stack.callback(administrator.call, Request("PATCH", frozen, {"metadata": {"labels": {_FREEZE: None}}}, MERGE))
        for path, body in (*_by_the_platform(), *_by_the_tenant()):
            maker = tenant if f"/namespaces/{HOME}/" in path else administrator
            maker.call(Request("POST", path, body))
            at_once = {"gracePeriodSeconds": 0}  # the program does not delete namespaces that hold something
            stack.callback(administrator.call, Request("DELETE", f"{path}/{body['metadata']['name']}", at_once))
        yield Campaign(actors, ATTACKS)


def _by_the_tenant() -> Iterator[tuple[str, dict[str, Any]]]:
    web = {"app": "web"}
    yield here("pods"), pod(name=GOOD, labels=web)
    yield here("pods"), pod(name=WAITING, nodeSelector={"kubernetes.io/hostname": "none"})
    yield here("services"), service(GOOD)
    yield here("configmaps"), made_of("v1", "ConfigMap", GOOD, data={"key": "value"})
    yield here("persistentvolumeclaims"), claim(GOOD, storageClassName="standard")
    yield here("ingresses", group="networking.k8s.io"), ingress(f"www.{ground.DOMAIN}", name=GOOD)


def _by_the_platform() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("HTTPRoute", "Gateway"):
        yield _CRDS, _gateway_api(kind)
    yield (
        "/apis/node.k8s.io/v1/runtimeclasses",
        made_of("node.k8s.io/v1", "RuntimeClass", ground.RUNTIME, handler="unsafe"),
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = asked.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    spec = {
        "request": base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    signing = made_of("certificates.k8s.io/v1", "CertificateSigningRequest", ground.SIGNING, spec=spec)
    yield "/apis/certificates.k8s.io/v1/certificatesigningrequests", signing
    yield from _rights_for_services()


def _rights_for_services() -> Iterator[tuple[str, dict[str, Any]]]:
    """What the layer `services` adds to a deployer's rights, and roles for credentials; the services are not built."""
    group = "rbac.authorization.k8s.io"
    credential = [*credential_rules("identity")]
    maker = [maker_rule([Recipe("keycloak-sync", {})])]
    made = {rights.ROLE: rights.deployer_rules(ground.ESTATE), CREDENTIAL_ROLE.format("identity"): credential,
            MAKER_ROLE.format("identity"): maker}  # fmt: skip
    for name, rules in made.items():
        written = [{"apiGroups": [one.group], "resources": one.resources, "verbs": one.verbs,
                    **({"resourceNames": one.names} if one.names else {})} for one in rules]  # fmt: skip
        yield f"/apis/{group}/v1/clusterroles", made_of(f"{group}/v1", "ClusterRole", name, rules=written)
    role = {"apiGroup": group, "kind": "ClusterRole", "name": rights.ROLE}
    subjects = [{"apiGroup": group, "kind": "Group", "name": group_of("deployer")}]
    bound = made_of(f"{group}/v1", "ClusterRoleBinding", rights.ROLE, roleRef=role, subjects=subjects)
    yield f"/apis/{group}/v1/clusterrolebindings", bound


def _gateway_api(kind: str) -> dict[str, Any]:
    """As much of the Gateway API as walls look at: the kind, in the versions it is served in."""
    group, plural = "gateway.networking.k8s.io", f"{kind.lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [
        {"name": version, "served": True, "storage": version == "v1", "schema": schema} for version in ("v1", "v1beta1")
    ]
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    spec = {"group": group, "scope": "Namespaced", "versions": versions, "names": names}
    approval = {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"}
    return made_of(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", annotations=approval, spec=spec
    )


def _front_proxy(cluster: Cluster) -> Actor:
    """Who may speak for others in headers: whoever holds the front proxy's certificate."""
    folder = next(path.parent for path in Path(cluster.state).rglob("front-proxy-client.crt"))
    pool = urllib3.PoolManager(
        ca_certs=str(cluster.ca),
        cert_file=str(folder / "front-proxy-client.crt"),
        key_file=str(folder / "front-proxy-client.key"),
    )
    return Actor(cluster.server, pool, "front-proxy-client", {})
