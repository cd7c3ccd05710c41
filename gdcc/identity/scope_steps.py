"""Steps for client scopes, and for the protocol mappers of scopes and clients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gdcc.identity.difference import Change, changes, merged
from gdcc.identity.server import Server
from gdcc.identity.step import Step, created

MAPPERS = "protocolMappers"


def scope_steps(
    server: Server, realm: str, wanted: Sequence[Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> Iterator[Step]:
    """Make the client scopes, and put right what is otherwise."""
    path = f"{realm}/client-scopes"
    for scope in wanted:
        found = now.get(scope["name"])
        if found is None:
            yield created("client scope", scope["name"], scope, partial(server.post, path, scope))
            continue
        plain = {name: value for name, value in scope.items() if name != MAPPERS}
        differing = (*changes(plain, found), *mapper_changes(scope[MAPPERS], found.get(MAPPERS) or ()))
        if differing:
            yield Step(
                *("update", "client scope", scope["name"], differing),
                partial(_update, server, f"{path}/{found['id']}", scope, found),
            )


def _update(server: Server, path: str, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> None:
    plain = {name: value for name, value in wanted.items() if name != MAPPERS}
    server.put(path, {name: value for name, value in merged(plain, live).items() if name != MAPPERS})
    set_mappers(server, path, wanted[MAPPERS], live.get(MAPPERS) or ())


def mapper_changes(wanted: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    """What differs; one too many does too, since it could claim anything."""
    found = {one["name"]: one for one in now}
    for one in wanted:
        yield from changes(one, found.get(one["name"], {}), f"{MAPPERS}.{one['name']}.")
    for name in sorted(found.keys() - {one["name"] for one in wanted}):
        yield Change(f"{MAPPERS}.{name}", found[name].get("protocolMapper"), None)


def set_mappers(
    server: Server, path: str, wanted: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> None:
    """Make the protocol mappers of a client or scope exactly these."""
    where = f"{path}/protocol-mappers/models"
    found = {one["name"]: one for one in now}
    for name in sorted(found.keys() - {one["name"] for one in wanted}):
        server.delete(f"{where}/{found[name]['id']}")
    for one in wanted:
        live = found.get(one["name"])
        if live is None:
            server.post(where, one)
        elif any(changes(one, live)):
            server.put(f"{where}/{live['id']}", merged(one, live))
