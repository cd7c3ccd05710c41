from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcc.engine.applyset import ApplySet
from gdcc.engine.diff import Change, changes, format_path, is_current, parse_path, touches, without
from gdcc.engine.values import REDACTED, redact

METADATA = {"name": "a", "labels": {"set": "ours"}}
KEYS = st.text("abcdef./-", min_size=1, max_size=6)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def live(fields: dict[str, Any], **state: Any) -> dict[str, Any]:
    marked = {"f:metadata": {"f:labels": {"f:set": {}}}, **fields}
    entry = {"manager": "gdcc", "operation": "Apply", "apiVersion": "v1", "fieldsV1": marked}
    metadata = {"name": "a", "labels": {"set": "ours"}, "managedFields": [entry]}
    return {"apiVersion": "v1", "kind": "ConfigMap", **state, "metadata": metadata}


def test_an_object_is_current_when_it_holds_and_owns_just_what_is_asked_for() -> None:
    asked = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": METADATA, "data": {"x": "1"}}
    fields = {"f:data": {"f:x": {}}}
    assert is_current(asked, live(fields, data={"x": "1"}))
    assert is_current(asked, live(fields, data={"x": "1", "theirs": "2"})), "a field of somebody else is not ours"
    assert not is_current(asked, live(fields, data={"x": "2"}))
    assert not is_current(asked, live({"f:data": {"f:x": {}, "f:old": {}}}, data={"x": "1", "old": "0"}))
    assert not is_current(asked, live({}, data={"x": "1"}) | {"metadata": {"name": "a"}})


def test_items_of_keyed_lists_and_sets_are_matched_by_what_identifies_them() -> None:
    asked = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": METADATA,
        "spec": {"ports": [{"port": 80, "name": "web"}]},
    }
    fields = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}}}}
    state = live(fields, spec={"ports": [{"port": 80, "name": "web", "protocol": "TCP"}]})
    assert is_current(asked, state)


def test_the_values_of_secrets_are_compared_and_never_returned() -> None:
    old = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"password": "b2xk"}}
    new = {**old, "data": {"password": "bmV3"}}
    assert changes(old, new) == [Change(("data", "password"), REDACTED, REDACTED)]


@given(PLAIN)
def test_an_object_does_not_differ_from_itself(value: Any) -> None:
    assert changes({"metadata": {}, "value": value}, {"metadata": {}, "value": value}) == []


@given(st.lists(KEYS | st.integers(0, 9), min_size=1, max_size=4).filter(lambda path: isinstance(path[0], str)))
def test_a_path_is_read_back_as_it_was_written(path: list[str | int]) -> None:
    text = format_path(tuple(path))
    if not any(isinstance(part, str) and "-" in part and part != part.strip() for part in path):
        assert parse_path(text) == tuple(path)


@pytest.mark.parametrize(
    ("path", "touched"),
    [("spec", True), ("spec.replicas", True), ("spec.replicas.more", True), ("spec.other", False), ("*", True)],
)
def test_a_change_touches_what_lies_at_over_or_under_it(path: str, touched: bool) -> None:
    assert touches(Change(("spec", "replicas"), 1, 2), [path]) is touched


def test_ignored_paths_keep_what_is_live() -> None:
    asked = {"spec": {"replicas": 1, "items": [{"a": 1}, {"a": 2}]}}
    state = {"spec": {"replicas": 5, "items": [{"a": 8}, {"a": 9}]}}
    kept = without(asked, ["spec.replicas", "spec.items[*].a"], state)
    assert kept == state
    assert without(asked, ["spec.replicas"], None) == {"spec": {"items": [{"a": 1}, {"a": 2}]}}


def test_redaction_reaches_into_lists_and_leaves_the_rest() -> None:
    data = {"a": [{"b": "secret", "c": "plain"}], "d": {"e": "secret"}}
    shown = redact(data, (("a", 0, "b"), ("d",)))
    assert shown == {"a": [{"b": REDACTED, "c": "plain"}], "d": {"e": REDACTED}}


def test_the_applyset_id_is_the_one_that_the_standard_computes() -> None:
    # KEP-3659: base64url without padding of sha256("<name>.<namespace>.<kind>.<group>").
    hashed = hashlib.sha256(b"gdcc.local.gdcc-system.ConfigMap.").digest()
    encoded = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
    assert ApplySet("gdcc", "local").id == f"applyset-{encoded}-v1"
