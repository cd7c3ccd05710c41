"""Where applications' keys go: one Secret in the tenant's namespace, by a field manager of our own."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from typing import Protocol

from gdcc.engine.api import Api, ApiError
from gdcc.errors import GdccError
from gdcc.identity import names

CLIENT_ID, ISSUER, TOKEN_ENDPOINT = "client-id", "issuer", "token-endpoint"
PRIVATE_KEY, KEY_ID, CLIENT_SECRET = "private-key.pem", "key-id", "client-secret"
"""The keys of a Secret's data; applications mount it as files of these names."""


class Secrets(Protocol):
    """Reads and writes the data of Secrets by `namespace/name`."""

    def read(self, target: str) -> dict[str, str] | None:
        """The data; None when there is no such Secret."""

    def write(self, target: str, data: Mapping[str, str]) -> None:
        """Put exactly this data of ours there."""

    def clear(self, target: str) -> None:
        """Take our data away; a Secret that is gone is fine."""


class KubernetesSecrets:
    """Secrets in a cluster. The identity needs `get` and `patch` on exactly these names.

    Args:
        api: a connection as that identity.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, target: str) -> dict[str, str] | None:
        """The data, decoded; None when there is no such Secret.

        Raises:
            GdccError: we may not read it, or the API server does not answer.
        """
        try:
            _, found = self._api.request("GET", _path(target))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return {name: _decoded(value) for name, value in (found.get("data") or {}).items()}

    def write(self, target: str, data: Mapping[str, str]) -> None:
        """Server-side apply the data.

        Raises:
            GdccError: the namespace or the right to write there is missing: the tenant's binding is not applied yet.
        """
        try:
            self._apply(target, data)
        except ApiError as error:
            if error.status in (403, 404):
                raise GdccError(
                    f"the key cannot be put into the Secret {target}: {error.message}",
                    "apply the tenant's binding first (`gdcc up`), then run it again",
                ) from error
            raise

    def clear(self, target: str) -> None:
        """Apply nothing: what this field manager put there goes. The right to it may have gone with the binding."""
        try:
            if self.read(target):
                self._apply(target, {})
        except ApiError as error:
            if error.status not in (403, 404):
                raise

    def _apply(self, target: str, data: Mapping[str, str]) -> None:
        namespace, name = target.split("/")
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"namespace": namespace, "name": name},
            "data": {key: b64encode(value.encode()).decode() for key, value in sorted(data.items())},
        }
        query = {"fieldManager": names.FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        self._api.request("PATCH", _path(target), query, manifest, content_type="application/apply-patch+yaml")


def _path(target: str) -> str:
    namespace, _, name = target.partition("/")
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


def _decoded(value: str) -> str:
    try:
        return b64decode(value).decode(errors="replace")
    except Error:
        return ""
