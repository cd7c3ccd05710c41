"""Compares what is asked for with what is live: nothing to do, which fields differ, and whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdcc.engine.api import FIELD_MANAGER, Object
from gdcc.engine.values import REDACTED, Path

_SERVER_SIDE = {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}
"""Metadata that the server keeps; it says nothing about what anybody wants."""


@dataclass(frozen=True)
class Change:
    """One field that an apply would change. `old` is None when it is added, `new` when it is removed."""

    path: Path
    old: Any
    new: Any

    @property
    def kind(self) -> str:
        """`add`, `delete` or `update`, the words of Pulumi's detailed diff."""
        if self.old is None:
            return "add"
        return "delete" if self.new is None else "update"

    @property
    def field(self) -> str:
        """The path as people write it: `spec.hard["requests.cpu"]`, `rules[0].verbs`."""
        return format_path(self.path)


def format_path(path: Path) -> str:
    """A path as Pulumi's detailed diff writes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif "." in part or "/" in part:
            text += f'["{part}"]'
        else:
            text += f".{part}" if text else part
    return text


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The fields that differ between two states of an object, both as the server would store them.

    The values of Secrets are compared but not returned.
    """
    found = list(_changes((), _comparable(old), _comparable(new)))
    if new.get("kind") == "Secret" and new.get("apiVersion") == "v1":
        return [_redacted(each) if each.path[0] in ("data", "stringData") else each for each in found]
    return found


def _redacted(change: Change) -> Change:
    return Change(
        change.path,
        None if change.old is None else REDACTED,
        None if change.new is None else REDACTED,
    )


def _comparable(state: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in (state.get("metadata") or {}).items() if key not in _SERVER_SIDE}
    return {**{key: value for key, value in state.items() if key != "status"}, "metadata": metadata}


