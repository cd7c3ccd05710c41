from __future__ import annotations

from typing import Any

import pytest

from gdcc.engine.likeness import likeness


def quota(namespace: str = "a", pods: str = "3", **metadata: Any) -> dict[str, Any]:
    own = {"name": "quota", "namespace": namespace, "labels": {"tenant": namespace}, "annotations": {"urn": namespace}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": own | metadata, "spec": {"hard": {"pods": pods}}}


def test_the_same_object_in_another_namespace_is_alike() -> None:
    assert likeness(quota("a")) == likeness(quota("b"))


@pytest.mark.parametrize(
    "other",
    [
        quota(pods="x"),
        quota(name="Quota"),
        quota(labels={"tenant": "not a label"}),
        quota(labels={"other": "a"}),
        quota(annotations={"other": "a"}),
        quota(finalizers=["a"]),
        quota() | {"kind": "LimitRange"},
    ],
)
def test_what_the_server_may_judge_differently_is_not_alike(other: dict[str, Any]) -> None:
    assert likeness(quota()) != likeness(other)


def test_each_invalid_label_is_its_own() -> None:
    assert likeness(quota(labels={"a": "x y"})) != likeness(quota(labels={"a": "y z"}))
