"""The Kubernetes API as the engine uses it: discovery, list, read, server-side apply, delete; with retries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
import yaml
from kubernetes import config as kube_config
from kubernetes.client import ApiClient
from kubernetes.config.config_exception import ConfigException
from urllib3.util.retry import Retry

from gdcc.errors import GdccError

FIELD_MANAGER = "gdcc"
CONNECTIONS = 16
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_TRANSIENT = (429, 500, 502, 503, 504)

Object = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True, order=True)
class Kind:
    """A kind as objects name it: `apps/v1`, `Deployment`."""

    api_version: str
    kind: str

    @property
    def group(self) -> str:
        """The API group; "" for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def group_kind(self) -> str:
        """`Kind.group`, or `Kind` for the core group, as ApplySet parents list them (KEP-3659)."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, order=True)
class Key:
    """Which object: group and kind, namespace ("" when cluster-scoped), name. Versions are views, not identity."""

    group_kind: str
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """Pulumi's id of the object: `namespace/name`, or `name` when it is cluster-scoped."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        kind = self.group_kind.partition(".")[0]
        return f"{kind} {self.id}"


def key_of(manifest: Mapping[str, Any]) -> Key:
    """The identity of an object."""
    metadata = manifest.get("metadata") or {}
    kind = Kind(manifest["apiVersion"], manifest["kind"])
    return Key(kind.group_kind, metadata.get("namespace") or "", metadata.get("name") or "")


