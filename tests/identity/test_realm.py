"""The realm as data: from the platform's decisions and the bindings, without a server."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from components.services import notify
from gdcc.errors import FindingError, GdccError
from gdcc.identity import Realm, realm
from gdcc.identity.credential import Rules, credential
from gdcc.identity.keys import KeyPair
from gdcc.identity.names import MANAGED
from gdcc.identity.secrets import PRIVATE_KEY
from gdcc.model import Environment, Estate, Tenant, bindings
from gdcc.model.identity import Identity, SharedSecret
from gdcc.model.types import LocalizedName
from tests.identity.conftest import Bound, bound_to

DEV, PROD = Environment.DEV, Environment.PROD
CALLBACK = "https://app.example/callback"


@pytest.fixture
def bound(tenants: dict[str, Tenant]) -> list[Bound]:
    return [
        Bound(tenant, environment, service, redirect_uris=(CALLBACK,))
        for tenant in (tenants["ddc"], tenants["rd"])
        for environment in (DEV, PROD)
        for service in ("identity", "notify")
    ]


def _client(built: Realm, name: str) -> dict[str, object]:
    (found,) = [one for one in built.parts["clients"] if one["clientId"] == name]
    return dict(found)


def test_the_same_bindings_in_any_order_are_the_same_bytes(estate: Estate, bound: list[Bound]) -> None:
    assert realm(estate.identity, bound).rendered() == realm(estate.identity, bound[::-1]).rendered()


def test_what_is_rendered_is_read_back_as_it_was(estate: Estate, bound: list[Bound]) -> None:
    for some in (bound, bound[:1], []):
        built = realm(estate.identity, some)
        assert Realm.read(built.rendered(), "realm.json") == built


def test_a_thousand_clients_fit_into_a_configmap(estate: Estate) -> None:
    bound = [
        Bound(tenant, environment, service, redirect_uris=(f"https://{tenant.agency}.example/callback",))
        for tenant in estate.tenants
        for environment in tenant.quota
        for service in ("identity", "notify", "payment")
    ]
    built = realm(estate.identity, bound)
    assert len(built.parts["clients"]) > 500
    assert len(built.rendered().encode()) / len(built.parts["clients"]) * 1000 < 1_048_576


def test_everything_that_can_carry_a_mark_carries_it(estate: Estate, bound: list[Bound]) -> None:
    parts = realm(estate.identity, bound).parts
    for part in ("roles", "clientScopes", "identityProviders", "organizations", "clients"):
        assert parts[part]
        for one in parts[part]:
            marks = one.get("attributes", {}).get(MANAGED) or one.get("config", {}).get(MANAGED)
            assert marks in ("true", ["true"]), one


def test_no_client_has_a_wide_grant(estate: Estate, bound: list[Bound]) -> None:
    for one in realm(estate.identity, bound).parts["clients"]:
        assert not one["implicitFlowEnabled"]
        assert not one["directAccessGrantsEnabled"]
        assert not one["fullScopeAllowed"]
        assert not one["publicClient"]
        assert one["attributes"]["pkce.code.challenge.method"] == "S256"
        assert "roles" not in one["defaultClientScopes"]


def test_production_that_is_bound_to_payment_is_of_high_value_and_nothing_else_is(
    estate: Estate, tenants: dict[str, Tenant]
) -> None:
    rd = tenants["rd"]
    built = realm(
        estate.identity,
        [*bound_to(rd, DEV, "payment"), *bound_to(rd, PROD, "payment"), *bound_to(rd, Environment.UAT, "notify")],
    )
    profiles = {one["clientId"].split("-")[1]: one["attributes"]["gdcc.profile"] for one in built.parts["clients"]}
    assert profiles == {"dev": "standard", "uat": "standard", "prod": "fapi2"}


def test_who_is_not_bound_to_the_id_service_has_no_client_there(estate: Estate, tenants: dict[str, Tenant]) -> None:
    ddc, rd = tenants["ddc"], tenants["rd"]
    built = realm(estate.identity, [Bound(ddc, DEV, "notify"), *bound_to(rd, DEV, "notify")])
    assert [one["clientId"] for one in built.parts["clients"]] == [f"{rd.id}-dev"], "there is no Secret for its key"
    assert [one["name"] for one in built.parts["organizations"]] == [rd.id]


def test_by_the_claims_of_a_token_notify_finds_the_binding(estate: Estate) -> None:
    listed = json.loads(notify.bound(estate))["bindings"]
    known = {(one["agency"], one["environment"], one["plan"]) for one in listed}
    clients = {one["clientId"]: one for one in realm(estate.identity, bindings(estate)).parts["clients"]}
    found = 0
    for one in bindings(estate):
        if one.service == "notify" and one.namespace in clients:
            claims = {each["name"]: each["config"]["claim.value"] for each in clients[one.namespace]["protocolMappers"]}
            assert (claims["agency"], claims["environment"], claims["plan"]) in known
            found += 1
    assert found > 50


@pytest.mark.parametrize("uri", ["https://app.example/*", "http://app.example/callback", "app://callback"])
def test_a_redirect_uri_that_is_not_exact_is_refused(estate: Estate, tenants: dict[str, Tenant], uri: str) -> None:
    with pytest.raises(FindingError, match="is not exact"):
        realm(estate.identity, [Bound(tenants["rd"], DEV, "identity", redirect_uris=(uri,))])


def test_a_shared_secret_is_refused_for_a_high_value_application(estate: Estate, tenants: dict[str, Tenant]) -> None:
    rd, why = tenants["rd"], LocalizedName(th="ระบบเดิม", en="an old system")
    allowed = SharedSecret(tenant=rd.id, environment=PROD, method="client_secret_basic", reason=why)
    identity = estate.identity.model_copy(update={"shared_secrets": (allowed,)})
    with pytest.raises(FindingError, match="must keep to FAPI"):
        realm(identity, bound_to(rd, PROD, "payment"))


def test_a_file_that_is_no_realm_is_one_clear_error() -> None:
    for text in ("", "{}", "[]", "null", '{"keys": {}}'):
        with pytest.raises(GdccError, match=r"realm\.json is no realm"):
            Realm.read(text, "realm.json")


def test_what_is_rendered_has_no_secret(estate: Estate, bound: list[Bound]) -> None:
    text = realm(estate.identity, bound).rendered()
    assert "PRIVATE" not in text
    assert '"jwks.string"' not in text
    assert '"clientSecret"' not in text


@pytest.mark.parametrize(
    ("way", "value", "said"),
    [
        (("sessions", "access_token"), "1h", "too long"),
        (("sessions", "access_token"), "300", "no duration"),
        (("sessions", "longest"), "1m", "shorter than `idle`"),
        (("events", "kept"), "30d", "shorter than the law"),
        (("keys", "grace"), "90d", "outlive"),
        (("high_value", "acr"), "loa9", "no level is named"),
        (("realm",), "master", "own realm of administrators"),
        (("url",), "http://id.example", "no address of a server"),
        (("upstreams", 0, "issuer"), "https://upstream.example", "but not authorization_url"),
        (("assurance", 1, "aal"), 1, "does not include"),
        (("assurance", 0, "ial"), 2, "and not IAL 1"),
        (("passwords", "length"), 8, "greater than or equal to 12"),
    ],
)
def test_a_decision_that_does_not_hold_is_refused(
    estate: Estate, way: tuple[str | int, ...], value: object, said: str
) -> None:
    contents = json.loads(estate.identity.model_dump_json(exclude_none=True))
    Identity.model_validate_json(json.dumps(contents))
    place = contents
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    if way[0] == "upstreams":
        place["secret"] = "thaid"
    with pytest.raises(ValidationError, match=said):
        Identity.model_validate_json(json.dumps(contents))


RULES = Rules("https://id.example/realms/gdcc", rotate_after=1000, grace=100, now=5000)


def test_a_key_is_in_no_repr() -> None:
    assert "PRIVATE" not in repr(KeyPair.make())


def test_a_key_of_another_kind_in_the_secret_is_replaced() -> None:
    first = credential("c", {}, None, RULES, rotate=False)
    assert first.data is not None
    for broken in ("", "no key", first.data[PRIVATE_KEY][:60]):
        repaired = credential("c", first.attributes, {**first.data, PRIVATE_KEY: broken}, RULES, rotate=False)
        assert repaired.data is not None
        assert repaired.data[PRIVATE_KEY] != first.data[PRIVATE_KEY]


def test_at_most_two_keys_are_valid_at_a_time() -> None:
    state = credential("c", {}, None, RULES, rotate=False)
    data = state.data
    for _ in range(4):
        state = credential("c", state.attributes, data, RULES, rotate=True)
        data = state.data
        assert len(json.loads(state.attributes["jwks.string"])["keys"]) == 2