def _changes(path: Path, old: Any, new: Any) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _changes((*path, key), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _changes((*path, index), left, right)
    else:
        yield Change(path, old, new)


def overlaid(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The live object with all that is asked for put over it: what cannot be asked of the server when it refuses."""
    return {
        **live,
        **{
            key: overlaid(live[key], value)
            if isinstance(value, Mapping) and isinstance(live.get(key), Mapping)
            else value
            for key, value in manifest.items()
        },
    }


def is_current(manifest: Object, live: Object) -> bool:
    """Whether applying `manifest` would certainly change nothing, told from the live object alone.

    True when each value asked for is live and the fields owned by this field manager are just those asked for.
    A false answer only means that the server has to be asked.
    """
    entry = next(
        (
            each
            for each in live["metadata"].get("managedFields") or ()
            if each.get("manager") == FIELD_MANAGER and each.get("operation") == "Apply" and not each.get("subresource")
        ),
        None,
    )
    if entry is None or entry.get("apiVersion") != manifest["apiVersion"]:
        return False
    asked = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    asked["metadata"] = {key: value for key, value in asked["metadata"].items() if key not in ("name", "namespace")}
    return _holds(asked, live) and _owns(entry.get("fieldsV1") or {}, asked)


def _holds(asked: Any, live: Any) -> bool:
    """Whether each value asked for is there."""
    if isinstance(asked, Mapping):
        return isinstance(live, Mapping) and all(
            key in live and _holds(value, live[key]) for key, value in asked.items()
        )
    if isinstance(asked, list):
        return isinstance(live, list) and len(asked) == len(live) and all(map(_holds, asked, live))
    return bool(asked == live) and type(asked) is type(live)


def _owns(fields: Mapping[str, Any], asked: Any) -> bool:
    """Whether a field set (structured-merge-diff's `fieldsV1`) names just the fields asked for."""
    members = {key: inner for key, inner in fields.items() if key != "."}
    if not members:
        return True  # a leaf, or owned as a whole
    if isinstance(asked, Mapping):
        return members.keys() == {f"f:{key}" for key in asked} and all(
            _owns(members[f"f:{key}"], asked[key]) for key in asked
        )
    if isinstance(asked, list) and len(members) == len(asked):
        return all(any(_owns_item(key, inner, item) for item in asked) for key, inner in members.items())
    return False


def _owns_item(key: str, fields: Mapping[str, Any], item: Any) -> bool:
    form, _, text = key.partition(":")
    if form == "v":
        return bool(json.loads(text) == item)
    if form != "k" or not isinstance(item, Mapping):
        return False
    # Keys that the server filled in by default are not in what was asked for.
    if any(item.get(name, value) != value for name, value in json.loads(text).items()):
        return False
    defaulted = {f"f:{name}" for name in json.loads(text) if name not in item}
    return _owns({name: inner for name, inner in fields.items() if name not in defaulted}, item)


def without(manifest: Object, paths: Sequence[str], live: Object | None) -> Object:
    """The manifest with `ignoreChanges` carried out: each path keeps its live value, or none when it has none."""
    for path in paths:
        manifest = _kept(manifest, parse_path(path), live)
    return manifest


def _kept(asked: Any, path: Path, live: Any) -> Any:
    if not path or asked is None:
        return asked
    key, rest = path[0], path[1:]
    if key == "*":
        keys: Sequence[str | int] = list(asked) if isinstance(asked, Mapping) else range(len(asked))
        for each in keys:
            asked = _kept(asked, (each, *rest), live)
        return asked
    if isinstance(asked, Mapping):
        below = live.get(key) if isinstance(live, Mapping) else None
        if rest:
            return {**asked, key: _kept(asked[key], rest, below)} if key in asked else asked
        kept = {name: value for name, value in asked.items() if name != key}
        return kept if below is None else {**kept, key: below}
    if isinstance(asked, list) and isinstance(key, int) and key < len(asked):
        below = live[key] if isinstance(live, list) and key < len(live) else None
        if rest:
            return [*asked[:key], _kept(asked[key], rest, below), *asked[key + 1 :]]
        return asked if below is None else [*asked[:key], below, *asked[key + 1 :]]
    return asked


def parse_path(text: str) -> Path:
    """Read a Pulumi property path: `spec.replicas`, `metadata.labels["a.b/c"]`, `spec.ports[0].port`, `rules[*]`."""
    parts: list[str | int] = []
    rest = text
    while rest:
        if rest.startswith('["'):
            name, _, rest = rest[2:].partition('"]')
            parts.append(name)
        elif rest.startswith("["):
            index, _, rest = rest[1:].partition("]")
            parts.append(int(index) if index.isdigit() else index)
        else:
            rest = rest.removeprefix(".")
            ends = [at for at in (rest.find("."), rest.find("[")) if at >= 0]
            end = min(ends, default=len(rest))
            parts.append(rest[:end])
            rest = rest[end:]
    return tuple(parts)


def touches(change: Change, paths: Sequence[str]) -> bool:
    """Whether a change lies at, under or over one of the property paths."""
    for text in paths:
        path = parse_path(text)
        if all(part in ("*", own) for part, own in zip(path, change.path, strict=False)):
            return True
    return False


@dataclass(frozen=True)
class Owner:
    """A field manager of a live object: its name, how it wrote (`Apply` or `Update`), and when (RFC 3339)."""

    manager: str
    operation: str
    time: str


def owner_of(path: Path, live: Object, *, removed: bool = False) -> Owner | None:
    """Which other manager owns a field of a live object; the latest to write it, when several do.

    Args:
        removed: the field is not there any more, so that nobody owns it: then the latest to write the object after
            this field manager did.
    """
    entries = [entry for entry in live["metadata"].get("managedFields") or () if not entry.get("subresource")]
    others = [entry for entry in entries if entry.get("manager") != FIELD_MANAGER]
    if removed:
        ours = max((entry.get("time", "") for entry in entries if entry.get("manager") == FIELD_MANAGER), default="")
        found = [entry for entry in others if entry.get("time", "") >= ours]
    else:
        found = [entry for entry in others if _covers(entry.get("fieldsV1") or {}, path, live)]
    owners = (Owner(each.get("manager", ""), each.get("operation", ""), each.get("time", "")) for each in found)
    return max(owners, key=lambda owner: owner.time, default=None)


def _covers(fields: Mapping[str, Any], path: Path, live: Any) -> bool:
    """Whether a field set covers the value at `path`, or the whole that it is part of."""
    if not path:
        return True
    key, rest = path[0], path[1:]
    if isinstance(key, str):
        inner = fields.get(f"f:{key}")
        if inner is None:
            return False
        below = live.get(key) if isinstance(live, Mapping) else None
        return not (inner.keys() - {"."}) or _covers(inner, rest, below)
    item = live[key] if isinstance(live, list) and key < len(live) else None
    return any(_owns_key(name, item) and _covers(inner, rest, item) for name, inner in fields.items() if name != ".")


def _owns_key(name: str, item: Any) -> bool:
    form, _, text = name.partition(":")
    if form == "v":
        return bool(json.loads(text) == item)
    if form == "k" and isinstance(item, Mapping):
        return all(item.get(field) == value for field, value in json.loads(text).items())
    return False
