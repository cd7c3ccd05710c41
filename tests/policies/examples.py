"""The examples of `policies/examples`, each as the objects that it is tried as."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gdcc.model import Environment, Estate, StackSettings, load_estate
from gdcc.network import namespaces
from policies.places import places
from policies.rules import UNKNOWN, Parameters, Place
from tests.checkout import REPOSITORY

FOLDER = REPOSITORY / "policies" / "examples"
TO_POD: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
EPHEMERAL = "ephemeralContainers"
NAME = "example"
CLUSTER_WIDE = ("ClusterRole", "Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_ABOUT = {"as", "container", "environment", "in", "object", "pod", "stored", "without"}
_KEYS = {"name", "path", "says", "unknown", *_ABOUT}


@cache
def estate() -> Estate:
    return load_estate(REPOSITORY, StackSettings(agencies=("moph/ddc", "moph/dms")))


def parameters() -> Parameters:
    return Parameters.of(estate())


@cache
def where(environment: str) -> str:
    """The agency's namespace for an environment."""
    return next(
        each.name
        for each in namespaces(estate())
        if each.tenant.agency == "ddc" and each.environment is Environment(environment)
    )


@dataclass(frozen=True)
class Example:
    """One object and what is to be said of it.

    Attributes:
        path: the field that is told; "" when the object passes.
        unknown: the field that cannot be judged before the update; "" when all is known.
        stored: whether it is as the API server keeps it.
    """

    rule: str
    name: str
    manifest: dict[str, Any]
    path: str
    says: str
    unknown: str
    stored: bool

    @property
    def id(self) -> str:
        return f"{self.rule}: {self.name} ({self.kind})"

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def namespace(self) -> str:
        return str(self.manifest["metadata"].get("namespace", ""))

    @property
    def place(self) -> Place | None:
        return places(estate()).get(self.namespace)

    @property
    def good(self) -> bool:
        return not self.path and not self.unknown

    @property
    def ephemeral(self) -> bool:
        return self.kind == "Pod" and EPHEMERAL in self.manifest["spec"]

    def with_unknowns(self, stand_in: Any) -> dict[str, Any]:
        found: dict[str, Any] = _replaced(self.manifest, "<unknown>", stand_in)
        return found


@cache
def examples() -> tuple[Example, ...]:
    return tuple(example for file in sorted(FOLDER.glob("*.yaml")) for example in _of(file))


def _of(file: Path) -> Iterator[Example]:
    for written in yaml.safe_load(file.read_text(encoding="utf-8")):
        assert set(written) <= _KEYS, (file.name, set(written) - _KEYS)
        for kind in _kinds(written):
            manifest, container, spec = _made(written, kind)
            paths = {key: _path(written.get(key, ""), container, spec) for key in ("path", "unknown")}
            said = written.get("says", "")
            assert bool(said) == bool(paths["path"]), (file.name, written["name"])
            stored = written.get("stored", False)
            yield Example(file.stem, written["name"], manifest, paths["path"], said, paths["unknown"], stored)


def _kinds(written: Mapping[str, Any]) -> tuple[str, ...]:
    if "object" in written:
        return ("",)
    if written.get("in") == EPHEMERAL:
        return ("Pod",)
    return tuple(written.get("as", TO_POD))


def _made(written: Mapping[str, Any], kind: str) -> tuple[dict[str, Any], str, str]:
    """The object, the path of its container and of its pod."""
    namespace = where(written.get("environment", "dev"))
    if "object" in written:
        manifest = copy.deepcopy(written["object"])
        if manifest["kind"] not in CLUSTER_WIDE:
            manifest["metadata"]["namespace"] = namespace
        return manifest, "", ""
    sort = written.get("in", "containers")
    about = _over(container("app" if sort == "containers" else "extra"), written.get("container", {}))
    if sort == EPHEMERAL:
        about.pop("resources", None)
    for field in written.get("without", ()):
        _take(about, field.split("."))
    spec = pod_spec() | ({"restartPolicy": "Never"} if kind in ("Job", "CronJob") else {})
    spec = _over(spec, written.get("pod", {})) | {sort: [about]}
    steps = ".".join(TO_POD[kind])
    return workload(kind, spec, namespace), f"{steps}.{sort}[0]", steps


def workload(kind: str, spec: dict[str, Any], namespace: str) -> dict[str, Any]:
    """A workload that makes pods of this spec."""
    metadata = {"name": NAME, "namespace": namespace}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
    template = {"metadata": {"labels": {"app": NAME}}, "spec": spec}
    if kind == "CronJob":
        outer: dict[str, Any] = {"schedule": "@hourly", "jobTemplate": {"spec": {"template": template}}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": outer}
    if kind == "Job":
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": {"template": template}}
    outer = {"selector": {"matchLabels": {"app": NAME}}, "template": template}
    outer |= {"serviceName": NAME} if kind == "StatefulSet" else {}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": outer}


def container(name: str) -> dict[str, Any]:
    """A container that every rule lets pass."""
    amount = {"cpu": "100m", "memory": "64Mi"}
    return {
        "name": name,
        "image": f"registry.gdcc.go.th.example/ddc/web@sha256:{'a' * 64}",
        "imagePullPolicy": "Always",
        "resources": {"limits": amount, "requests": amount},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
    }


def pod_spec() -> dict[str, Any]:
    """The spec of such a pod."""
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": security, "containers": [container("app")]}


def _over(under: Any, laid: Any) -> Any:
    if not isinstance(under, dict) or not isinstance(laid, dict):
        return copy.deepcopy(laid)
    return {**under, **{key: _over(under.get(key), value) for key, value in laid.items()}}


def _take(inside: Any, keys: list[str]) -> None:
    for key in keys[:-1]:
        inside = inside[key]
    inside.pop(keys[-1], None)


def _path(written: str, container_path: str, pod_path: str) -> str:
    if not written or not pod_path:
        return written
    if written.startswith("pod:"):
        return f"{pod_path}.{written.removeprefix('pod:')}"
    return f"{container_path}.{written}"


def _replaced(value: Any, old: str, new: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, old, new) for item in value]
    return new if value == old else value


def known(example: Example) -> dict[str, Any]:
    """The object as rules see it."""
    return example.with_unknowns(UNKNOWN)
