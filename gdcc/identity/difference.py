"""What differs between what should be and what is, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """One field.

    Attributes:
        field: the way to it, with dots.
        now: None when it is not there.
        wanted: None when it must go.
    """

    field: str
    now: Any
    wanted: Any


def changes(wanted: Mapping[str, Any], now: Mapping[str, Any], way: str = "") -> Iterator[Change]:
    """The fields of `wanted` that are otherwise in `now`; fields that only `now` has are Keycloak's own matter."""
    for name, value in wanted.items():
        field, found = f"{way}{name}", now.get(name)
        if isinstance(value, Mapping):
            yield from changes(value, found if isinstance(found, Mapping) else {}, f"{field}.")
        elif not same(value, found):
            yield Change(field, found, value)


def same(wanted: Any, found: Any) -> bool:
    """Whether two values mean the same to Keycloak: an order of words does not count, nor does nothing left out."""
    if isinstance(wanted, list) and all(isinstance(one, str) for one in wanted):
        return sorted(wanted) == sorted(found or [])
    if wanted in ("", [], False) and found in (None, "", [], False):
        return True
    return bool(wanted == found)


def merged(wanted: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What to send: `now` with the fields of `wanted`, mappings joined."""
    whole = dict(now)
    for name, value in wanted.items():
        found = whole.get(name)
        whole[name] = merged(value, found) if isinstance(value, Mapping) and isinstance(found, Mapping) else value
    return whole
