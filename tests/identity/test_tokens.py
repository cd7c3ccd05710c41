"""What applications get by their own key: tokens that say whose they are, and nothing by another's."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

import jwt
import pytest

from gdcc.identity import Realm
from gdcc.identity.secrets import PRIVATE_KEY
from gdcc.model import Environment, Estate, Tenant
from gdcc.model.identity import SharedSecret
from gdcc.model.types import LocalizedName
from tests.identity.conftest import Identities, Shelf, bound_to, desired
from tests.identity.oidc import Application, totp

pytestmark = pytest.mark.services

DEV, PROD = Environment.DEV, Environment.PROD
DAY = 86_400


@pytest.fixture(scope="module")
def kept() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def synced(identities: Identities, estate: Estate, tenants: dict[str, Tenant], kept: Shelf) -> Realm:
    ddc, rd = tenants["ddc"], tenants["rd"]
    bound = [*bound_to(ddc, DEV, "notify"), *bound_to(rd, DEV, "payment"), *bound_to(ddc, PROD, "payment")]
    bound += bound_to(rd, Environment.UAT, "notify")
    why = LocalizedName(th="ระบบเดิม", en="an old system")
    allowed = SharedSecret(tenant=rd.id, environment=Environment.UAT, method="client_secret_jwt", reason=why)
    allowing = replace(estate, identity=estate.identity.model_copy(update={"shared_secrets": (allowed,)}))
    wanted = desired(identities, allowing, f"r{uuid.uuid4().hex[:8]}", *bound)
    identities.sync(wanted, kept)
    return wanted


@pytest.fixture
def ddc(identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf) -> Application:
    return Application(kept.data[f"{tenants['ddc'].id}-dev/service-identity"], identities.keycloak.authority)


@pytest.fixture
def rd(identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf) -> Application:
    return Application(kept.data[f"{tenants['rd'].id}-dev/service-identity"], identities.keycloak.authority)


def test_a_token_says_whose_application_it_is_and_for_which_service(
    ddc: Application, tenants: dict[str, Tenant]
) -> None:
    answer = ddc.token()
    assert answer.status_code == 200, answer.text
    claims = ddc.claims(answer.json()["access_token"], "notify")
    said = {name: claims[name] for name in ("agency", "environment", "plan", "tenant")}
    assert said == {
        "agency": "moph/ddc",
        "environment": "dev",
        "plan": "trial",
        "tenant": tenants["ddc"].id,
    }
    audiences = claims["aud"]
    assert isinstance(audiences, list)
    assert set(audiences) == {"identity", "notify"}


def test_a_token_is_not_for_a_service_that_is_not_bound(ddc: Application) -> None:
    with pytest.raises(jwt.InvalidAudienceError):
        ddc.claims(ddc.token().json()["access_token"], "payment")


def test_another_applications_key_is_refused(ddc: Application, rd: Application) -> None:
    thief = Application(ddc.data | {PRIVATE_KEY: rd.data[PRIVATE_KEY]}, ddc.authority)
    assert thief.token().status_code in (400, 401)
    assert ddc.token().status_code == 200


def test_a_client_without_its_key_is_refused(ddc: Application) -> None:
    answer = ddc.post(grant_type="client_credentials", client_assertion="", client_id=ddc.data["client-id"])
    assert answer.status_code in (400, 401)


def test_an_expired_token_is_refused(identities: Identities, synced: Realm, ddc: Application) -> None:
    server = identities.server()
    server.put(synced.name, {"accessTokenLifespan": 1})
    try:
        token = ddc.token().json()["access_token"]
        time.sleep(2.1)
        with pytest.raises(jwt.ExpiredSignatureError):
            ddc.claims(token, "notify")
    finally:
        server.put(synced.name, {"accessTokenLifespan": 300})


def test_a_high_value_client_gets_no_token_without_dpop(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    high = Application(kept.data[f"{tenants['ddc'].id}-prod/service-identity"], identities.keycloak.authority)
    answer = high.token()
    assert answer.status_code == 400
    assert "DPoP" in answer.text


def test_rotation_keeps_both_keys_until_the_next_one(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    client_id, target = f"{tenants['rd'].id}-dev", f"{tenants['rd'].id}-dev/service-identity"
    turn, authority = frozenset({client_id}), identities.keycloak.authority
    first = Application(dict(kept.data[target]), authority)
    identities.sync(synced, kept, rotate=turn)
    second = Application(dict(kept.data[target]), authority)
    assert first.data["key-id"] != second.data["key-id"]
    assert first.token().status_code == 200, "an application that has not read the new key goes on"
    assert second.token().status_code == 200
    identities.sync(synced, kept, rotate=turn)
    third = Application(dict(kept.data[target]), authority)
    assert [one.token().status_code == 200 for one in (first, second, third)] == [False, True, True]


def test_a_former_key_ends_when_its_grace_is_over(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    client_id, target = f"{tenants['rd'].id}-dev", f"{tenants['rd'].id}-dev/service-identity"
    former = Application(dict(kept.data[target]), identities.keycloak.authority)
    identities.sync(synced, kept, rotate=frozenset({client_id}))
    now = int(time.time())
    assert not identities.sync(synced, kept, now=now + synced.grace - 60)
    assert former.token().status_code == 200
    steps = identities.sync(synced, kept, now=now + synced.grace + 60)
    assert client_id in {step.name.split()[0] for step in steps}
    assert former.token().status_code != 200
    assert Application(kept.data[target], former.authority).token().status_code == 200


def test_rotation_by_schedule_changes_only_keys_that_are_old_enough(
    identities: Identities, synced: Realm, kept: Shelf
) -> None:
    now = int(time.time())
    assert not identities.sync(synced, kept, now=now, rotate="due")
    steps = identities.sync(synced, kept, now=now + synced.rotate_after + DAY, rotate="due")
    assert len(steps) == 3
    assert {step.kind for step in steps} == {"key"}
    # The clock goes back to today: keys from the future are nobody's to end.
    assert not identities.sync(synced, kept, now=now)


def test_a_shared_secret_only_where_the_platform_allows_one(
    identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf
) -> None:
    client_id = f"{tenants['rd'].id}-uat"
    target = f"{client_id}/service-identity"
    assert [name for name, data in kept.data.items() if "client-secret" in data] == [target]
    data = dict(kept.data[target])
    claims = {"iss": data["client-id"], "sub": data["client-id"], "aud": data["issuer"], "jti": uuid.uuid4().hex}
    claims |= {"exp": int(time.time()) + 30, "iat": int(time.time())}  # type: ignore[dict-item]
    signed = jwt.encode(claims, data["client-secret"], algorithm="HS256")
    answer = Application({**data, "private-key.pem": "", "key-id": ""}, identities.keycloak.authority)
    answer.assertion = lambda: {  # type: ignore[method-assign]
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    assert answer.token().status_code == 200, "it identifies itself by HMAC"
    identities.sync(synced, kept, rotate=frozenset({client_id}))
    assert kept.data[target]["client-secret"] != data["client-secret"]
    assert not identities.sync(synced, kept)


def test_the_one_time_password_of_these_tests_is_that_of_the_standard() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp(secret, 59) == "287082", "RFC 6238, appendix B, the last six digits"
