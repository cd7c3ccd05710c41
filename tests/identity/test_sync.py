"""The sync against a real Keycloak: makes, keeps, repairs, removes only its own, and survives being stopped."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Callable

import psutil
import pytest

from gdcc.errors import FindingError, GdccError
from gdcc.identity import Realm
from gdcc.identity.keys import read_key_set
from gdcc.identity.plan import apply, plan
from gdcc.identity.secrets import PRIVATE_KEY, SecretError
from gdcc.identity.server import Server
from gdcc.model import Environment, Estate, Tenant
from tests.identity.conftest import Bound, Identities, Shelf, bound_to, desired

pytestmark = pytest.mark.services

DEV, PROD = Environment.DEV, Environment.PROD
CALLBACK = "https://app.ddc.example/callback"


@pytest.fixture(scope="module")
def bound(tenants: dict[str, Tenant]) -> list[Bound]:
    ddc, rd = tenants["ddc"], tenants["rd"]
    return [
        *bound_to(ddc, DEV, "notify", uris=(CALLBACK,)),
        *bound_to(ddc, PROD, "payment", uris=(CALLBACK,)),
        *bound_to(rd, DEV, "notify"),
    ]


@pytest.fixture(scope="module")
def kept() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def synced(identities: Identities, estate: Estate, bound: list[Bound], kept: Shelf) -> Realm:
    """One realm for the tests that leave it as they found it."""
    wanted = desired(identities, estate, f"r{uuid.uuid4().hex[:8]}", *bound)
    assert len(identities.sync(wanted, kept)) > 15
    return wanted


def _client(server: Server, realm: Realm, name: str) -> dict[str, object]:
    (found,) = server.get(f"{realm.name}/clients", clientId=name)
    return dict(found)


def test_a_second_run_changes_nothing(identities: Identities, synced: Realm, kept: Shelf) -> None:
    held = json.dumps(kept.data)
    assert not identities.sync(synced, kept)
    assert json.dumps(kept.data) == held


def test_what_is_brought_about_is_what_the_files_say(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant]
) -> None:
    server, ddc = identities.server(), tenants["ddc"]
    realm = server.get(synced.name)
    assert realm["eventsEnabled"]
    assert realm["adminEventsEnabled"]
    assert realm["bruteForceProtected"]
    assert realm["browserFlow"].startswith("gdcc-browser")
    organizations = {
        one["name"]: one for one in server.get(f"{synced.name}/organizations", briefRepresentation="false")
    }
    assert organizations[ddc.id]["attributes"]["agency"] == ["moph/ddc"]
    high = _client(server, synced, f"{ddc.id}-prod")
    assert high["consentRequired"]
    assert high["clientAuthenticatorType"] == "client-jwt"
    machine = _client(server, synced, f"{tenants['rd'].id}-dev")
    assert not machine["standardFlowEnabled"], "nobody logs in at an application that has no address to return to"
    providers = {one["alias"]: one for one in server.get(f"{synced.name}/identity-provider/instances")}
    assert set(providers) == {"thaid", "digital-id"}
    assert not any(one["enabled"] for one in providers.values()), "switched off until the upstream admits us"


def _weaken_realm(server: Server, realm: Realm, client: dict[str, object]) -> None:
    server.put(realm.name, {**server.get(realm.name), "bruteForceProtected": False, "eventsEnabled": False})


def _widen_redirects(server: Server, realm: Realm, client: dict[str, object]) -> None:
    server.put(f"{realm.name}/clients/{client['id']}", {**client, "redirectUris": ["https://evil.example/*"]})


def _forge_claim(server: Server, realm: Realm, client: dict[str, object]) -> None:
    config = {"claim.name": "agency", "claim.value": "rd", "jsonType.label": "String", "access.token.claim": "true"}
    mapper = {"name": "zz", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper"}
    server.post(f"{realm.name}/clients/{client['id']}/protocol-mappers/models", {**mapper, "config": config})


def _widen_audience(server: Server, realm: Realm, client: dict[str, object]) -> None:
    ids = {one["name"]: one["id"] for one in server.get(f"{realm.name}/client-scopes")}
    server.put(f"{realm.name}/clients/{client['id']}/default-client-scopes/{ids['service-payment']}")


def _lengthen_tokens(server: Server, realm: Realm, client: dict[str, object]) -> None:
    attributes = dict(client["attributes"]) | {"access.token.lifespan": "86400"}  # type: ignore[call-overload]
    server.put(f"{realm.name}/clients/{client['id']}", {**client, "attributes": attributes})


def _drop_second_factor(server: Server, realm: Realm, client: dict[str, object]) -> None:
    path = f"{realm.name}/authentication/flows/{server.get(realm.name)['browserFlow']}/executions"
    for one in server.get(path):
        if one.get("providerId") == "auth-otp-form":
            server.put(path, {**one, "requirement": "DISABLED"})


def _remove_policy(server: Server, realm: Realm, client: dict[str, object]) -> None:
    server.put(f"{realm.name}/client-policies/policies", {"policies": []})


def _let_people_say_their_ial(server: Server, realm: Realm, client: dict[str, object]) -> None:
    profile = server.get(f"{realm.name}/users/profile")
    for one in profile["attributes"]:
        if one["name"] == "ial":
            one["permissions"]["edit"] = ["admin", "user"]
    server.put(f"{realm.name}/users/profile", profile)


def _add_key(server: Server, realm: Realm, client: dict[str, object]) -> None:
    attributes = dict(client["attributes"])  # type: ignore[call-overload]
    keys = json.loads(attributes["jwks.string"])["keys"]
    attributes["jwks.string"] = json.dumps({"keys": [*keys, {**keys[0], "kid": "stranger"}]})
    server.put(f"{realm.name}/clients/{client['id']}", {**client, "attributes": attributes})


@pytest.mark.parametrize(
    ("drift", "kind"),
    [
        (_weaken_realm, "realm"),
        (_widen_redirects, "client"),
        (_forge_claim, "client"),
        (_widen_audience, "client"),
        (_lengthen_tokens, "client"),
        (_drop_second_factor, "login flow"),
        (_remove_policy, "client policy"),
        (_let_people_say_their_ial, "user attribute"),
        (_add_key, "key"),
    ],
)
def test_drift_is_seen_and_repaired(
    identities: Identities,
    synced: Realm,
    kept: Shelf,
    tenants: dict[str, Tenant],
    drift: Callable[[Server, Realm, dict[str, object]], None],
    kind: str,
) -> None:
    server = identities.server()
    drift(server, synced, _client(server, synced, f"{tenants['ddc'].id}-dev"))
    steps = identities.sync(synced, kept)
    assert [step.kind for step in steps] == [kind], "the plan shows just what was changed by hand"
    assert not identities.sync(synced, kept)


def test_what_others_made_stays(identities: Identities, synced: Realm, kept: Shelf) -> None:
    server = identities.server()
    server.post(f"{synced.name}/clients", {"clientId": "somebody-elses", "publicClient": True})
    server.post(f"{synced.name}/organizations", {"name": "theirs", "alias": "theirs"})
    server.post(f"{synced.name}/roles", {"name": "theirs"})
    policies = server.get(f"{synced.name}/client-policies/policies")["policies"]
    theirs = {"name": "theirs", "enabled": False, "conditions": [], "profiles": []}
    server.put(f"{synced.name}/client-policies/policies", {"policies": [*policies, theirs]})
    assert not identities.sync(synced, kept)
    assert _client(server, synced, "somebody-elses")
    assert "theirs" in {one["name"] for one in server.get(f"{synced.name}/client-policies/policies")["policies"]}


def test_a_client_of_the_same_name_that_others_made_is_refused_before_anything_changes(
    identities: Identities, estate: Estate, bound: list[Bound], synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    rd, server, held = tenants["rd"], identities.server(), json.dumps(kept.data)
    server.post(f"{synced.name}/clients", {"clientId": f"{rd.id}-uat"})
    wanted = desired(identities, estate, synced.name, *bound, *bound_to(rd, Environment.UAT, "e-saraban"))
    with pytest.raises(FindingError, match=f"not made by this sync: client {rd.id}-uat"):
        identities.sync(wanted, kept)
    assert json.dumps(kept.data) == held
    assert "service-e-saraban" not in {one["name"] for one in server.get(f"{synced.name}/client-scopes")}
    server.delete(f"{synced.name}/clients/{_client(server, synced, f'{rd.id}-uat')['id']}")


def test_a_realm_that_others_made_is_refused(identities: Identities, estate: Estate, shelf: Shelf) -> None:
    with pytest.raises(FindingError, match="there already, and not made by this sync: realm master"):
        identities.sync(desired(identities, estate, "master"), shelf)


class Stop(Exception):  # noqa: N818 - stands for a kill
    pass


def test_stopped_before_any_step_a_new_run_finishes(
    identities: Identities, estate: Estate, bound: list[Bound], shelf: Shelf
) -> None:
    wanted = desired(identities, estate, f"r{uuid.uuid4().hex[:8]}", *bound)
    server, done = identities.server(), 0
    for lives in (1, 2, 3, 5, 8, 99):
        steps = plan(server, shelf, wanted, int(time.time()))
        left = iter(range(lives))

        def tell(step: object, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Stop

        try:
            apply(steps, tell)
        except Stop:
            done += lives
    assert done >= 8, "it was stopped on the way"
    assert not plan(server, shelf, wanted, int(time.time()))


def test_a_key_that_was_registered_and_never_handed_out_is_replaced(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    client_id = f"{tenants['ddc'].id}-dev"
    target = f"{tenants['ddc'].id}-dev/service-identity"
    before = dict(kept.data[target])

    class Full(Shelf):
        def write(self, target: str, data: dict[str, str]) -> None:
            raise GdccError("the API server is gone")

    full = Full()
    full.data = kept.data
    with pytest.raises(GdccError, match="is gone"):
        identities.sync(synced, full, rotate=frozenset({client_id}))
    assert kept.data[target] == before, "the application still has the key that it had"
    server = identities.server()
    keys = read_key_set(str(_client(server, synced, client_id)["attributes"]["jwks.string"]))  # type: ignore[index]
    assert len(keys) == 2
    assert before["key-id"] in {one["kid"] for one in keys}
    identities.sync(synced, kept)
    keys = read_key_set(str(_client(server, synced, client_id)["attributes"]["jwks.string"]))  # type: ignore[index]
    assert [one["kid"] for one in keys] == [before["key-id"]]
    assert kept.data[target][PRIVATE_KEY] == before[PRIVATE_KEY]


def test_one_tenants_secret_out_of_reach_keeps_nobody_else_waiting(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    first, second = sorted(f"{tenants[agency].id}-dev" for agency in ("ddc", "rd"))

    class Closed(Shelf):
        def read(self, target: str) -> dict[str, str] | None:
            if target.startswith(first):
                raise SecretError("out of reach", "bind it")
            return super().read(target)

    closed = Closed()
    closed.data = kept.data
    before, server = json.dumps(kept.data[f"{first}/service-identity"]), identities.server()
    registered, key = _client(server, synced, first)["attributes"], kept.data[f"{second}/service-identity"]["key-id"]
    with pytest.raises(SecretError, match="out of reach"):
        identities.sync(synced, closed, rotate=frozenset({first, second}))
    assert kept.data[f"{second}/service-identity"]["key-id"] != key, "the one after it has its new key"
    assert json.dumps(kept.data[f"{first}/service-identity"]) == before
    assert _client(server, synced, first)["attributes"] == registered, "no key that could not be handed out"
    assert not identities.sync(synced, kept)


def test_keycloak_killed_in_the_middle_is_one_clear_error_and_a_rerun_finishes(
    identities: Identities, estate: Estate, bound: list[Bound], shelf: Shelf
) -> None:
    wanted = desired(identities, estate, f"r{uuid.uuid4().hex[:8]}", *bound)
    steps = plan(identities.server(), shelf, wanted, int(time.time()))
    half = steps[len(steps) // 2]

    def tell(step: object) -> None:
        if step is half:
            family = psutil.Process(identities.site.pids()["keycloak"])
            for one in [*family.children(recursive=True), family]:
                one.send_signal(signal.SIGKILL)

    with pytest.raises(GdccError, match="does not answer") as told:
        apply(steps, tell)
    assert "run it again" in told.value.hint
    assert "0x" not in told.value.message
    identities.start()
    again = identities.sync(wanted, shelf)
    assert 0 < len(again) < len(steps), "it goes on from what was done"
    assert not identities.sync(wanted, shelf)
