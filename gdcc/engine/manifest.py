"""From what a program registers to the object that the server stores: named, placed, and in its stored form."""

from __future__ import annotations

import base64
import secrets
import string
from typing import Any

from gdcc.engine.api import Kind, Object
from gdcc.engine.registration import Registration
from gdcc.engine.site import Site
from gdcc.engine.values import UNKNOWN

_SUFFIX = 8
"""Random characters that Pulumi adds to a name it makes."""


def manifest_of(asked: Registration, site: Site, namespace: str) -> Object:
    """The object that a registration asks for, complete: named, in its namespace, in the form that the server stores.

    A Secret's `stringData` becomes `data`, so that it can be compared with what is live. Without a name, the object
    keeps the one it was given at first, found by its URN or a former one; else it gets one as Pulumi would give it.
    """
    manifest: Object = _compact(asked.inputs)
    manifest.pop("status", None)
    metadata = dict(manifest.get("metadata") or {})
    served = site.api.served(Kind(manifest["apiVersion"], manifest["kind"]))
    if served and served.namespaced:
        metadata.setdefault("namespace", namespace)
    elif served:
        metadata.pop("namespace", None)
    if not metadata.get("name"):
        live = site.named((asked.urn, *asked.options.aliases))
        metadata["name"] = live["metadata"]["name"] if live else _autoname(asked.name)
    manifest["metadata"] = metadata
    if manifest["kind"] == "Secret" and manifest["apiVersion"] == "v1" and "stringData" in manifest:
        encoded = {key: _base64(value) for key, value in manifest.pop("stringData").items()}
        manifest["data"] = {**(manifest.get("data") or {}), **encoded}
    return manifest


def _base64(text: str) -> str:
    return text if text == UNKNOWN else base64.b64encode(text.encode()).decode()


def _compact(value: Any) -> Any:
    """Leave out absent values: null and "not given" are the same to server-side apply."""
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_compact(item) for item in value]
    return value


def _autoname(name: str) -> str:
    """A name as Pulumi's Kubernetes provider makes it: the logical name and random characters, within 63."""
    suffix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_SUFFIX))
    return f"{name.lower()[: 62 - _SUFFIX]}-{suffix}"
