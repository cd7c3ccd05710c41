"""What the program asks for: one record per resource it registers, read off Pulumi's own requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import resource_pb2

from gdcc.engine.api import Kind
from gdcc.engine.values import Decoded, Path, decode

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:kubernetes"


@dataclass(frozen=True)
class Options:
    """The resource options that the engine acts on; the others are refused in `gdcc.engine.support`."""

    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registration:
    """One resource as the program registered it.

    Attributes:
        urn: `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`.
        type: Pulumi's type token, such as `kubernetes:core/v1:Namespace`.
        inputs: the properties, plain data; for a Kubernetes object this is its manifest.
        secrets: paths in `inputs` that are secret.
        unknown: whether an input is only known after an update.
        provider: the reference `urn::id` of an explicit provider, or "".
        dependencies: URNs that must exist before it.
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    inputs: dict[str, Any]
    secrets: tuple[Path, ...] = ()
    unknown: bool = False
    provider: str = ""
    dependencies: frozenset[str] = frozenset()
    options: Options = field(default_factory=Options)

    @property
    def is_object(self) -> bool:
        """Whether it is a Kubernetes object, rather than a component, the stack or a provider."""
        return self.custom and self.type.startswith("kubernetes:")


def from_type(token: str) -> Kind:
    """The kind that a type token of the Kubernetes provider names: `kubernetes:core/v1:Pod` is `v1` `Pod`."""
    _, api_version, kind = token.split(":")
    return Kind(api_version.removeprefix("core/"), kind)


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource: types of its ancestors below the stack, joined by `$`, then its own."""
    if parent:
        ancestry = parent.split("::")[2]
        if ancestry != STACK_TYPE:
            type_ = f"{ancestry}${type_}"
    return f"urn:pulumi:{stack}::{project}::{type_}::{name}"


def from_request(
    request: resource_pb2.RegisterResourceRequest, stack: str, project: str
) -> tuple[Registration, Decoded]:
    """Read a registration off the wire."""
    decoded = decode(request.object)
    dependencies = set(request.dependencies)
    for urns in request.propertyDependencies.values():
        dependencies.update(urns.urns)
    if request.deletedWith:
        dependencies.add(request.deletedWith)
    registration = Registration(
        urn=make_urn(stack, project, request.parent, request.type, request.name),
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=decoded.data,
        secrets=decoded.secrets,
        unknown=decoded.unknown,
        provider=request.provider,
        dependencies=frozenset(dependencies),
        options=Options(
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            aliases=tuple(_alias_urn(alias, request, stack, project) for alias in request.aliases),
        ),
    )
    return registration, decoded


def _alias_urn(alias: Any, request: resource_pb2.RegisterResourceRequest, stack: str, project: str) -> str:
    """The former URN that an alias names, in whole or by the parts that differ."""
    if alias.urn:
        return str(alias.urn)
    spec = alias.spec
    parent = "" if spec.noParent else (spec.parentUrn or request.parent)
    return make_urn(
        spec.stack or stack, spec.project or project, parent, spec.type or request.type, spec.name or request.name
    )
