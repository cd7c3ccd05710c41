"""What must be done to bring Keycloak to the realm that should be: steps that can be shown, and then run in order.

Each step leaves Keycloak in a state from which a new plan goes on; nothing is remembered between runs but what is in
Keycloak and in the Secrets. What the sync did not make is neither changed nor removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gdcc.errors import FindingError, GdccError
from gdcc.identity import flows
from gdcc.identity.client_steps import client_steps
from gdcc.identity.credential import Rules
from gdcc.identity.difference import Change, changes, merged
from gdcc.identity.live import KEY_PROVIDER, KEYS, Item, Live, managed, read
from gdcc.identity.realm import FAPI_POLICY, Realm
from gdcc.identity.scope_steps import scope_steps
from gdcc.identity.secrets import SecretError, Secrets
from gdcc.identity.server import Server
from gdcc.identity.step import Action, Rotate, Step, created, deleted

_SIGNER: Item = {
    "name": "es256",
    "providerId": "ecdsa-generated",
    "providerType": KEY_PROVIDER,
    "config": {"ecdsaEllipticCurveKey": ["P-256"], "priority": ["100"], "active": ["true"], "enabled": ["true"]},
}
_SHOWN = 5
"""Failed Secrets that are told of."""
_PATHS = {"roles": "roles", "organizations": "organizations", "identityProviders": "identity-provider/instances"}
_KINDS = {"roles": "role", "organizations": "organization", "identityProviders": "identity provider"}
_KINDS |= {"clients": "client", "clientScopes": "client scope"}


def plan(server: Server, secrets: Secrets, realm: Realm, now: int, rotate: Rotate = frozenset()) -> list[Step]:
    """What must be done, in order; nothing when Keycloak and the Secrets are as they should be.

    Args:
        server: Keycloak.
        secrets: where applications' keys are.
        realm: what should be.
        now: seconds since the epoch; former keys end by it.
        rotate: client ids whose keys are changed; `"due"` for those old enough.

    Raises:
        FindingError: something of the same name is there that the sync did not make.
        GdccError: Keycloak or the API server does not answer, or refuses.
    """
    live = read(server, realm.name)
    _refuse_foreign(realm, live)
    rules = Rules(realm.issuer, realm.rotate_after, realm.grace, now)
    parts = realm.parts
    return [
        *_settings(server, realm, live),
        *_signer(server, realm, live),
        *_profile(server, realm, live),
        *_items(server, realm, live, "roles"),
        *scope_steps(server, realm.name, parts["clientScopes"], live.items["clientScopes"]),
        *_flow(server, realm, live),
        *_items(server, realm, live, "identityProviders"),
        *_items(server, realm, live, "organizations"),
        *_policies(server, realm, live),
        *client_steps(server, secrets, realm, live.items["clients"], rules, rotate),
        *_removals(server, realm, live),
    ]


def apply(steps: Sequence[Step], tell: Callable[[Step], None] = lambda step: None) -> None:
    """Run the steps; stops at the first that fails, and a new plan goes on from there.

    One tenant's Secret that cannot be written keeps no other tenant waiting: it is told at the end.

    Args:
        steps: a plan.
        tell: called before each.

    Raises:
        GdccError: a step failed.
    """
    failed: list[SecretError] = []
    for step in steps:
        tell(step)
        try:
            step.run()
        except SecretError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise GdccError(
            f"{len(failed)} Secrets have not got their keys, everything else is done",
            "\n".join(f"{error.message}; {error.hint}" for error in failed[:_SHOWN]),
        )


def _refuse_foreign(realm: Realm, live: Live) -> None:
    foreign = [f"realm {realm.name}"] if live.realm and not managed(live.realm) else []
    for part, key in KEYS.items():
        for one in realm.parts[part]:
            found = live.items[part].get(one[key])
            if found is not None and not managed(found):
                foreign.append(f"{_KINDS[part]} {one[key]}")
    if foreign:
        raise FindingError(
            f"there already, and not made by this sync: {', '.join(foreign)}",
            "remove or rename it in Keycloak, or give it the attribute `gdcc.managed` with the value `true`",
        )


def _settings(server: Server, realm: Realm, live: Live) -> Iterator[Step]:
    wanted = realm.parts["realm"]
    if live.realm is None:
        yield created("realm", realm.name, wanted, partial(server.post, "", wanted))
        return
    found = live.realm
    if differing := tuple(changes(wanted, found)):
        yield Step("update", "realm", realm.name, differing, partial(server.put, realm.name, merged(wanted, found)))


def _signer(server: Server, realm: Realm, live: Live) -> Iterator[Step]:
    """The key that tokens are signed with.

    Keycloak would make it at the first token; a gateway that has fetched the key set before would not know it.
    """
    if _SIGNER["providerId"] not in live.signers:
        yield created(
            "signing key", _SIGNER["name"], _SIGNER, partial(server.post, f"{realm.name}/components", _SIGNER)
        )


def _profile(server: Server, realm: Realm, live: Live) -> Iterator[Step]:
    """Our attribute among those that are there; the others are not ours."""
    for wanted in realm.parts["userProfile"]["attributes"]:
        now = {one["name"]: one for one in live.profile.get("attributes", ())}
        found = now.get(wanted["name"], {})
        if differing := tuple(changes(wanted, found)):
            action: Action = "update" if found else "create"
            yield Step(action, "user attribute", wanted["name"], differing, partial(_set, server, realm.name, wanted))


def _set(server: Server, realm: str, attribute: Item) -> None:
    path = f"{realm}/users/profile"
    profile = server.get(path)  # anew: it comes with the realm
    others = [one for one in profile.get("attributes", ()) if one["name"] != attribute["name"]]
    server.put(path, {**profile, "attributes": [*others, attribute]})


def _items(server: Server, realm: Realm, live: Live, part: str) -> Iterator[Step]:
    path, kind, key = f"{realm.name}/{_PATHS[part]}", _KINDS[part], KEYS[part]
    for whole in realm.parts[part]:
        wanted = {name: value for name, value in whole.items() if name != "mappers"}
        mappers = whole.get("mappers", ())
        found = live.items[part].get(wanted[key])
        if found is None:
            yield created(kind, wanted[key], wanted, partial(server.post, path, wanted))
        elif differing := tuple(changes(wanted, found)):
            where = f"{path}/{found['id'] if part == 'organizations' else wanted[key]}"
            yield Step(
                *("update", kind, wanted[key], differing),
                partial(server.put, where, merged(wanted, found)),
            )
        yield from _mappers(server, path, wanted[key], mappers, (found or {}).get("mappers", ()))


def _mappers(server: Server, path: str, alias: str, wanted: Sequence[Item], now: Sequence[Item]) -> Iterator[Step]:
    found = {one["name"]: one for one in now}
    where = f"{path}/{alias}/mappers"
    for one in wanted:
        mapper = {**one, "identityProviderAlias": alias}
        name, live = f"{alias}/{one['name']}", found.get(one["name"])
        if live is None:
            yield created("mapper", name, mapper, partial(server.post, where, mapper))
        elif differing := tuple(changes(mapper, live)):
            yield Step(
                *("update", "mapper", name, differing),
                partial(server.put, f"{where}/{live['id']}", merged(mapper, live)),
            )
    for name in sorted(found.keys() - {one["name"] for one in wanted}):
        yield deleted("mapper", f"{alias}/{name}", partial(server.delete, f"{where}/{found[name]['id']}"))


def _flow(server: Server, realm: Realm, live: Live) -> Iterator[Step]:
    wanted = realm.parts["flow"]
    in_force = str((live.realm or {}).get("browserFlow", ""))
    left = [one for one in live.flows if one != in_force]
    if live.flow != wanted:
        differing = (Change("steps", "others" if live.flow else None, "as the levels of assurance say"),)
        yield Step(
            *("update" if live.flow else "create", "login flow", wanted["alias"], differing),
            partial(flows.install, server, realm.name, wanted, in_force, live.flows),
        )
    elif left:
        yield deleted("login flow", ", ".join(left), partial(flows.remove, server, realm.name, left))


def _policies(server: Server, realm: Realm, live: Live) -> Iterator[Step]:
    (wanted,) = realm.parts["clientPolicies"]
    found = next((one for one in live.policies if one["name"] == FAPI_POLICY), None)
    differing = tuple(changes(wanted, found or {}))
    if differing:
        path = f"{realm.name}/client-policies/policies"
        others = [one for one in live.policies if one["name"] != FAPI_POLICY]
        yield Step(
            *("update" if found else "create", "client policy", FAPI_POLICY, differing),
            partial(server.put, path, {"policies": [*others, wanted]}),
        )


def _removals(server: Server, realm: Realm, live: Live) -> Iterator[Step]:
    """What the sync made and nobody asks for any more; clients are removed with their keys, elsewhere."""
    for part in ("organizations", "identityProviders", "clientScopes", "roles"):
        wanted = {one[KEYS[part]] for one in realm.parts[part]}
        for key, found in sorted(live.items[part].items()):
            if managed(found) and key not in wanted:
                where = f"{realm.name}/{_PATHS.get(part, 'client-scopes')}/{_identifier(part, found)}"
                yield deleted(_KINDS[part], key, partial(server.delete, where))


def _identifier(part: str, found: Mapping[str, Any]) -> str:
    return str(found["id"] if part in ("organizations", "clientScopes") else found[KEYS[part]])
