"""Where applications' keys go: the one Secret in the tenant's namespace that its binding lets us write, and owns.

The binding's connection data, a ConfigMap of the same name, is the Secret's owner: when the binding goes, Kubernetes'
garbage collector takes the Secret away, although we have no right there any more.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Protocol

from gdcc.engine.api import Api, ApiError
from gdcc.errors import GdccError
from gdcc.identity import names

CLIENT_ID, ISSUER, TOKEN_ENDPOINT = "client-id", "issuer", "token-endpoint"
PRIVATE_KEY, KEY_ID, CLIENT_SECRET = "private-key.pem", "key-id", "client-secret"
"""The keys of a Secret's data; applications mount it as files of these names."""

APPLY = "application/apply-patch+yaml"
_REFUSED = (403, 404, 409, 422)
"""Answers that are about one object or namespace, and not about the API server."""


class SecretError(GdccError):
    """One tenant's Secret cannot be read or written; the others can."""


class Secrets(Protocol):
    """Reads and writes the data of Secrets by `namespace/name`."""

    def read(self, target: str) -> dict[str, str] | None:
        """The data; None when there is no such Secret.

        Raises:
            SecretError: nothing could be put there either.
        """

    def write(self, target: str, data: Mapping[str, str]) -> None:
        """Put exactly this data of ours there.

        Raises:
            SecretError: it is refused there.
        """

    def clear(self, target: str) -> None:
        """Take our data away; a Secret that is gone is fine."""


class KubernetesSecrets:
    """Secrets in a cluster, each owned by the ConfigMap of its name, which its tenant's binding makes.

    The identity needs `get`, `create` and `patch` on exactly these Secrets, and `get` on the ConfigMaps.

    Args:
        api: a connection as that identity.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, target: str) -> dict[str, str] | None:
        """The data, decoded; None when there is no such Secret.

        Raises:
            SecretError: the binding is not applied, or the Secret there is not owned by it.
            GdccError: the API server does not answer.
        """
        with _of(target):
            owner = self._owner(target)
            try:
                _, found = self._api.request("GET", _path("secrets", target))
            except ApiError as error:
                if error.status == 404:
                    return None
                raise
        if owner["uid"] not in {one["uid"] for one in found["metadata"].get("ownerReferences") or ()}:
            # Nobody who may not delete an object may change its owner (OwnerReferencesPermissionEnforcement).
            raise SecretError(
                f"the Secret {target} is not owned by the tenant's binding: it is a former one's, or was made by hand",
                "a former binding's goes by itself within minutes; else delete it; then run it again",
            )
        return {name: _decoded(value) for name, value in (found.get("data") or {}).items()}

    def write(self, target: str, data: Mapping[str, str]) -> None:
        """Server-side apply the data, and the binding as the owner.

        Raises:
            SecretError: the namespace or the right to write there is missing: the tenant's binding is not applied yet.
        """
        with _of(target):
            self._apply(target, data, self._owner(target))

    def clear(self, target: str) -> None:
        """Apply nothing: what this field manager put there goes. With its binding the Secret goes by itself."""
        with suppress(SecretError):
            if self.read(target):
                self.write(target, {})

    def _owner(self, target: str) -> dict[str, str]:
        _, binding = self._api.request("GET", _path("configmaps", target))
        metadata = binding["metadata"]
        return {"apiVersion": "v1", "kind": "ConfigMap", "name": metadata["name"], "uid": metadata["uid"]}

    def _apply(self, target: str, data: Mapping[str, str], owner: Mapping[str, str]) -> None:
        namespace, name = target.split("/")
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"namespace": namespace, "name": name, "ownerReferences": [owner]},
            "data": {key: b64encode(value.encode()).decode() for key, value in sorted(data.items())},
        }
        query = {"fieldManager": names.FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        self._api.request("PATCH", _path("secrets", target), query, manifest, content_type=APPLY)


@contextmanager
def _of(target: str) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.status not in _REFUSED:
            raise
        raise SecretError(
            f"the key cannot be put into the Secret {target}: {error.message}",
            "apply the tenant's binding first (`gdcc up`), then run it again",
        ) from error


def _path(kind: str, target: str) -> str:
    namespace, _, name = target.partition("/")
    return f"/api/v1/namespaces/{namespace}/{kind}/{name}"


def _decoded(value: str) -> str:
    try:
        return b64decode(value).decode(errors="replace")
    except Error:
        return ""
