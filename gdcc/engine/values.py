"""Property values on Pulumi's wire: what is secret, what is not known yet, and what is left as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

UNKNOWN = rpc.UNKNOWN
"""The string that stands for a value which only an update can tell."""

REDACTED = "[secret]"
"""What every report shows in place of a secret, as Pulumi does."""

_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig
_RESOURCE = rpc._special_resource_sig
_ASSETS = {rpc._special_asset_sig, rpc._special_archive_sig}

Path = tuple[str | int, ...]
"""The way to a value inside an object: keys of mappings and indices of lists."""


@dataclass(frozen=True)
class Decoded:
    """A property bag as plain data.

    Attributes:
        data: mappings, lists, strings, integers, floats, booleans, None; unknown values are `UNKNOWN`.
        secrets: paths of the values that the program marked as secret.
        unknown: whether any value is not known yet.
        assets: paths of assets and archives, which no Kubernetes object can hold.
    """

    data: dict[str, Any]
    secrets: tuple[Path, ...]
    unknown: bool
    assets: tuple[Path, ...]


def decode(struct: struct_pb2.Struct) -> Decoded:
    """Turn the wire's form into plain data, remembering what is secret and what is unknown."""
    secrets: list[Path] = []
    assets: list[Path] = []
    unknown = False

    def value_of(value: struct_pb2.Value, path: Path) -> Any:
        nonlocal unknown
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            unknown = unknown or value.string_value == UNKNOWN
            return value.string_value
        if kind == "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        if kind == "bool_value":
            return value.bool_value
        if kind == "list_value":
            return [value_of(item, (*path, index)) for index, item in enumerate(value.list_value.values)]
        if kind == "struct_value":
            return mapping_of(value.struct_value, path)
        return None

    def mapping_of(fields: struct_pb2.Struct, path: Path) -> Any:
        signature = fields.fields[_SIGNATURE].string_value if _SIGNATURE in fields.fields else ""
        if signature == _SECRET:
            secrets.append(path)
            return value_of(fields.fields["value"], path)
        if signature == _RESOURCE:
            return fields.fields["urn"].string_value
        if signature in _ASSETS:
            assets.append(path)
            return None
        return {key: value_of(item, (*path, key)) for key, item in fields.fields.items()}

    data = {key: value_of(item, (key,)) for key, item in struct.fields.items()}
    return Decoded(data, tuple(secrets), unknown, tuple(assets))


def encode(data: Mapping[str, Any], secrets: tuple[Path, ...] = ()) -> struct_pb2.Struct:
    """Turn plain data into the wire's form, marking the values at `secrets` as secret."""
    marked = data
    for path in secrets:
        marked = _wrapped(marked, path)
    struct = struct_pb2.Struct()
    struct.update(marked)
    return struct


def _wrapped(data: Any, path: Path) -> Any:
    if not path:
        return {_SIGNATURE: _SECRET, "value": data}
    key = path[0]
    if isinstance(data, Mapping) and key in data:
        return {**data, key: _wrapped(data[key], path[1:])}
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return [*data[:key], _wrapped(data[key], path[1:]), *data[key + 1 :]]
    return data


def redact(data: Any, secrets: tuple[Path, ...]) -> Any:
    """A copy of `data` with `REDACTED` at each of the paths in `secrets`."""
    for path in secrets:
        data = _redacted(data, path)
    return data


def _redacted(data: Any, path: Path) -> Any:
    if not path:
        return dict.fromkeys(data, REDACTED) if isinstance(data, Mapping) else REDACTED
    key = path[0]
    if isinstance(data, Mapping) and key in data:
        return {**data, key: _redacted(data[key], path[1:])}
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return [*data[:key], _redacted(data[key], path[1:]), *data[key + 1 :]]
    return data
