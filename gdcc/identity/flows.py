"""Bringing a login flow about: built whole beside the one in force, and then put in its place by one setting.

People log in by the old one until the new one is complete; a kill in between leaves one that nobody uses, and the next
run removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gdcc.identity.flow import ALIAS, Node
from gdcc.identity.live import prefixed, titles
from gdcc.identity.server import Server

SIDES = (f"{ALIAS}-a", f"{ALIAS}-b")


def install(server: Server, realm: str, wanted: Node, in_force: str, ours: Sequence[str]) -> None:
    """Build the flow under the alias that is not in force, put it in force, and remove the other.

    Args:
        server: Keycloak.
        realm: the realm's name.
        wanted: the tree.
        in_force: the alias in force.
        ours: aliases of our flows that exist.
    """
    alias = SIDES[1] if in_force == SIDES[0] else SIDES[0]
    remove(server, realm, [one for one in ours if one != in_force])
    flow = {"alias": alias, "providerId": "basic-flow", "topLevel": True, "builtIn": False}
    server.post(f"{realm}/authentication/flows", {**flow, "description": "gdcc"})
    _add(server, realm, alias, alias, wanted, frozenset(titles(wanted)))
    server.put(realm, {"browserFlow": alias})
    remove(server, realm, [one for one in ours if one == in_force])


def remove(server: Server, realm: str, aliases: Sequence[str]) -> None:
    """Remove flows, with all their steps; those not in force."""
    found = {one["alias"]: one["id"] for one in server.get(f"{realm}/authentication/flows")}
    for alias in aliases:
        if alias in found:
            server.delete(f"{realm}/authentication/flows/{found[alias]}")


def _add(server: Server, realm: str, alias: str, parent: str, node: Node, named: frozenset[str]) -> None:
    path = f"{realm}/authentication/flows/{parent.replace(' ', '%20')}/executions"
    for number, step in enumerate(node["steps"]):
        priority = 10 * (number + 1)
        if "flow" in step:
            title = prefixed(alias, step["flow"])
            kind = {"alias": title, "type": "basic-flow", "description": "", "provider": "registration-page-form"}
            server.post(f"{path}/flow", {**kind, "priority": priority})
        else:
            server.post(f"{path}/execution", {"provider": step["authenticator"], "priority": priority})
        # What a step is required to be is not taken when it is made.
        found = [one for one in server.get(path) if one["level"] == 0][number]
        server.put(path, {**found, "requirement": step["requirement"], "priority": priority})
        if config := step.get("config"):
            settings = {name: prefixed(alias, value) if value in named else value for name, value in config.items()}
            _configure(server, realm, found, {"alias": f"{parent} {number}", "config": settings})
        if "flow" in step:
            _add(server, realm, alias, prefixed(alias, step["flow"]), step, named)


def _configure(server: Server, realm: str, execution: dict[str, Any], config: dict[str, Any]) -> None:
    server.post(f"{realm}/authentication/executions/{execution['id']}/config", config)
