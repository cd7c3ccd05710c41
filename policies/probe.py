"""Asks the API server, by a dry run, for what a rule forbids: it must be refused, and nothing stays behind."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

from gdcc.engine.api import Api, ApiError, Kind
from policies.rules import Parameters

SETTLING = 3.0
"""Seconds; the API server looks for new and changed admission policies about once a second."""
_NAME = "gdcc-must-be-refused"
_KIND = Kind("apps/v1", "Deployment")

_CONTAINER: Mapping[str, Mapping[str, Any]] = {
    "privileges": {"securityContext": {"allowPrivilegeEscalation": True}},
    "read-only-root": {"securityContext": {"readOnlyRootFilesystem": False}},
    "images": {"image": "images.invalid/strange:1"},
}
_POD: Mapping[str, Mapping[str, Any]] = {
    "host": {"hostPID": True},
    "seccomp": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    "pod-security": {"volumes": [{"name": "files", "nfs": {"server": "192.0.2.1", "path": "/"}}]},
    "placement": {"schedulerName": "mine"},
}
PROBED = frozenset({*_CONTAINER, *_POD})
"""Rules that can be asked so, whoever asks: no wall of theirs exempts anybody."""


def forbidden(rule: str, parameters: Parameters, namespace: str, agency: str) -> dict[str, Any]:
    """A workload that breaks one rule and no other."""
    repository = parameters.admission.images.repositories[0].replace("{agency}", agency)
    container = {
        "name": "app",
        "image": f"{repository}/must-be-refused@sha256:{'0' * 64}",
        "imagePullPolicy": "Always",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = _over({"securityContext": security}, _POD.get(rule, {}))
    spec["containers"] = [_over(container, _CONTAINER.get(rule, {}))]
    labels = {"app": _NAME}
    return {
        "apiVersion": _KIND.api_version,
        "kind": _KIND.kind,
        "metadata": {"name": _NAME, "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def path(namespace: str) -> str:
    """Where it is asked."""
    return f"/apis/{_KIND.api_version}/namespaces/{namespace}/deployments"


def refusal(api: Api, manifest: Mapping[str, Any]) -> str:
    """Why the server refuses it; "" when it still does not after `SETTLING`, since a wall just written is not up yet.

    Raises:
        GdccError: the server does not answer, or whoever asks may not.
    """
    deadline = time.monotonic() + SETTLING
    while not (said := _refused(api, manifest)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return said


def _refused(api: Api, manifest: Mapping[str, Any]) -> str:
    try:
        api.request("POST", path(manifest["metadata"]["namespace"]), {"dryRun": "All"}, manifest)
    except ApiError as error:
        if "denied request" not in error.message:
            raise
        return error.message.partition("denied request: ")[2]
    return ""


def _over(under: Any, laid: Any) -> Any:
    if not isinstance(under, Mapping) or not isinstance(laid, Mapping):
        return copy.deepcopy(laid)
    return {**copy.deepcopy(dict(under)), **{key: _over(under.get(key), value) for key, value in laid.items()}}
