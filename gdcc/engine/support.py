"""What the embedded engine cannot do: each is named before anything changes, with the Pulumi CLI as the way to go."""

from __future__ import annotations

from collections.abc import Iterator

from pulumi.runtime.proto import resource_pb2

from gdcc.engine.registration import PROVIDER_TYPE, Registration
from gdcc.engine.values import Decoded
from gdcc.errors import FindingError

WAY_OUT = "Run this stack with the Pulumi CLI (`pulumi up`), or take that out of the program."

PROVIDER_HONOURED = {"kubeconfig", "context", "namespace"}
PROVIDER_HARMLESS = {
    "clusterIdentifier",
    "enableConfigMapMutable",
    "enablePatchForce",
    "enableSecretMutable",
    "helmReleaseSettings",
    "kubeClientSettings",
    "suppressDeprecationWarnings",
    "suppressHelmHookWarnings",
    "upsertExistingObjects",
}
"""Settings that change nothing here: the engine always upserts by server-side apply, and replaces what is immutable."""


class UnsupportedError(FindingError):
    """The program uses something that only the Pulumi CLI can do; nothing was changed."""

    def __init__(self, problems: list[str]) -> None:
        listing = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"the embedded engine cannot run this program:\n{listing}", WAY_OUT)
        self.problems = problems


def unsupported(request: resource_pb2.RegisterResourceRequest, asked: Registration, decoded: Decoded) -> Iterator[str]:
    """Each thing in a registration that the engine cannot honour, as a sentence."""
    where = f"{asked.type} {asked.name!r}"
    if asked.custom and not asked.is_object and asked.type != PROVIDER_TYPE:
        yield f"{where}: resource type {asked.type} is not one of Kubernetes"
    if request.remote:
        yield f"{where}: a component that a provider plugin builds"
    if asked.is_object and _kind(asked).endswith("Patch"):
        yield f"{where}: a patch of an object that somebody else owns"
    elif asked.is_object and not ("apiVersion" in asked.inputs and "kind" in asked.inputs):
        yield f"{where}: not a single Kubernetes object (no apiVersion and kind)"
    elif asked.is_object and _kind(asked).endswith("List"):
        yield f"{where}: a list of objects; register them one by one"
    for path in decoded.assets:
        yield f"{where}: a file asset at {'.'.join(map(str, path))}"
    if asked.type == PROVIDER_TYPE:
        for key in sorted(
            set(asked.inputs) - PROVIDER_HONOURED - PROVIDER_HARMLESS - {"version", "enableServerSideApply"}
        ):
            yield f"{where}: provider setting {key}"
        if str(asked.inputs.get("enableServerSideApply", "true")).lower() == "false":
            yield f"{where}: provider setting enableServerSideApply: false (this engine knows no other way)"
    yield from (f"{where}: resource option {option}" for option in _options(request))


def _kind(asked: Registration) -> str:
    return asked.type.rsplit(":", 1)[-1]


def _options(request: resource_pb2.RegisterResourceRequest) -> Iterator[str]:
    if request.importId:
        yield "import (an object that exists is adopted by applying it; no import is needed)"
    if request.HasField("customTimeouts") and request.customTimeouts.ListFields():
        yield "customTimeouts"
    if request.transforms:
        yield "transforms"
    if request.HasField("hooks") and request.hooks.ListFields():
        yield "hooks"
    if request.replace_with:
        yield "replaceWith"
    if request.HasField("replacement_trigger") and request.replacement_trigger.WhichOneof("kind") not in (
        None,
        "null_value",
    ):
        yield "replacementTrigger"
    if request.packageRef:
        yield "a parameterized package"
    if request.envVarMappings:
        yield "envVarMappings"
