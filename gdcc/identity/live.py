"""The realm as it is in Keycloak, in the shape of what should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gdcc.identity import names
from gdcc.identity.flow import ALIAS, Node
from gdcc.identity.server import Server

Item = dict[str, Any]
BESIDE_A_REALM = ("clients", "clientScopes", "identityProviders", "organizations", "roles")

KEY_PROVIDER = "org.keycloak.keys.KeyProvider"


@dataclass(frozen=True)
class Live:
    """What Keycloak has.

    Attributes:
        realm: its settings; None when there is no such realm.
        items: by part, and then by key: client id, name or alias.
        profile: the user profile's configuration.
        policies: the client policies.
        flow: the tree of the flow in force, if that is one of ours.
        flows: aliases of all flows of ours.
        signers: ids of the providers of keys that tokens are signed with.
    """

    realm: Item | None = None
    items: Mapping[str, Mapping[str, Item]] = field(default_factory=lambda: {part: {} for part in BESIDE_A_REALM})
    profile: Item = field(default_factory=dict)
    policies: tuple[Item, ...] = ()
    flow: Node | None = None
    flows: tuple[str, ...] = ()
    signers: frozenset[str] = frozenset()


KEYS = {
    "clients": "clientId",
    "clientScopes": "name",
    "identityProviders": "alias",
    "organizations": "name",
    "roles": "name",
}
"""What tells one from another."""


def managed(item: Mapping[str, Any]) -> bool:
    """Whether the sync made it: roles and organizations hold lists, identity providers have no other place."""
    marks = (item.get("attributes") or {}).get(names.MANAGED) or (item.get("config") or {}).get(names.MANAGED)
    return marks in ("true", ["true"])


def read(server: Server, realm: str) -> Live:
    """Read the realm."""
    settings = server.get(realm)
    if settings is None:
        return Live()
    whole = "false"
    providers = list(server.every(f"{realm}/identity-provider/instances", briefRepresentation=whole))
    for one in providers:
        one["mappers"] = server.get(f"{realm}/identity-provider/instances/{one['alias']}/mappers") or []
    found = {
        "clients": server.every(f"{realm}/clients"),
        "clientScopes": server.get(f"{realm}/client-scopes"),
        "identityProviders": providers,
        "organizations": server.every(f"{realm}/organizations", briefRepresentation=whole),
        "roles": server.every(f"{realm}/roles", briefRepresentation=whole),
    }
    flows = [one["alias"] for one in server.get(f"{realm}/authentication/flows") if one["alias"].startswith(ALIAS)]
    in_force = str(settings.get("browserFlow", ""))
    return Live(
        realm=settings,
        items={part: {one[KEYS[part]]: one for one in listed} for part, listed in found.items()},
        profile=server.get(f"{realm}/users/profile") or {},
        policies=tuple((server.get(f"{realm}/client-policies/policies") or {}).get("policies") or ()),
        flow=flow(server, realm, in_force) if in_force in flows else None,
        flows=tuple(flows),
        signers=frozenset(one["providerId"] for one in server.get(f"{realm}/components", type=KEY_PROVIDER) or ()),
    )


def flow(server: Server, realm: str, alias: str) -> Node:
    """A flow as the tree that `gdcc.identity.flow.browser_flow` gives, titles without the alias before them."""
    listed = iter(server.get(f"{realm}/authentication/flows/{alias}/executions") or [])
    nodes = [(one["level"], _node(server, realm, alias, one)) for one in listed]
    top: Node = {"alias": ALIAS, "steps": []}
    ends = {-1: top}
    for level, node in nodes:
        ends[level - 1].setdefault("steps", []).append(node)
        ends[level] = node
    return top


def _node(server: Server, realm: str, alias: str, execution: Mapping[str, Any]) -> Node:
    node: Node = {"requirement": execution["requirement"]}
    if execution.get("authenticationFlow"):
        return {**node, "flow": plain(alias, execution["displayName"]), "steps": []}
    node["authenticator"] = execution["providerId"]
    if identifier := execution.get("authenticationConfig"):
        config = (server.get(f"{realm}/authentication/config/{identifier}") or {}).get("config") or {}
        node["config"] = {name: plain(alias, value) for name, value in config.items()}
    return node


def prefixed(alias: str, title: str) -> str:
    """A step's title as Keycloak knows it: unique in the realm."""
    return f"{alias} {title}"


def plain(alias: str, title: str) -> str:
    """The title without the alias."""
    return title.removeprefix(f"{alias} ")


def titles(node: Node) -> Iterator[str]:
    """The titles of all sub-flows of a tree."""
    for step in node.get("steps", ()):
        if "flow" in step:
            yield step["flow"]
            yield from titles(step)
