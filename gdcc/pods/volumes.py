"""The volumes of pods: files of ConfigMaps and Secrets, empty folders, and claims. Secrets are kept in memory only."""

from __future__ import annotations

import hashlib
import os
import shutil
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gdcc.engine.api import Api, ApiError
from gdcc.errors import GdccError
from gdcc.pods.pod import Json, Pod

MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs, and the folder in it is ours alone
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_LIFE = 3600
"""Seconds of a service account's token."""


class Volumes:
    """Those of one folder's pods.

    Args:
        api: whose objects are mounted.
        folder: where claims and empty folders are; secrets are in a folder of `MEMORY` that is named after it.
    """

    def __init__(self, api: Api, folder: Path) -> None:
        self._api, self._folder = api, folder
        self._memory = MEMORY / f"gdcc-pods-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"

    def bring(self, pod: Pod, *, anew: bool) -> dict[str, Path]:
        """A pod's volumes by their name, with what the API server has now.

        Args:
            pod: whose.
            anew: whether the pod begins, so that its empty folders are empty; else what is mounted is brought up to
                date in place.

        Raises:
            GdccError: an object that a volume names is not there.
        """
        self._memory.mkdir(mode=0o711, exist_ok=True)
        return {one["name"]: self._volume(pod, one, anew=anew) for one in pod.spec["volumes"]}

    def identity(self, pod: Pod) -> Path:
        """The folder of a pod's service account: token, authority and namespace, as a kubelet mounts them."""
        account = pod.spec.get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": _LIFE}}
        token = self._api.request("POST", path, body=body)[1]["status"]["token"]
        authority = self._object(pod, "configmaps", "kube-root-ca.crt")["data"]["ca.crt"]
        content = {"token": token, "ca.crt": authority, "namespace": pod.namespace}
        return _files(self._memory / pod.id / "identity", {k: v.encode() for k, v in content.items()}, 0o440, pod.user)

    def forget(self) -> None:
        """Remove secrets and empty folders; claims stay."""
        shutil.rmtree(self._memory, ignore_errors=True)
        shutil.rmtree(self._folder / "scratch", ignore_errors=True)

    def claim(self, namespace: str, name: str, user: int) -> Path:
        """The folder of a claim."""
        return _owned(self._folder / "claims" / namespace / name, user)

    def _volume(self, pod: Pod, volume: Json, *, anew: bool) -> Path:
        name = volume["name"]
        if "configMap" in volume:
            data = self._object(pod, "configmaps", volume["configMap"]["name"]).get("data") or {}
            content = {key: value.encode() for key, value in data.items()}
            return _files(self._folder / "scratch" / pod.id / name, content, 0o440, pod.user)
        if "secret" in volume:
            return self._secret(pod, name, volume["secret"])
        if "persistentVolumeClaim" in volume:
            return self.claim(pod.namespace, volume["persistentVolumeClaim"]["claimName"], pod.user)
        path = self._folder / "scratch" / pod.id / name
        if anew:
            shutil.rmtree(path, ignore_errors=True)
        return _owned(path, pod.user)

    def _secret(self, pod: Pod, name: str, source: Json) -> Path:
        try:
            data = self._object(pod, "secrets", source["secretName"]).get("data") or {}
        except GdccError:
            if not source.get("optional"):
                raise
            data = {}
        items: Mapping[str, str] = {one["key"]: one["path"] for one in source.get("items") or ()}
        chosen = {path: data[key] for key, path in (items or {key: key for key in data}).items() if key in data}
        content = {path: b64decode(value) for path, value in chosen.items()}
        return _files(self._memory / pod.id / name, content, int(source.get("defaultMode", 0o644)), pod.user)

    def _object(self, pod: Pod, kind: str, name: str) -> dict[str, Any]:
        try:
            return dict(self._api.request("GET", f"/api/v1/namespaces/{pod.namespace}/{kind}/{name}")[1])
        except ApiError as error:
            if error.status != 404:
                raise
            what = f"{pod.namespace}/{pod.name} waits for {kind.removesuffix('s')} {name}, which is not there"
            raise GdccError(what, "apply the stack with the layer `services` first") from error


def _owned(path: Path, user: int) -> Path:
    path.mkdir(mode=0o770, parents=True, exist_ok=True)
    os.chown(path, user, user)
    path.chmod(0o770)
    return path


def _files(path: Path, content: Mapping[str, bytes], mode: int, group: int) -> Path:
    """A folder with exactly these files; one that is the same is not touched, another is replaced at once."""
    path.mkdir(mode=0o750, parents=True, exist_ok=True)
    os.chown(path, 0, group)
    for old in path.iterdir():
        if old.name not in content:
            old.unlink()
    for name, data in content.items():
        file, part = path / name, path / f".{name}.part"
        if file.exists() and file.read_bytes() == data:
            continue
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.chown(part, 0, group)
        part.chmod(mode)
        part.replace(file)
    return path
