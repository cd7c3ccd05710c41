"""Clients with what most of them share written once, so that a thousand fit into one ConfigMap (1 MiB)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gdcc.identity.clients import claim

_CLAIMS, _MAPPERS, _ATTRIBUTES = "claims", "protocolMappers", "attributes"


def compact(clients: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`shared`, what more than half of them have, and `each`, the clients without the fields that are so."""
    short = [{**one, _CLAIMS: _claims(one[_MAPPERS])} for one in clients]
    for one in short:
        del one[_MAPPERS]
    shared = _commonest([{name: value for name, value in one.items() if name != _ATTRIBUTES} for one in short])
    shared[_ATTRIBUTES] = _commonest([one[_ATTRIBUTES] for one in short])
    each = []
    for one in short:
        attributes = _without(one[_ATTRIBUTES], shared[_ATTRIBUTES])
        rest = _without({name: value for name, value in one.items() if name != _ATTRIBUTES}, shared)
        each.append({**rest, _ATTRIBUTES: attributes} if attributes else rest)
    return {"shared": shared, "each": each}


def expanded(contents: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The clients that `compact` was given."""
    shared, listed = contents["shared"], []
    for one in contents["each"]:
        attributes = {**shared[_ATTRIBUTES], **one.get(_ATTRIBUTES, {})}
        whole = {**shared, **one, _ATTRIBUTES: {name: value for name, value in attributes.items() if value is not None}}
        claims = whole.pop(_CLAIMS)
        listed.append({**whole, _MAPPERS: [claim(name, value) for name, value in claims.items()]})
    return listed


def _claims(mappers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["config"]["claim.value"] for one in mappers}


def _commonest(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each field's value that more than half have; a field without one is left out."""
    found = {}
    for name in sorted({name for one in items for name in one}):
        texts = Counter(json.dumps(one[name], sort_keys=True) for one in items if name in one)
        text, count = texts.most_common(1)[0]
        if count * 2 > len(items):
            found[name] = json.loads(text)
    return found


def _without(one: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the shared values; None for a shared field that is not there."""
    missing = {name: None for name in shared if name not in one and name != _ATTRIBUTES}
    return {**{name: value for name, value in one.items() if name not in shared or shared[name] != value}, **missing}
