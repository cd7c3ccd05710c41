"""What can be said of an object before it exists: what was asked for is known, all that the server fills in is not."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

from pulumi import _types

from gdcc.engine.values import UNKNOWN

_Shape = tuple[tuple[str, type | None], ...]
"""Property names of a nested type, each with the nested type of its values if these are objects."""


def outlook(type_token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of an object that is not live yet: its inputs, and unknown for each other declared property.

    A program that reads one of these unknowns cannot be planned to the end; the engine then lets it run a second
    time while it applies, as the Pulumi CLI always does.
    """
    shape = _resource_shape(type_token)
    return {key: _filled(value, shape.get(key)) for key, value in inputs.items()}


def _filled(value: Any, nested: type | None) -> Any:
    if nested is None or not isinstance(value, Mapping):
        return value
    filled = dict(value)
    for name, inner in _shape(nested):
        filled[name] = _filled(value[name], inner) if name in value else UNKNOWN
    return filled


@functools.cache
def _shape(output_type: type) -> _Shape:
    return tuple((name, _object_type(hint)) for name, hint in _types.output_type_types(output_type).items())


@functools.cache
def _resource_shape(type_token: str) -> Mapping[str, type | None]:
    """The declared properties of a resource type of pulumi_kubernetes; none for a custom resource."""
    _, module, name = type_token.split(":")
    group, _, version = module.partition("/")
    try:
        package = importlib.import_module(f"pulumi_kubernetes.{group.split('.')[0]}.{version}")
        resource = getattr(package, name)
    except (ImportError, AttributeError):
        return {"metadata": _object_meta()}
    return {key: _object_type(hint) for key, hint in _types.resource_types(resource).items()}


def _object_meta() -> type:
    outputs = importlib.import_module("pulumi_kubernetes.meta.v1.outputs")
    meta: type = outputs.ObjectMeta
    return meta


def _object_type(hint: Any) -> type | None:
    inner = _types.unwrap_type(hint)
    return inner if isinstance(inner, type) and _types.is_output_type(inner) else None
