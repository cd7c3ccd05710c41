"""Steps for clients: settings, scopes, claims, and the key that goes into the tenant's Secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gdcc.identity import names, shared
from gdcc.identity.clients import AUTHENTICATORS, PRIVATE_KEY_JWT
from gdcc.identity.credential import JWKS, Rules, credential, due
from gdcc.identity.difference import Change, changes, merged, same
from gdcc.identity.live import managed
from gdcc.identity.realm import Realm
from gdcc.identity.scope_steps import MAPPERS, mapper_changes, set_mappers
from gdcc.identity.secrets import SecretError, Secrets
from gdcc.identity.server import Server
from gdcc.identity.step import Rotate, Step, created

_SCOPES = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}
_APART = (MAPPERS, *_SCOPES)
"""What Keycloak does not take with the rest of a client once that exists."""
_KEYCLOAKS = frozenset({JWKS, names.KEYS, "realm_client", "client.secret.creation.time"})
"""Attributes that are not in the data: Keycloak's own, and the keys."""


@dataclass(frozen=True)
class _Context:
    server: Server
    secrets: Secrets
    realm: str
    rules: Rules

    @property
    def path(self) -> str:
        return f"{self.realm}/clients"


def client_steps(
    server: Server,
    secrets: Secrets,
    realm: Realm,
    now: Mapping[str, Mapping[str, Any]],
    rules: Rules,
    rotate: Rotate,
) -> Iterator[Step]:
    """Make the clients, put right what is otherwise, and remove those that nobody asks for."""
    context = _Context(server, secrets, realm.name, rules)
    for wanted in realm.parts["clients"]:
        found = now.get(wanted["clientId"])
        if found is None:
            yield created("client", wanted["clientId"], wanted, partial(server.post, context.path, wanted))
        else:
            yield from _settings(context, wanted, found)
        yield from _key_or_why_not(context, wanted, found, rotate)
    kept = {one["clientId"] for one in realm.parts["clients"]}
    for name, found in sorted(now.items()):
        if managed(found) and name not in kept:
            target = found["attributes"].get(names.TARGET, "")
            gone = (Change("Secret", target, None),) if target else ()
            yield Step("delete", "client", name, gone, partial(_remove, context, found, target))


def _settings(context: _Context, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Step]:
    plain = {name: value for name, value in wanted.items() if name not in _APART}
    attributes = dict(plain["attributes"])
    for extra in (found.get("attributes") or {}).keys() - attributes.keys() - _KEYCLOAKS:
        attributes[extra] = ""  # Keycloak forgets an empty one
    plain["attributes"] = attributes
    differing = [*changes(plain, found), *mapper_changes(wanted[MAPPERS], found.get(MAPPERS) or ())]
    differing += [
        Change(part, found.get(part), wanted[part]) for part in _SCOPES if not same(wanted[part], found.get(part))
    ]
    if differing:
        body = {name: value for name, value in merged(plain, found).items() if name not in _APART}
        yield Step(
            *("update", "client", wanted["clientId"], tuple(differing)),
            partial(_update, context, body, wanted, found),
        )


def _update(context: _Context, body: Mapping[str, Any], wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    path = f"{context.path}/{found['id']}"
    context.server.put(path, body)
    set_mappers(context.server, path, wanted[MAPPERS], found.get(MAPPERS) or ())
    if all(same(wanted[part], found.get(part)) for part in _SCOPES):
        return
    ids = {one["name"]: one["id"] for one in context.server.get(f"{context.realm}/client-scopes")}
    for part, where in _SCOPES.items():
        for extra in set(found.get(part) or ()) - set(wanted[part]):
            context.server.delete(f"{path}/{where}/{ids[extra]}")
    for part, where in _SCOPES.items():
        for missing in set(wanted[part]) - set(found.get(part) or ()):
            context.server.put(f"{path}/{where}/{ids[missing]}")


def _key_or_why_not(
    context: _Context, wanted: Mapping[str, Any], found: Mapping[str, Any] | None, rotate: Rotate
) -> Iterator[Step]:
    """Steps for the key; where its Secret is out of reach one that fails, before any key is registered."""
    try:
        steps = list(_key(context, wanted, found, rotate))
    except SecretError as error:
        told = (Change("key", None, f"{error.message}; {error.hint}"),)
        yield Step("update", "key", wanted["clientId"], told, partial(_fail, error))
    else:
        yield from steps


def _fail(error: SecretError) -> None:
    raise error


def _key(
    context: _Context, wanted: Mapping[str, Any], found: Mapping[str, Any] | None, rotate: Rotate
) -> Iterator[Step]:
    client_id, target = wanted["clientId"], wanted["attributes"][names.TARGET]
    live = (found or {}).get("attributes") or {}
    if wanted["clientAuthenticatorType"] != AUTHENTICATORS[PRIVATE_KEY_JWT]:
        wanted_now = rotate != "due" and client_id in rotate
        yield from shared.steps(
            context.server, context.secrets, context.path, client_id, target, context.rules, found, wanted_now
        )
        return
    turn = due(live, context.rules) if rotate == "due" else client_id in rotate
    asked = credential(client_id, live, context.secrets.read(target), context.rules, rotate=turn and bool(live))
    if not asked.reasons:
        return

    def run() -> None:
        client = _find(context, client_id)
        if any(changes(asked.attributes, client["attributes"])):
            attributes = {**client["attributes"], **asked.attributes}
            context.server.put(f"{context.path}/{client['id']}", {**client, "attributes": attributes})
        if asked.data is not None:  # second: until now the application goes on with the key it has
            context.secrets.write(target, asked.data)

    told = tuple(Change("key", None, reason) for reason in asked.reasons)
    yield Step("update", "key", f"{client_id} (Secret {target})", told, run)


def _find(context: _Context, client_id: str) -> dict[str, Any]:
    (client,) = context.server.get(context.path, clientId=client_id)
    return dict(client)


def _remove(context: _Context, found: Mapping[str, Any], target: str) -> None:
    """First it is switched off, then its Secret emptied, if that is still there, and last it goes.

    A kill leaves what a new run still finds.
    """
    path = f"{context.path}/{found['id']}"
    context.server.put(path, {**{name: value for name, value in found.items() if name not in _APART}, "enabled": False})
    if target:
        context.secrets.clear(target)
    context.server.delete(path)
