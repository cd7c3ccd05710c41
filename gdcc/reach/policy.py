"""NetworkPolicy (networking.k8s.io/v1) as the API reference defines it, read into sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gdcc.reach.addresses import Addresses
from gdcc.reach.manifest import Node
from gdcc.reach.ports import Ports
from gdcc.reach.selector import Selector


class Direction(StrEnum):
    """Which side of a connection a rule stands on."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods on the other side."""

    namespaces: Selector | None
    """None: the policy's own namespace."""
    pods: Selector


@dataclass(frozen=True, slots=True)
class Rule:
    """What one entry of ``ingress`` or ``egress`` opens."""

    path: str
    """``egress[0]``."""
    peers: tuple[PodPeer | Addresses, ...]
    """Empty: everybody, inside and outside the cluster."""
    ports: Ports


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy; in a direction that is None it neither isolates nor opens."""

    namespace: str
    name: str
    pods: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None
    source: str = ""
    """The file that asked for it, relative to the project."""

    @classmethod
    def read(cls, manifest: Mapping[str, Any], source: str = "") -> Policy:
        """Reads an object as the API would take it, its defaults applied.

        Args:
            manifest: the object in JSON form.
            source: the file that asked for it.

        Raises:
            FindingError: it is none that the Kubernetes API would take.
        """
        metadata = Node(manifest, "a network policy: ").part("metadata")
        namespace, name = metadata.text("namespace", "default"), metadata.text("name")
        root = Node(manifest, f"network policy {namespace}/{name}: ")
        if (kind := root.text("kind", "NetworkPolicy")) != "NetworkPolicy":
            raise root.wrong("kind", f"`{kind}` is no NetworkPolicy")
        spec = root.part("spec")
        spec.only("podSelector", "policyTypes", "ingress", "egress")
        types = _types(spec)
        return cls(
            namespace,
            name,
            Selector.read(spec.part("podSelector")),
            tuple(_rules(spec, Direction.INGRESS, "from")) if "Ingress" in types else None,
            tuple(_rules(spec, Direction.EGRESS, "to")) if "Egress" in types else None,
            source,
        )

    def rules(self, direction: Direction) -> tuple[Rule, ...] | None:
        """The rules of one direction; None where the policy does not isolate."""
        return self.ingress if direction is Direction.INGRESS else self.egress

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def _types(spec: Node) -> tuple[str, ...]:
    """Without types stated: Ingress always, and Egress if there are egress rules (a list that is empty is none)."""
    stated = spec.texts("policyTypes")
    for one in stated:
        if one not in ("Ingress", "Egress"):
            raise spec.wrong("policyTypes", f"`{one}` is neither Ingress nor Egress")
    return stated or (("Ingress", "Egress") if spec.data.get("egress") else ("Ingress",))


def _rules(spec: Node, direction: Direction, peers: str) -> Iterator[Rule]:
    for index, node in enumerate(spec.items(direction.value)):
        node.only(peers, "ports")
        found = tuple(map(_peer, node.items(peers)))
        yield Rule(f"{direction.value}[{index}]", found, Ports.read(node.items("ports")))


def _peer(node: Node) -> PodPeer | Addresses:
    node.only("podSelector", "namespaceSelector", "ipBlock")
    selects = node.has("podSelector") or node.has("namespaceSelector")
    if node.has("ipBlock"):
        if selects:
            raise node.wrong("ipBlock", "stands alone: selectors beside it are refused")
        return Addresses.read(node.part("ipBlock"))
    if not selects:
        raise node.wrong("podSelector", "a peer needs a selector or an ipBlock")
    # A selector that is there and empty selects all; one that is absent says nothing.
    namespaces = Selector.read(node.part("namespaceSelector")) if node.has("namespaceSelector") else None
    return PodPeer(namespaces, Selector.read(node.part("podSelector")))