@dataclass(frozen=True)
class Served:
    """Where the API server serves a kind."""

    kind: Kind
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of one object, or of all of them."""
        root = f"/apis/{self.kind.api_version}" if self.kind.group else f"/api/{self.kind.api_version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


class ApiError(GdccError):
    """The API server refused a request.

    Attributes:
        status: the HTTP status code.
        reason: Kubernetes' reason, such as `Conflict`.
        causes: field, reason and message of each cause.
    """

    def __init__(self, status: int, body: Mapping[str, Any], request: str) -> None:
        self.status = status
        self.reason = str(body.get("reason") or status)
        details = body.get("details") or {}
        self.causes: list[Mapping[str, str]] = list(details.get("causes") or [])
        self.request = request
        message = str(body.get("message") or f"HTTP {status}")
        hints = {
            401: "Your kubeconfig's credentials are expired or wrong: sign in again, or point KUBECONFIG at another.",
            403: "Ask the platform team for that verb on that resource, or use an identity that has it.",
        }
        if status == 401:
            message = "the API server does not accept these credentials (401 Unauthorized)"
        super().__init__(f"{request}: {message}", hints.get(status, ""))


class ConnectionLostError(GdccError):
    """No answer from the API server, after retries."""


class Api:
    """A connection to one API server, as one identity, safe to share between threads.

    Args:
        client: a configured `kubernetes` client; it carries TLS, credentials and their refresh.
    """

    def __init__(self, client: ApiClient) -> None:
        if not client.configuration.verify_ssl:
            raise GdccError(
                f"the kubeconfig for {client.configuration.host} turns off TLS verification",
                "Give it the cluster's CA (certificate-authority) in place of insecure-skip-tls-verify.",
            )
        self._client = client
        self.server: str = client.configuration.host
        self._served: dict[Kind, Served] = {}

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[int, Any]:
        """One call; returns the HTTP status and the decoded answer.

        Raises:
            ApiError: the server answered with an error.
            ConnectionLostError: it did not answer.
        """
        headers = {"Accept": accept, "User-Agent": "gdcc"}
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        url = self.server + path + (f"?{urlencode(query)}" if query else "")
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = self._client.rest_client.pool_manager.request(
                method, url, body=data, headers=headers, timeout=urllib3.Timeout(connect=10, read=60)
            )
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionLostError(
                f"no answer from the API server {self.server}: {_root_cause(error)}",
                "Is the cluster up (`gdcc cluster status`), and does KUBECONFIG name the right one?",
            ) from error
        try:
            decoded = json.loads(answer.data) if answer.data else {}
        except ValueError:
            decoded = {"message": answer.data[:200].decode(errors="replace")}
        if answer.status >= 400:
            raise ApiError(answer.status, decoded if isinstance(decoded, dict) else {}, f"{method} {path}")
        return answer.status, decoded

    def served(self, kind: Kind) -> Served | None:
        """Where a kind is served; None when the server does not know it."""
        if not self._served:
            self.discover()
        return self._served.get(kind)

    def preferred(self, group_kind: str) -> Served | None:
        """Where some version of a group's kind is served: the first that the server lists."""
        if not self._served:
            self.discover()
        return next((each for kind, each in self._served.items() if kind.group_kind == group_kind), None)

    def discover(self) -> None:
        """Ask the server anew which kinds it serves (new definitions may have come)."""
        served: dict[Kind, Served] = {}
        for path in ("/api", "/apis"):
            _, answer = self.request("GET", path, accept=_DISCOVERY)
            if answer.get("kind") != "APIGroupDiscoveryList":
                raise GdccError(
                    f"the API server {self.server} has no aggregated discovery",
                    "Use Kubernetes 1.27 or newer (1.36 is tested).",
                )
            for group in answer.get("items", ()):
                for version in group.get("versions", ()):
                    for each in _kinds_of(group["metadata"].get("name", ""), version):
                        served[each.kind] = each
        self._served = served

    def kinds(self) -> Iterable[Served]:
        """All kinds that the server serves."""
        if not self._served:
            self.discover()
        return self._served.values()

    def get(self, served: Served, namespace: str, name: str) -> Object | None:
        """One object; None when there is none."""
        try:
            answer: Object = self.request("GET", served.path(namespace, name))[1]
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return answer

    def list(
        self, served: Served, namespace: str = "", selector: str = "", *, metadata_only: bool = False
    ) -> Iterator[Object]:
        """All objects of a kind, read in pages; `apiVersion` and `kind` are filled in."""
        query = {"limit": "500"} | ({"labelSelector": selector} if selector else {})
        accept = _METADATA_ONLY if metadata_only else "application/json"
        while True:
            _, page = self.request("GET", served.path(namespace), query, accept=accept)
            for item in page.get("items") or ():
                item["apiVersion"], item["kind"] = served.kind.api_version, served.kind.kind
                yield item
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            query["continue"] = token

    def apply(
        self, served: Served, manifest: Object, *, dry_run: bool = False, force: bool = False
    ) -> tuple[bool, Object]:
        """Server-side apply with strict field validation; returns whether it was created, and the object.

        Raises:
            ApiError: 409 for fields of other managers, 422 for what is invalid or immutable.
        """
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        if force:
            query["force"] = "true"
        metadata = manifest["metadata"]
        status, live = self.request(
            "PATCH",
            served.path(metadata.get("namespace", ""), metadata["name"]),
            query,
            manifest,
            content_type="application/apply-patch+yaml",
        )
        return status == 201, live

    def delete(self, served: Served, namespace: str, name: str, uid: str) -> None:
        """Delete that very object (by uid); dependants go with it in the background. Gone already is fine."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        try:
            self.request("DELETE", served.path(namespace, name), body=body)
        except ApiError as error:
            if error.status == 404 or (error.status == 409 and "uid" in error.message.lower()):
                return
            raise


def _kinds_of(group: str, version: Mapping[str, Any]) -> Iterator[Served]:
    api_version = f"{group}/{version['version']}" if group else version["version"]
    for resource in version.get("resources", ()):
        response = resource.get("responseKind") or {}
        if response.get("kind"):
            kind = Kind(api_version, response["kind"])
            yield Served(
                kind, resource["resource"], resource.get("scope") == "Namespaced", frozenset(resource["verbs"])
            )


def _root_cause(error: BaseException) -> str:
    while isinstance(reason := getattr(error, "reason", None) or error.__cause__, BaseException):
        error = reason
    return str(error) or type(error).__name__


def connect(kubeconfig: Path | str | None = None, context: str | None = None) -> Api:
    """Open a connection.

    Args:
        kubeconfig: a path (or several, separated as in KUBECONFIG), or the text of a kubeconfig; None for the
            usual places.
        context: which context in it; None for the current one.

    Raises:
        GdccError: there is no kubeconfig, no such context, or it is malformed.
    """
    try:
        if isinstance(kubeconfig, str) and (kubeconfig.lstrip().startswith("{") or "\n" in kubeconfig.strip()):
            client = kube_config.new_client_from_config_dict(yaml.safe_load(kubeconfig), context=context)
        else:
            client = kube_config.new_client_from_config(
                config_file=str(kubeconfig) if kubeconfig else None, context=context
            )
    except (ConfigException, yaml.YAMLError, OSError, TypeError, AttributeError) as error:
        raise GdccError(
            f"no usable kubeconfig{f' with context {context!r}' if context else ''}: {error}",
            "Start the local cloud with `gdcc cluster up`, or point KUBECONFIG at yours.",
        ) from error
    configuration = client.configuration
    configuration.connection_pool_maxsize = CONNECTIONS
    configuration.retries = Retry(
        total=6,
        backoff_factor=0.2,
        backoff_jitter=0.2,
        backoff_max=5,
        status_forcelist=_TRANSIENT,
        allowed_methods=None,
        raise_on_status=False,
        respect_retry_after_header=True,
    )
    if not urlsplit(configuration.host).hostname:
        raise GdccError("the kubeconfig names no server", "Point KUBECONFIG at a cluster's kubeconfig.")
    return Api(ApiClient(configuration))


def served_or_raise(api: Api, kind: Kind) -> Served:
    """Where a kind is served.

    Raises:
        GdccError: the server does not know it.
    """
    served = api.served(kind)
    if served is None:
        raise GdccError(
            f"the API server {api.server} does not serve {kind.api_version} {kind.kind}",
            "Install its CustomResourceDefinition first, or correct apiVersion and kind.",
        )
    return served
