"""Pulumi programs that the tests run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s


def config_map(name: str, namespace: Any, data: dict[str, Any], **options: Any) -> k8s.core.v1.ConfigMap:
    return k8s.core.v1.ConfigMap(
        name,
        metadata=k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace),
        data=data,
        opts=pulumi.ResourceOptions(**options),
    )


def namespace(name: str, labels: dict[str, str] | None = None, **options: Any) -> k8s.core.v1.Namespace:
    metadata = k8s.meta.v1.ObjectMetaArgs(name=name, labels=labels)
    return k8s.core.v1.Namespace(name, metadata=metadata, opts=pulumi.ResourceOptions(**options))


def maps(ns: str, labels: dict[str, str] | None = None, **data: str) -> Callable[[], None]:
    """A namespace, and in it a ConfigMap for each keyword with its value."""

    def program() -> None:
        home = namespace(ns, labels)
        for name, value in data.items():
            config_map(name, home.metadata.name, {"value": value})

    return program
